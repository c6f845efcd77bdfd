"""Mail that others kept, read from where it lies: mbox, Maildir, .eml files, Mailpit's database, Postfix queue files.

Reads only. What it finds is kept octet for octet and marked as imported: nobody here saw it being sent.
"""
