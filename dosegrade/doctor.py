"""What holds on this machine: versions, isolation layers by real probes, and what to do about what is missing."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from dosegrade import __version__

PACKAGES = ("numpy", "streamlit", "altair", "nbformat", "click", "numba")


def report() -> tuple[list[str], bool]:
    """Lines to print, and whether the mandatory isolation holds."""
    lines = [f"dosegrade {__version__} · Python {sys.version.split()[0]} · {platform.system()} {platform.release()} {platform.machine()}"]
    lines.append(" · ".join(f"{name} {installed(name)}" for name in PACKAGES))
    isolation, holds = isolated()
    return [*lines, "", *isolation], holds


def installed(name: str) -> str:
    """A package's version, or that it is missing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"


def isolated() -> tuple[list[str], bool]:
    """The sandbox's layers, each with what its probes found."""
    from dosegrade.errors import SandboxError
    from dosegrade.sandbox import open_sandbox

    try:
        with open_sandbox() as sandbox:
            layers = sandbox.report()
    except SandboxError as error:
        return [f"Isolation: does NOT hold. {error}"], False
    lines = ["Isolation:"]
    for layer in layers:
        state = "holds" if layer.holds else "MISSING" if layer.mandatory else "off"
        lines.append(f"  {state:8} {layer.name:14} {'mandatory' if layer.mandatory else 'extra':10} {layer.detail}")
    holds = all(layer.holds for layer in layers if layer.mandatory)
    lines.append("Student programs are checked in isolation." if holds else "Checking is refused: a mandatory layer is missing.")
    return lines, holds
