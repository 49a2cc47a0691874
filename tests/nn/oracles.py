"""Reading the golden files of tests/golden; each file's `description` and the test that reads it say which oracle made it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[1] / "golden"


@cache
def golden(name: str) -> Any:
    """The parsed golden file `name`.json."""
    return json.loads((GOLDEN / f"{name}.json").read_text())
