"""SMTP in: listeners, sessions, address grammar, credentials and limits. Keeps a message before it answers 250."""
