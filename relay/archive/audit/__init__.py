"""Checking a whole archive: what was recorded against hashes, the log and what was signed. See `whole.py`."""
