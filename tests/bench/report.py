"""Figures as a table, as JSON, as plots, and as one more line of the history."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .figures import Figures, Steady, quantile

out = Console()
_PACKAGES = ("faststream", "aiokafka", "asyncpg", "pydantic", "uvloop")


def machine() -> dict[str, str]:
    """What it ran on."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "commit": commit.stdout.strip() or "unknown",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    } | {name: version(name) for name in _PACKAGES}


def write(figures: Figures, folder: Path, took: float) -> None:
    """All forms of it."""
    folder.mkdir(parents=True, exist_ok=True)
    _rates(figures)
    _costs(figures)
    _latencies(figures)
    _targets(figures)
    (folder / "figures.json").write_text(json.dumps(figures.json(), indent=1))
    with (folder / "history.jsonl").open("a") as history:
        line = {"machine": figures.machine, "targets": {one.name: one.reached for one in figures.targets()}}
        history.write(json.dumps(line) + "\n")
    plots = _plots(figures, folder)
    told = ", ".join(f"{name} {value}" for name, value in figures.machine.items())
    out.print(f"[dim]{took:.0f} s; {told}[/dim]")
    out.print(f"figures.json, history.jsonl{''.join(f', {name}' for name in plots)} in {folder}")


def _rates(figures: Figures) -> None:
    table = Table("side", "orders/s", "CPU ms/order", "WAL bytes/order", "transactions/order", title="At the top rate")
    for one in figures.saturated:
        table.add_row(
            one.side, f"{one.rate:.1f}", f"{sum(one.cpu.values()):.2f}", str(one.wal), f"{one.transactions:.2f}"
        )
    if figures.durable is not None:
        table.add_row("durable", f"{figures.durable:.1f}", "", "", "")
    if figures.catch_up is not None:
        table.add_row("packhorse, catching up", f"{figures.catch_up:.1f}", "", "", "")
    out.print(table)


def _costs(figures: Figures) -> None:
    table = Table("process", "CPU ms/order", "MiB", title="Packhorse by part")
    last = [one for one in figures.saturated if one.side == "packhorse"][-1]
    for name, used in last.cpu.items():
        table.add_row(name, f"{used:.2f}", f"{last.memory[name] / 2**20:.0f}")
    out.print(table)


def _latencies(figures: Figures) -> None:
    table = Table("orders/s", "from → to", "p50 ms", "p95 ms", "p99 ms", title="Latency, open loop")
    for one in figures.steady:
        for pair, found in one.seconds.items():
            table.add_row(f"{one.rate:.0f}", pair, *(f"{seconds * 1000:.0f}" for seconds in found.values()))
    if figures.round_trips:
        shares = [f"{quantile(figures.round_trips, share) * 1000:.1f}" for share in (0.5, 0.95, 0.99)]
        table.add_row("", "a bare round trip", *shares)
    out.print(table)


def _targets(figures: Figures) -> None:
    table = Table("target", "reached", "wanted", "", title="Targets")
    for one in figures.targets():
        if one.reached is None:
            continue
        sign = "≥" if one.least else "≤"
        mark = "[green]holds[/green]" if one.holds else "[red]missed[/red]"
        table.add_row(one.name, f"{one.reached:.2f} {one.unit}", f"{sign} {one.wanted:g} {one.unit}", mark)
    out.print(table)


def _plots(figures: Figures, folder: Path) -> list[str]:
    try:
        import matplotlib as mpl
    except ImportError:
        return []
    mpl.use("Agg")
    from matplotlib import pyplot

    last = [one for one in figures.saturated if one.side == "packhorse"][-1]
    figure, axes = pyplot.subplots(figsize=(7, 4))
    axes.barh(list(last.cpu), list(last.cpu.values()))
    axes.set_xlabel("CPU ms an order")
    figure.tight_layout()
    figure.savefig(folder / "cost.png")
    names = ["cost.png"]
    if len(figures.steady) > 1:
        figure, axes = pyplot.subplots(figsize=(7, 4))
        for pair in figures.steady[0].seconds:
            axes.plot(*_line(figures.steady, pair), marker="o", label=pair)
        axes.set_xlabel("orders/s")
        axes.set_ylabel("p99 ms")
        axes.legend()
        figure.tight_layout()
        figure.savefig(folder / "latency.png")
        names.append("latency.png")
    return names


def _line(steady: list[Steady], pair: str) -> tuple[list[float], list[float]]:
    return [one.rate for one in steady], [one.seconds[pair]["p99"] * 1000 for one in steady]
