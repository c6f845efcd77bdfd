"""The archive in one SQLite file: `archive.py` puts it together, each other file has the methods of one contract."""
