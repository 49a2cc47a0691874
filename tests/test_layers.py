"""Imports point only up the list of layers (DESIGN 2); one level may import its own."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "dosegrade"
LAYERS = (
    {"errors", "registry", "steps", "compare", "spec"},
    {"nn", "rl", "data"},
    {"grading"},
    {"quiz"},
    {"submissions", "sandbox", "reports", "formats", "exports"},
    {"checking", "batch", "doctor"},
    {"cli", "web", "__main__"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def imported(path: Path) -> set[str]:
    """The top-level parts of dosegrade that a module imports, lazily or not; typing-only imports do not count."""
    tree = ast.parse(path.read_text())
    typing_only = {id(n) for b in ast.walk(tree) if isinstance(b, ast.If) and "TYPE_CHECKING" in ast.unparse(b.test) for n in ast.walk(b)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "dosegrade" else [f"dosegrade.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("dosegrade.")}
    return found - {"__version__"}


MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_up(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert own in LEVEL, f"{own} has no layer; give it one in LAYERS"
    below = {name for name in imported(path) if LEVEL[name] > LEVEL[own]}
    assert not below, f"{own} imports {', '.join(sorted(below))}, which lies below it"
