"""Small neural networks to watch, and a grader that names the mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "check", "grade", "self_check"]
_HOMES = {"check": "checking", "self_check": "checking", "grade": "batch"}

if TYPE_CHECKING:
    from dosegrade.batch import grade
    from dosegrade.checking import check, self_check


def __getattr__(name: str) -> Any:
    """The public functions, imported when first asked for: `import dosegrade` stays cheap."""
    if name in _HOMES:
        from importlib import import_module

        module = import_module(f"dosegrade.{_HOMES[name]}")
        value = getattr(module, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'dosegrade' has no attribute {name!r}")
