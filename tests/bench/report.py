"""Figures as a table, as JSON, as plots, and as one more line of the history."""

import json
import os
import platform
import subprocess
import sys
import sysconfig
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .figures import QUANTILES, Figures, quantile
from .scale import COSTLIEST
from .skew import BURST_SECONDS, GATEWAY_SECONDS, HUGE_LINES, UNITS

out = Console()
_PACKAGES = ("faststream", "aiokafka", "asyncpg", "pydantic", "uvloop")


def machine() -> dict[str, str]:
    """What it ran on."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "cores": str(os.cpu_count()),
        "python": f"{platform.python_version()} ({_build()})",
        "commit": commit.stdout.strip() or "unknown",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    } | {name: version(name) for name in _PACKAGES}


def _build() -> str:
    """How the interpreter was built: without optimisation it needs about a quarter more CPU (`deploy/python.sh`)."""
    configured = sysconfig.get_config_var("CONFIG_ARGS") or ""
    distributed = os.path.realpath(sys.executable).startswith("/usr/bin/")
    return "optimised" if distributed or "--enable-optimizations" in configured else "not optimised"


def write(figures: Figures, folder: Path, took: float) -> None:
    """All forms of it."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in (_rates, _costs, _latencies, _loads, _growth, _targets):
        table(figures)
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
        table.add_row("durable workflows", f"{figures.durable:.1f}", "", "", "")
    if figures.catch_up is not None:
        table.add_row("packhorse, catching up", f"{figures.catch_up:.1f}", "", "", "")
    if table.row_count:
        out.print(table)


def _costs(figures: Figures) -> None:
    if not (runs := figures.of("packhorse")):
        return
    table = Table("process", "CPU ms/order", "inputs a transaction", "MiB", title="Packhorse by part")
    last = runs[-1]
    for name, used in last.cpu.items():
        batch = f"{last.batch[name]:.0f}" if name in last.batch else ""
        table.add_row(name, f"{used:.2f}", batch, f"{last.memory[name] / 2**20:.0f}")
    table.caption = f"one order: {figures.records} records, {figures.bytes:,} bytes of keys, headers and values"
    out.print(table)


def _latencies(figures: Figures) -> None:
    table = Table("orders/s", "from → to", "p50 ms", "p95 ms", "p99 ms", title="Latency, open loop")
    for one in figures.steady:
        for pair, found in one.seconds.items():
            table.add_row(f"{one.rate:.0f}", pair, *(f"{seconds * 1000:.0f}" for seconds in found.values()))
    if figures.round_trips:
        shares = [f"{quantile(figures.round_trips, share) * 1000:.1f}" for share in QUANTILES]
        table.add_row("", "a bare round trip", *shares)
    out.print(table)


def _loads(figures: Figures) -> None:
    table = Table("load", "found", title="Uneven loads, and more processes", show_lines=True)
    if skew := figures.skew:
        table.add_row(
            f"{skew.flash_orders:,} orders for {UNITS} pieces",
            f"{skew.flash_confirmed} confirmed, {skew.flash_rate:.0f} orders/s",
        )
        table.add_row(f"one order of {HUGE_LINES:,} lines", f"pick list after {skew.huge_seconds * 1000:.0f} ms")
        table.add_row(
            f"a burst of {skew.burst_rate:.0f} orders/s, ten times as many, for {BURST_SECONDS} s",
            f"placed → pick list p99 {skew.burst_p99:.2f} s; worked off {skew.burst_after:.2f} s after its end",
        )
        table.add_row(f"a gateway that takes {GATEWAY_SECONDS:.0f} s", f"{skew.slow_rate:.0f} orders/s")
    for one in figures.alone:
        table.add_row(
            f"{one.copies} × {COSTLIEST} with a backlog, the others at rest",
            f"{one.rate:.0f} orders/s on {one.cores:.2f} cores; servers and driver used {one.cores_of_others:.2f}",
        )
    if table.row_count:
        out.print(table)


def _growth(figures: Figures) -> None:
    if figures.grown:
        table = Table("stored", "orders/s, few and many, by round", "p99 ms, few and many", title="Stored orders")
        for one in figures.grown:
            rates = ", ".join(f"{few:.0f} / {many:.0f}" for few, many in zip(one.few, one.many, strict=True))
            table.add_row(f"{one.orders:,}", rates, f"{one.few_p99 * 1000:.0f} / {one.many_p99 * 1000:.0f}")
        total = sum(size for tables in figures.sizes.values() for size in tables.values())
        table.caption = f"a stored order takes {total:,} bytes with all indexes"
        out.print(table)
    if figures.soak:
        table = Table("orders", *figures.soak.memory[0], title="Memory, MiB")
        for orders, memory in zip(figures.soak.orders, figures.soak.memory, strict=True):
            table.add_row(f"{orders:,}", *(f"{size / 2**20:.0f}" for size in memory.values()))
        out.print(table)


def _targets(figures: Figures) -> None:
    table = Table("target", "reached", "wanted", "", title="Targets")
    for one in figures.targets():
        sign, holds = "≥" if one.least else "≤", one.holds
        mark = {None: "not measured", True: "[green]holds[/green]", False: "[red]missed[/red]"}[holds]
        reached = "" if one.reached is None else f"{one.reached:.2f} {one.unit}"
        table.add_row(one.name, reached, f"{sign} {one.wanted:g} {one.unit}", mark)
    out.print(table)


def _plots(figures: Figures, folder: Path) -> list[str]:
    try:
        import matplotlib as mpl
    except ImportError:
        return []
    mpl.use("Agg")
    from matplotlib import pyplot
    from matplotlib.figure import Figure

    names = []

    def keep(name: str, figure: Figure) -> None:
        figure.tight_layout()
        figure.savefig(folder / name)
        names.append(name)

    if runs := figures.of("packhorse"):
        figure, axes = pyplot.subplots(figsize=(7, 4))
        axes.barh(list(runs[-1].cpu), list(runs[-1].cpu.values()))
        axes.set_xlabel("CPU ms an order")
        keep("cost.png", figure)
    if len(figures.steady) > 1:
        figure, axes = pyplot.subplots(figsize=(7, 4))
        for pair in figures.steady[0].seconds:
            rates = [one.rate for one in figures.steady]
            axes.plot(rates, [one.seconds[pair]["p99"] * 1000 for one in figures.steady], marker="o", label=pair)
        axes.set_xlabel("orders/s")
        axes.set_ylabel("p99 ms")
        axes.legend()
        keep("latency.png", figure)
    if figures.grown:
        figure, axes = pyplot.subplots(figsize=(7, 4))
        stored = [one.orders for one in figures.grown]
        axes.plot(
            stored, [quantile(one.few, 0.5) for one in figures.grown], marker="o", label="few stored, same minute"
        )
        axes.plot(stored, [quantile(one.many, 0.5) for one in figures.grown], marker="o", label="so many stored")
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("orders stored")
        axes.set_ylabel("orders/s")
        axes.legend()
        keep("growth.png", figure)
    return names
