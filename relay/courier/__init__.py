"""SMTP out: claims due deliveries, brings them to the upstream, records how it ended."""
