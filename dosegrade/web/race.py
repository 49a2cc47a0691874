"""A race as one value: up to four configurations that differ in a few fields only, on the same data; and its link."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from dosegrade.errors import SpecError
from dosegrade.nn.config import STOPS
from dosegrade.nn.training import Config
from dosegrade.web import link

MOST_LANES = 4
LETTERS = "ABCD"
SHARED = frozenset({"data", "points", "noise", "data_seed", "validation", "own", "own_task", "story", "hyper"}) | STOPS
FIELDS = tuple(field.name for field in fields(Config) if field.name not in SHARED)
DIFFER, LANE = "differ", "lane"


@dataclass(frozen=True)
class Race:
    """`lanes` of two to four configurations, alike but for the fields `differ`; SpecError in a sentence otherwise."""

    differ: tuple[str, ...]
    lanes: tuple[Config, ...]

    def __post_init__(self) -> None:
        for name in self.differ:
            if name not in FIELDS:
                raise SpecError(f"Found {name[:40]!r} for what the lanes differ in; expected some of {', '.join(FIELDS)}.")
        if not 2 <= len(self.lanes) <= MOST_LANES:
            raise SpecError(f"Found {len(self.lanes)} lanes; expected from 2 to {MOST_LANES}. Add or leave out some.")
        if any(lane.story for lane in self.lanes):
            raise SpecError("Found a story of changes under way; in a race all lanes keep their settings. Leave the story out.")
        for lane in self.lanes[1:]:
            if replace(self.lanes[0], **{name: getattr(lane, name) for name in self.differ}) != lane:
                raise SpecError(f"Found lanes that differ in more than {', '.join(self.differ)}; name all fields in which they differ.")

    @property
    def shared(self) -> Config:
        """The first lane; what the others share with it."""
        return self.lanes[0]

    def differing_in(self, names: tuple[str, ...]) -> Race:
        """Lanes that may differ in these fields; in a field that is dropped all become as the first."""
        first = {name: getattr(self.shared, name) for name in self.differ if name not in names}
        return Race(names, tuple(replace(lane, **first) for lane in self.lanes))

    def label(self, lane: int) -> str:
        """`A · adam, 0.05`: the letter of a lane and what is its own."""
        own = ", ".join(told(name, getattr(self.lanes[lane], name)) for name in self.differ)
        return f"{LETTERS[lane]} · {own}" if own else LETTERS[lane]

    @property
    def unlike(self) -> bool:
        """Whether the lanes' losses measure different things."""
        return bool(
            {"loss", "l1", "l2", "scale_effect", "output"} & {n for n in self.differ if len({getattr(c, n) for c in self.lanes}) > 1}
        )


def told(name: str, value: Any) -> str:
    """A value in a few words, with the name of its field where a number alone says nothing."""
    text = written(value).replace("_", " ").replace(",", "-")
    if name in ("learning_rate", "optimizer", "activations", "initializer", "loss"):
        return text
    return {"hidden": f"{text} units", "output": f"{text} at the end", "features": text}.get(name, f"{name.replace('_', ' ')} {text}")


def written(value: Any) -> str:
    """A value as it stands in a link."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or link.NO_LAYERS
    return (
        f"{value:g}"
        if isinstance(value, float) and float(f"{value:g}") == value
        else repr(value)
        if isinstance(value, float)
        else str(value)
    )


@dataclass(frozen=True)
class Start:
    """A race worth seeing, and why."""

    title: str
    icon: str
    why: str
    race: Race


def lanes_of(shared: Config, **values: tuple[Any, ...]) -> Race:
    """A race from the values of each lane, field by field."""
    rows = zip(*values.values(), strict=True)
    return Race(tuple(values), tuple(replace(shared, **dict(zip(values, row, strict=True))) for row in rows))


_SMALL = Config(hidden=(8, 8))
STARTS: Mapping[str, Start] = {
    "optimizers": Start(
        "Four optimizers",
        "directions_run",
        "The same weights, the same data, four rules for the step. Momentum and Adam remember earlier slopes; plain descent does not.",
        lanes_of(_SMALL, optimizer=("sgd", "momentum", "rmsprop", "adam"), learning_rate=(0.05, 0.05, 0.01, 0.01)),
    ),
    "rates": Start(
        "Four learning rates",
        "speed",
        "Too small crawls, too large leaves all bounds. Somewhere between lies the rate that is quick and stays.",
        lanes_of(replace(_SMALL, optimizer="sgd"), learning_rate=(0.003, 0.03, 0.3, 1.5)),
    ),
    "weights": Start(
        "Four first weights",
        "casino",
        "With zeros all units of a layer stay alike for ever. The others draw at random, each with another spread.",
        lanes_of(
            Config(hidden=(16, 16, 16), activations=("relu",), learning_rate=0.01),
            initializer=("zeros", "lecun_normal", "glorot_uniform", "he_normal"),
        ),
    ),
    "bends": Start(
        "Four activations",
        "timeline",
        "Two spirals want a curved boundary. Which activation bends there first?",
        lanes_of(
            Config(data="spirals", points=200, output="sigmoid", loss="binary_crossentropy", hidden=(16, 16), learning_rate=0.03),
            activations=(("tanh",), ("relu",), ("sigmoid",), ("silu",)),
        ),
    ),
}
DEFAULT = STARTS["optimizers"].race


def start_of(race: Race) -> str | None:
    """The name of the race worth seeing that this is."""
    return next((name for name, start in STARTS.items() if start.race == race), None)


def to_query(race: Race) -> dict[str, str]:
    """The shortest address that gives the race back."""
    name = start_of(race)
    if name is not None:
        return {} if race == DEFAULT else {"race": name}
    query = {**link.to_query(race.shared), DIFFER: written(race.differ)}
    for number, lane in enumerate(race.lanes[1:], 2):
        query[f"{LANE}{number}"] = ";".join(written(getattr(lane, field)) for field in race.differ)
    return query


def from_query(query: Mapping[str, str]) -> Race:
    """The race that an address describes; SpecError in a sentence where it cannot be read."""
    if "race" in query:
        if len(query) > 1 or query["race"] not in STARTS:
            raise SpecError(f"Found the race {query['race'][:40]!r}; expected one of {', '.join(STARTS)}, alone in the link.")
        return STARTS[query["race"]].race
    if not query:
        return DEFAULT
    own = [key for key in query if key.startswith(LANE)]
    shared = link.from_query({key: text for key, text in query.items() if key != DIFFER and key not in own})
    differ = tuple(name for name in query.get(DIFFER, "").split(",") if name and name != link.NO_LAYERS)
    if own != [f"{LANE}{number}" for number in range(2, len(own) + 2)]:
        raise SpecError(f"Found the lanes {', '.join(own)[:60]}; expected lane2, lane3, lane4 in order.")
    if unknown := [name for name in differ if name not in FIELDS]:
        raise SpecError(f"Found {unknown[0][:40]!r} for what the lanes differ in; expected some of {', '.join(FIELDS)}.")
    return Race(differ, (shared, *(_lane(shared, key, query[key], differ) for key in own)))


def _lane(shared: Config, key: str, text: str, differ: tuple[str, ...]) -> Config:
    parts = text.split(";") if differ or text else []
    if len(parts) != len(differ):
        raise SpecError(f"Found {key}={text[:60]!r}; expected a value for each of {', '.join(differ) or 'no fields'}, with ; between them.")
    readers: Mapping[str, Callable[[str, str], Any]] = link.READERS
    return replace(shared, **{name: readers[name](name, part) for name, part in zip(differ, parts, strict=True)})
