"""Plotting libraries as a program finds them: every name is there, everything can be called, nothing is drawn.

Without them a right answer would fail for the picture under it.
"""

from __future__ import annotations

import importlib.machinery
from collections.abc import Iterator
from types import ModuleType
from typing import Any

LIBRARIES = frozenset({"matplotlib", "mpl_toolkits", "seaborn", "plotly"})


class Undrawn(ModuleType):
    """A library, any name in it, and what any call of it gives."""

    def __getattr__(self, name: str) -> Undrawn:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Undrawn:
        return self

    def __getitem__(self, key: Any) -> Undrawn:
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        """Forgotten."""

    def __iter__(self) -> Iterator[Undrawn]:
        """Two, as in `figure, axes = plt.subplots()`."""
        return iter((self, self))

    def __enter__(self) -> Undrawn:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to close."""


class Plots:
    """Imports them."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The spec of a plotting library or of a module in one."""
        if name.partition(".")[0] not in LIBRARIES:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """A stand-in."""
        return Undrawn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""
