"""What a test needs and this machine has not: the test is skipped with the reason, and fails in continuous integration."""

import importlib
import os
from typing import Any, NoReturn

import pytest


def absent(reason: str) -> NoReturn:
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=True)


def needed(module: str, extra: str) -> Any:
    """The module, which comes with an extra of ours."""
    try:
        return importlib.import_module(module)
    except ImportError:
        absent(f"{module} is not installed; it comes with the extra '{extra}'")
