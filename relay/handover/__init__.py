"""What is handed to others for good: signed exports, those by a timetable, and the journal for another archive."""
