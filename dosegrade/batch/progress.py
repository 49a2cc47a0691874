"""How far a class is, on standard error: a bar with rate and time left on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from dosegrade.batch import Tally

EVERY_SECONDS = 5.0


@contextmanager
def shown() -> Iterator[Callable[[Tally], None]]:
    """What `grade` is to call."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    with click.progressbar(
        length=1, label="Grading", file=sys.stderr, show_pos=True, show_eta=False, item_show_func=lambda pace: pace or ""
    ) as bar:
        began = time.monotonic()

        def show(tally: Tally) -> None:
            bar.length = tally.total
            bar.update(1, pace(tally, time.monotonic() - began))

        yield show


class Lines:
    """A line every few seconds."""

    def __init__(self) -> None:
        self._began = self._said = time.monotonic()

    def __call__(self, tally: Tally) -> None:
        """Says how far the class is, where it has not just been said."""
        now = time.monotonic()
        if now - self._said >= EVERY_SECONDS:
            self._said = now
            click.echo(f"{tally.done} of {tally.total}, {pace(tally, now - self._began)}", err=True)


def pace(tally: Tally, seconds: float) -> str:
    """Submissions a second, and how long the rest takes at that."""
    if not tally.graded:
        return ""
    left = (tally.total - tally.done) * seconds / tally.graded
    return f"{tally.graded / max(seconds, 1e-3):.1f}/s, {left:.0f} s left"


def summary(tally: Tally, out: str) -> str:
    """What was done, in words."""
    counts = [f"{tally.graded} graded"] + [f"{tally.kept} unchanged"] * bool(tally.kept)
    words = f"{tally.total} submission{'s' * (tally.total != 1)}: {', '.join(counts)}. The grades are in {out}/grades.csv."
    if tally.failed:
        words += f" {tally.failed} could not be checked; run the same command again."
    return words


def skipped(tally: Tally) -> str:
    """Which entries are nobody's."""
    more = len(tally.skipped) - 10
    names = ", ".join(tally.skipped[:10]) + (f" and {more} more" if more > 0 else "")
    return f"Skipped, because no submission is called like that: {names}."
