"""`python -m packhorse_contracts.export`: writes schemas, samples, AsyncAPI document and catalogue.

Refuses where the new schemas would break an old reader or an old record within a major.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from packhorse_contracts import compat
from packhorse_contracts.export import files, schemas
from packhorse_contracts.topic_settings import load

_LIBRARY = Path(__file__).resolve().parents[2]
EXPORTS = _LIBRARY / "exports"
TOPICS = _LIBRARY.parents[1] / "deploy" / "topics.toml"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: done, or nothing to do; 1: files are stale; 2: a change breaks what is committed."""
    options = _options(arguments)
    breaks = compat.compare(compat.read((options.baseline or options.folder) / "schemas"), schemas.schemas())
    for found in breaks:
        _complain(str(found))
    if breaks and not options.accept_breaks:
        _complain("A breaking change needs a new major: a new class, and an upcaster from the old one.")
        return 2
    wanted = files.exports(load(options.topics, "cluster"))
    if options.check:
        old = files.stale(options.folder, wanted)
        for name in old:
            _complain(f"stale: {name}")
        if old:
            _complain("Run `make contracts` and commit what it writes.")
        return 1 if old else 0
    files.write(options.folder, wanted)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m packhorse_contracts.export", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and name the files that are stale")
    parser.add_argument("--folder", type=Path, default=EXPORTS, help="where the exports lie (default: %(default)s)")
    parser.add_argument("--baseline", type=Path, help="exports to compare with (default: those in the folder)")
    parser.add_argument("--topics", type=Path, default=TOPICS, help="the topics' settings (default: %(default)s)")
    parser.add_argument(
        "--accept-breaks",
        action="store_true",
        help="export in spite of breaking changes: only for facts that were never released",
    )
    return parser.parse_args(arguments)


def _complain(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
