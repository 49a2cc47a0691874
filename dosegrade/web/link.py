"""A link holds a whole run: every setting that differs from the default stands in the address, or the name of a preset.

Rows of one's own stand there compressed, the story of what was changed under way as `30:learning_rate=0.01,w12=0.5;45:…`.
The address is read here and not by Streamlit's own binding, which drops a value that it cannot use without a word.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from dosegrade.data.own import LONGEST_TEXT
from dosegrade.errors import SpecError
from dosegrade.nn.config import MAX_STORY, TOLD, WEIGHT, Event
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.nn.training import PRESETS, Config
from dosegrade.registry import did_you_mean

DEFAULT = Config()
NO_LAYERS = "none"
HYPER = tuple(dict.fromkeys(name for optimizer in OPTIMIZERS.values() for name in optimizer.hyper))
LONGEST = 60


def to_query(config: Config) -> dict[str, str]:
    """The shortest address that gives `config` back; where its story is too long to be told, the settings at its end."""
    config = config if tellable(config) else config.now
    name = preset_of(config)
    if name is not None:
        return {} if config == DEFAULT else {"preset": name}
    query: dict[str, str] = {}
    for field in fields(Config):
        value = getattr(config, field.name)
        if field.name == "hyper":
            query |= {key: repr(float(number)) for key, number in value}
        elif value != getattr(DEFAULT, field.name):
            query[field.name] = WRITERS.get(field.name, _text)(value)
    return query


def tellable(config: Config) -> bool:
    """Whether a link can hold the whole story."""
    return len(config.story) <= MAX_STORY


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


def _features(key: str, text: str) -> tuple[str, ...]:
    return () if text == NO_LAYERS else _names(key, text)


def _name(key: str, text: str) -> str:
    return clip(text)


def _packed(text: str) -> str:
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def _unpacked(key: str, text: str) -> str:
    reader = zlib.decompressobj()
    try:
        raw = reader.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), LONGEST_TEXT)
        if reader.unconsumed_tail or not reader.eof:
            raise ValueError
        return raw.decode()
    except (ValueError, zlib.error, binascii.Error):
        raise SpecError(
            f"The link's rows ({key}={clip(text)!r}) cannot be read: a part is missing or changed. Copy the whole link."
        ) from None


def _story_text(story: tuple[Event, ...]) -> str:
    return ";".join(f"{epoch}:" + ",".join(f"{name}={_change_text(name, value)}" for name, value in changes) for epoch, changes in story)


def _change_text(name: str, value: Any) -> str:
    return "/".join(f"{key}/{float(number)!r}" for key, number in value) if name == "hyper" else _text(value)


def _story(key: str, text: str) -> tuple[Event, ...]:
    events = text.split(";")
    if len(events) > MAX_STORY:
        raise SpecError(
            f"The link's story has {len(events):,} changes; expected at most {MAX_STORY}. Begin with the last settings instead."
        )
    return tuple(_event(event) for event in events)


def _event(text: str) -> Event:
    epoch, colon, changes = text.partition(":")
    if not colon or not changes:
        raise SpecError(f"The link's story has {clip(text)!r}; expected an epoch and changes, for example 30:learning_rate=0.01.")
    return _whole("an epoch of the story", epoch), tuple(_change(change) for change in changes.split(","))


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not (name in TOLD or WEIGHT.fullmatch(name)):
        raise SpecError(f"The link's story has {clip(text)!r}; expected a change such as learning_rate=0.01 or w12=0.5.")
    if name == "hyper":
        parts = value.split("/") if value else []
        return name, tuple((key, _number(name, number)) for key, number in zip(parts[::2], parts[1::2], strict=False))
    return name, _number(name, value) if WEIGHT.fullmatch(name) else READERS[name](name, value)


WRITERS: Mapping[str, Callable[[Any], str]] = {"own": _packed, "story": _story_text}
READERS: Mapping[str, Callable[[str, str], Any]] = {
    field.name: {"hidden": _widths, "activations": _names, "features": _features, "own": _unpacked, "story": _story}.get(
        field.name, {int: _whole, float: _number}.get(type(getattr(DEFAULT, field.name)), _name)
    )
    for field in fields(Config)
    if field.name != "hyper"
}
KNOWN = ("preset", *READERS, *HYPER)
