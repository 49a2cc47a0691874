"""A Study is what the dose page shows: a toy curve, a network that was fitted to it, a patient; this module fits, reads and links it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.data import DATASETS, make
from dosegrade.errors import SpecError
from dosegrade.nn.activations import HIDDEN
from dosegrade.nn.readings import Reading, read
from dosegrade.nn.training import Config, Trainer
from dosegrade.registry import Registry, did_you_mean
from dosegrade.steps import evaluate, needed
from dosegrade.web.query import flag, known, number, whole

Array = NDArray[Any]

CURVES = ("parabola", "asymmetric", "two_peaks", "patient")
WIDTHS: Mapping[str, tuple[int, ...]] = {"1-1-1-1": (1, 1), "1-2-1": (2,), "1-4-1": (4,), "1-8-1": (8,), "1-8-8-1": (8, 8)}
PATIENT = {"age": 0, "weight": 1, "clearance": 2}
FARTHEST = 150.0
DOSES = np.linspace(0.0, FARTHEST, 301)
EPOCHS = (100, 300, 1000, 3000)
MOST_NOISE, MOST_SEED = 20.0, 9999


@dataclass(frozen=True)
class Study:
    """What the page shows: `raw` puts a second network beside the first, with the dose fed in as it is; SpecError for nonsense."""

    curve: str = "parabola"
    network: str = "1-2-1"
    activation: str = "tanh"
    epochs: int = 3000
    noise: float = 0.0
    seed: int = 0
    raw: bool = False
    age: float = 50.0
    weight: float = 70.0
    clearance: float = 100.0

    def __post_init__(self) -> None:
        for what, name, names in (
            ("curve", self.curve, CURVES),
            ("network", self.network, tuple(WIDTHS)),
            ("activation", self.activation, HIDDEN),
        ):
            if name not in names:
                raise SpecError(f"Found the {what} {name[:30]!r}; expected one of {', '.join(names)}.{did_you_mean(name[:30], names)}")
        if self.epochs not in EPOCHS:
            raise SpecError(f"Found {self.epochs} epochs; expected one of {', '.join(map(str, EPOCHS))}.")
        bounds = {"noise": (0.0, MOST_NOISE), "seed": (0, MOST_SEED)}
        bounds |= {name: DATASETS["patient"].others[k][1:3] for name, k in PATIENT.items()}
        for what, (low, high) in bounds.items():
            value = getattr(self, what)
            if not (math.isfinite(value) and low <= value <= high):
                raise SpecError(f"Found {value:g} for the {what}; expected a number from {low:g} to {high:g}.")

    @property
    def config(self) -> Config:
        """The run that the first network is."""
        return Config(data=self.curve, hidden=WIDTHS[self.network], activations=(self.activation,), noise=float(self.noise), seed=self.seed)

    @property
    def patient(self) -> tuple[float, ...]:
        """The features beside the dose."""
        return (self.age, self.weight, self.clearance) if DATASETS[self.curve].others else ()

    @property
    def inputs(self) -> Array:
        """All doses of the page for this patient (301, k)."""
        return np.column_stack([DOSES, *(np.full(len(DOSES), value) for value in self.patient)])


@dataclass(frozen=True)
class Case:
    """An experiment worth pressing."""

    name: str
    title: str
    icon: str
    why: str
    study: Study


CASES: Registry[Case] = Registry(
    "experiment",
    {
        case.name: case
        for case in (
            Case(
                "peak",
                "Two units find the peak",
                "vital_signs",
                "One unit rises, the other falls: 1-2-1 passes R² 0.999 and puts the peak within half a milligram of 50.",
                Study(),
            ),
            Case(
                "ceiling",
                "One unit a layer cannot",
                "horizontal_rule",
                "A chain of single units never turns back. No weights lift R² above 0.367 here, and the highest effect is at an end.",
                Study(network="1-1-1-1"),
            ),
            Case(
                "raw",
                "Raw doses",
                "straighten",
                "The same network with the dose scaled and with the dose fed in as it is. Doses up to 100 saturate its units.",
                Study(raw=True, epochs=1000),
            ),
            Case(
                "slow-fall",
                "Fast rise, slow fall",
                "trending_down",
                "A curve that is not symmetric. Nothing in the network has to change: two units are not mirror images of each other.",
                Study(curve="asymmetric", network="1-8-1", epochs=1000),
            ),
            Case(
                "two-peaks",
                "Two peaks",
                "landscape",
                "Four units find the higher hill and miss the lower one; eight find both. Width does it, not depth.",
                Study(curve="two_peaks", network="1-4-1", epochs=1000),
            ),
            Case(
                "patient",
                "Dose and patient",
                "person",
                "Three more inputs move the peak. Change the weight and see the network follow, without another training.",
                Study(curve="patient", network="1-8-8-1", epochs=1000, weight=95.0),
            ),
        )
    },
)
DEFAULT = CASES["peak"].study


@dataclass(frozen=True)
class Fit:
    """A fitted network: R² on the examples, its effects (301,) at DOSES in %, their reading; `diverged` says why there is none."""

    r2: float
    effects: Array
    reading: Reading
    diverged: str | None


@lru_cache(maxsize=32)
def trained(config: Config, epochs: int) -> Trainer:
    """A run of so many epochs."""
    trainer = Trainer(config)
    trainer.advance(epochs)
    return trainer


def predicted(trainer: Trainer, x: Array) -> Array:
    """The effects (n,) in % that the run's network predicts for inputs (n, k)."""
    last = f"a{len(trainer.network.dense)}"
    outputs = evaluate(needed(trainer.network.steps(), {last}), {"x": trainer.inputs(x), **trainer.params})[last]
    return trainer.effect_scaling.undo(outputs)[:, 0]


def fit(study: Study, scaling: str = "standard") -> Fit:
    """The study's network with the dose scaled so."""
    trainer = trained(replace(study.config, scale_dose=scaling), study.epochs)
    effects = predicted(trainer, study.inputs)
    return Fit(trainer.frame().r2, effects, read(DOSES, effects), trainer.diverged)


def truth(study: Study) -> tuple[Array, Reading]:
    """The toy curve itself at DOSES for this patient, and its reading."""
    effects = DATASETS[study.curve].truth(study.inputs)[:, 0]
    return effects, read(DOSES, effects)


def examples(study: Study) -> tuple[Array, Array]:
    """Doses and effects that the network was shown."""
    data = make(study.curve, study.config.points, study.config.noise, study.config.data_seed)
    return data.x[:, 0], data.y[:, 0]


def case_of(study: Study) -> Case | None:
    """The experiment that this study is, if it is one."""
    return next((case for case in CASES.values() if case.study == study), None)


def to_query(study: Study) -> dict[str, str]:
    """The shortest address that gives the study back."""
    return {f.name: READERS[f.name][1](getattr(study, f.name)) for f in fields(Study) if getattr(study, f.name) != getattr(DEFAULT, f.name)}


def from_query(query: Mapping[str, str]) -> Study:
    """The study that an address describes; SpecError in a sentence where it cannot be read."""
    known(query, READERS)
    return replace(DEFAULT, **{key: READERS[key][0](text[:40]) for key, text in query.items()})


READERS: Mapping[str, tuple[Any, Any]] = {
    f.name: {
        bool: (flag, lambda value: str(int(value))),
        int: (whole, str),
        float: (number, lambda value: f"{value:.12g}"),
        str: (str, str),
    }[type(getattr(DEFAULT, f.name))]
    for f in fields(Study)
}
