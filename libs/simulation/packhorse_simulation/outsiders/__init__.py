"""Everybody who isn't ours, each a small state machine with a book of its own."""
