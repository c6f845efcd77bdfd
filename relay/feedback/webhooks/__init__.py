"""What providers report to `/hooks/NAME`: one file for each of them, `listener.py` for all.

A provider's file is pure: it verifies a request (octets, header fields, the table, the time) and reads the reports in a
payload. The formats are the providers' own documents; what each authenticates, and how well, is in docs/reports.md.
"""
