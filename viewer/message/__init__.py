"""One message as people look at it: made inert, explained, compared, printed. What needs a decoder runs in a worker."""
