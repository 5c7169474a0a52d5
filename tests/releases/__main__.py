"""`make release-record`: writes down what this release writes down, for those that will live beside it."""

from .record import record

print(f"{record()}: commit it with the release")  # noqa: T201
