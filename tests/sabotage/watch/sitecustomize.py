"""Loaded by every Python process of a hunt: none may go on with another copy of the packages than the sabotaged one.

Editable installs name folders too. A check that ran against the sound code would report every defect as a survivor, or
worse, be trusted.
"""

import atexit
import importlib.util
import os
import sys

COPY = os.environ["SABOTAGE_COPY"] + os.sep
PACKAGES = os.environ["SABOTAGE_PACKAGES"].split(",")
WRONG_COPY = 97
"""The exit code that says so."""


def _end(name: str, origin: str | None) -> None:
    sys.stderr.write(f"sabotage: {name} comes from {origin}, not from {COPY}\n")
    sys.stderr.flush()
    os._exit(WRONG_COPY)


def _before() -> None:
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        origin = spec.origin if spec else None
        if origin is None or not origin.startswith(COPY):
            _end(name, origin)


def _after() -> None:
    for name, module in list(sys.modules.items()):
        origin = getattr(module, "__file__", None)
        if name.partition(".")[0] in PACKAGES and origin is not None and not origin.startswith(COPY):
            _end(name, origin)


_before()
atexit.register(_after)
