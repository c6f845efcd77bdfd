"""Alembic migrations of the archive, run when it is opened; `run.py` runs them."""
