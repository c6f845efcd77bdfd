"""The herald: tells endpoints of events. `herald.py` follows the journal, `telling.py` sends what is due."""
