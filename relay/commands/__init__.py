"""The commands of `mailwitness`, one module each."""
