"""The grid of messages: its address, filter bar, columns, saved views, and what is told to it while it is open."""
