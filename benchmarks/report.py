"""Figures of a benchmark: medians with their spread beside a peer or floor of the same run, printed and written as JSON (CONTRACT 6)."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured number; `met` is None without a goal, `value` None where the peer is missing."""

    name: str
    value: float | None
    unit: str
    against: str
    goal: float | None = None
    sense: str = "at most"
    met: bool | None = None
    repeats: int = 0
    spread: tuple[float, float] | None = None


def figure(name: str, values: Sequence[float], unit: str, against: str = "", goal: float | None = None, sense: str = "at most") -> Figure:
    """The median of repeats, judged against a goal: `sense` is `at least` or `at most`."""
    middle = statistics.median(values)
    met = None if goal is None else middle >= goal if sense == "at least" else middle <= goal
    return Figure(name, middle, unit, against, goal, sense, met, len(values), (min(values), max(values)))


def missing(name: str, peer: str) -> Figure:
    """A figure that cannot be had because the peer is not installed: said, never left out."""
    return Figure(name, None, "", f"{peer} is missing")


def milliseconds(call: Callable[[], Any]) -> float:
    """The wall time of one call."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def machine() -> str:
    """Cores, processor and system, without a name."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        model = next((line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")), model)
    return f"{os.cpu_count()} cores, {model}, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def load() -> str:
    """How busy the machine is: the mean number of processes that run or want to, over 1 and 5 minutes, beside the cores."""
    if not hasattr(os, "getloadavg"):
        return "unknown"
    one, five, _ = os.getloadavg()
    return f"{one:.1f} and {five:.1f} over 1 and 5 minutes, {os.cpu_count()} cores"


def versions(packages: Sequence[str]) -> dict[str, str]:
    """The installed versions; `missing` where there is none."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def arguments(description: str) -> argparse.Namespace:
    """`--quick` and `--json FILE`; says how busy the machine is."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="fewer repeats, under 60 s")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON")
    print(f"load average at the start: {load()}", flush=True)
    return parser.parse_args()


def write(figures: Sequence[Figure], packages: Sequence[str], file: str | None) -> None:
    """Prints the figures, and writes them as JSON where a file is named."""
    report = {"machine": machine(), "load": load(), "versions": versions(packages), "figures": [asdict(f) for f in figures]}
    print(report["machine"])
    print(f"load average at the end: {report['load']}")
    for f in figures:
        if f.value is None:
            print(f"  {f.name:44} {f.against}")
            continue
        goal = "" if f.goal is None else f"  goal {f.sense} {f.goal:g}: {'met' if f.met else 'NOT met'}"
        spread = "" if f.spread is None else f" [{f.spread[0]:.3g} … {f.spread[1]:.3g}]"
        print(f"  {f.name:44} {f.value:10.3g} {f.unit}{spread} {f.against}{goal}")
    if file:
        Path(file).write_text(json.dumps(report, indent=1) + "\n")
    sys.stdout.flush()
