"""The pieces of a component: its HTML, CSS and JavaScript lie beside its module."""

from importlib.resources import files


def asset(*names: str) -> str:
    """The texts of some files of this package, one after the other."""
    return "\n".join((files("dosegrade.web") / name).read_text(encoding="utf-8") for name in names)
