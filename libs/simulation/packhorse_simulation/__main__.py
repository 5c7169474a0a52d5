"""`python -m packhorse_simulation`: a budget of order lives, from a seed that is printed. Exit code 1 if one fails."""

import argparse
import sys

from packhorse_simulation.run import Report, new_seed, run_many
from packhorse_simulation.shrink import shrunk
from packhorse_simulation.story import story


def main() -> int:
    """Reads the command line, runs, and tells."""
    parser = argparse.ArgumentParser(prog="python -m packhorse_simulation", description=__doc__)
    parser.add_argument("--lives", type=int, default=20_000, help="order lives in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="the first run's seed; the next ones follow it")
    parser.add_argument("--patience", type=int, default=20_000, help="order lives to spend on making a failure shorter")
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else new_seed()
    _say(f"SEED={seed}")
    report = run_many(seed, chosen.lives, tell=_progress)
    _say("")
    for kind, count in sorted(report.faults.items(), key=lambda item: (-item[1], item[0])):
        _say(f"{count:>9,}  {kind}")
    _say(
        f"{report.lives:,} order lives, {sum(report.faults.values()):,} faults, {report.rate:,.0f} lives/s of one core"
    )
    for scenario, found in report.failed:
        _say(f"\nSEED={scenario.seed} breaks: {', '.join(sorted({one.invariant for one in found}))}. Shortening it …\n")
        _say(story(shrunk(scenario, chosen.patience)))
    return 1 if report.failed else 0


def _progress(report: Report) -> None:
    if sys.stdout.isatty():
        sys.stdout.write(f"\r{report.lives:>9,} lives  {report.rate:>5,.0f}/s")
        sys.stdout.flush()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
