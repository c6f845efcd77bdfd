"""The web application: pages, JSON API, exports, sign-in."""
