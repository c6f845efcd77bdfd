"""The reports: what each counts, as tables and charts; drawn by `viewer/pages`, told by `viewer/api/figures.py`.

`period.py` says of which days, `table.py` what a table is, `asked.py` what they have in common; one module a report.
"""
