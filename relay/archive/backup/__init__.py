"""Copies of the archive in a folder of blocks: made beside a running server, and put back into an empty place."""
