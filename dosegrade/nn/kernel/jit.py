"""How the kernel and its parts are compiled."""

# mypy: ignore-errors

from __future__ import annotations

from numba import njit

OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "arcp", "nsz"}}


QUICK = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False, "no_rewrites": True, **OPTIONS}


def part(function):
    """A part of the kernel, compiled into it and never called from Python; it makes no arrays."""
    return njit(**QUICK)(function)


def inner(function):
    """A part that the machine's code has written out where it is called."""
    return njit(forceinline=True, **QUICK)(function)


def single(function):
    """A part with one caller, written out there before anything is compiled: then it is compiled once and not at each level."""
    return njit(inline="always", **QUICK)(function)


def compiled(function):
    """numba's compiler with its cache on disk, or without where no folder can be written."""
    try:
        return njit(cache=True, no_cfunc_wrapper=True, **OPTIONS)(function)
    except RuntimeError:
        return njit(no_cfunc_wrapper=True, **OPTIONS)(function)
