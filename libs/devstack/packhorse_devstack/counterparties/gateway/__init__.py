"""A payment gateway over HTTP with a book of its own: see ../gateway.md for its protocol."""
