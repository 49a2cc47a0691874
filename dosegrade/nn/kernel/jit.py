"""How the kernel and its parts are compiled."""

# mypy: ignore-errors

from __future__ import annotations

from numba import njit

OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "arcp", "nsz"}}


def part(function):
    """A part of the kernel, compiled into it and never called from Python."""
    return njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(function)


def inner(function):
    """A part that is written out where it is called."""
    return njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, **OPTIONS)(function)


def compiled(function):
    """numba's compiler with its cache on disk, or without where no folder can be written."""
    try:
        return njit(cache=True, **OPTIONS)(function)
    except RuntimeError:
        return njit(**OPTIONS)(function)
