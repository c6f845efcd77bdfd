"""Proof that comes back: the public port of pixels and links, and what is to be thought of who fetched them."""
