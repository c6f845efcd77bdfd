"""The relay: mail in, kept, and on; in the order in which a message lives: intake, archive, rendition, courier.

`ARCHITECTURE.md` follows one message through these rooms.
"""
