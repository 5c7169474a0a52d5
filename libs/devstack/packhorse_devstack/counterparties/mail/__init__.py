"""A mail server that keeps what it gets, for people and tests to look at."""
