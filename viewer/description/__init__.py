"""The description of the HTTP API as OpenAPI, and the schemas of what it answers."""
