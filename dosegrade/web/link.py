"""A link holds a whole run: every setting that differs from the default stands in the address, or the name of a preset.

The address is read here and not by Streamlit's own binding, which drops a value that it cannot use without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from dosegrade.errors import SpecError
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.nn.training import PRESETS, Config
from dosegrade.registry import did_you_mean

DEFAULT = Config()
NO_LAYERS = "none"
HYPER = tuple(dict.fromkeys(name for optimizer in OPTIMIZERS.values() for name in optimizer.hyper))
LONGEST = 60


def to_query(config: Config) -> dict[str, str]:
    """The shortest address that gives `config` back."""
    name = preset_of(config)
    if name is not None:
        return {} if config == DEFAULT else {"preset": name}
    query: dict[str, str] = {}
    for field in fields(Config):
        value = getattr(config, field.name)
        if field.name == "hyper":
            query |= {key: repr(float(number)) for key, number in value}
        elif value != getattr(DEFAULT, field.name):
            query[field.name] = _text(value)
    return query


def from_query(query: Mapping[str, str]) -> Config:
    """The run that an address describes; SpecError in a sentence where it cannot be read."""
    unknown = [key for key in query if key not in KNOWN]
    if unknown:
        raise SpecError(f"The link has a setting called {clip(unknown[0])!r}, which does not exist.{did_you_mean(unknown[0], KNOWN)}")
    base = PRESETS[clip(query["preset"])].config if "preset" in query else DEFAULT
    values = {field.name: getattr(base, field.name) for field in fields(Config)}
    hyper = dict(base.hyper) if query.get("optimizer", base.optimizer) == base.optimizer else {}
    for key, text in query.items():
        if key in HYPER:
            hyper[key] = _number(key, text)
        elif key != "preset":
            values[key] = READERS[key](key, text)
    return Config(**{**values, "hyper": tuple(sorted(hyper.items()))})


def preset_of(config: Config) -> str | None:
    """The preset that this run is, if it is one."""
    return next((name for name, preset in PRESETS.items() if preset.config == config), None)


def clip(text: str) -> str:
    """At most LONGEST characters of what a link holds: enough to recognise it."""
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value) or NO_LAYERS
    return repr(value) if isinstance(value, float) else str(value)


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SpecError(f"The link says {key}={clip(text)!r}; expected a number.") from None


def _whole(key: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SpecError(f"The link says {key}={clip(text)!r}; expected a whole number.") from None


def _widths(key: str, text: str) -> tuple[int, ...]:
    if text == NO_LAYERS:
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SpecError(f"The link says {key}={clip(text)!r}; expected the units of each hidden layer, for example 8,8.") from None


def _names(key: str, text: str) -> tuple[str, ...]:
    return tuple(clip(part) for part in text.split(","))


def _name(key: str, text: str) -> str:
    return clip(text)


READERS: Mapping[str, Callable[[str, str], Any]] = {
    field.name: {"hidden": _widths, "activations": _names}.get(
        field.name, {int: _whole, float: _number}.get(type(getattr(DEFAULT, field.name)), _name)
    )
    for field in fields(Config)
    if field.name != "hyper"
}
KNOWN = ("preset", *READERS, *HYPER)
