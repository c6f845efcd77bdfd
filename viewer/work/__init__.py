"""What people do to mail: send again, operate the queue, approve, delete, export; one message or many as a task."""
