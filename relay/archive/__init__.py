"""The store behind one API (`api.py`)."""
