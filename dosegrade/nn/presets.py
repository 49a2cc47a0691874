"""Presets: runs worth seeing, each with the reason why."""

from __future__ import annotations

from dataclasses import dataclass

from dosegrade.nn.config import Config
from dosegrade.registry import Registry


@dataclass(frozen=True)
class Preset:
    """A run worth seeing: its title, why it is worth seeing, and its configuration."""

    name: str
    title: str
    why: str
    config: Config


PRESETS: Registry[Preset] = Registry(
    "preset",
    {
        preset.name: preset
        for preset in (
            Preset(
                "default",
                "A good first run",
                "Eight tanh units and standardised numbers: R² passes 0.99 after about 50 epochs and the peak settles at 50 mg.",
                Config(),
            ),
            Preset(
                "monotone",
                "One unit a layer cannot bend back",
                "A chain of single units with monotone activations rises or falls with the dose, never both. Whatever its weights, R² on "
                "the parabola stays at or below 47/128 ≈ 0.367, and the best dose that it names is an end of the range.",
                Config(hidden=(1, 1), seed=5),
            ),
            Preset(
                "two-units",
                "One unit more makes the peak",
                "The same network with a second unit in the first layer: one can rise while the other falls. R² passes 0.99 after about "
                "60 epochs.",
                Config(hidden=(2, 1), seed=5),
            ),
            Preset(
                "raw-dose",
                "The dose fed in raw",
                "Doses up to 100 drive nine in ten tanh outputs to ±1 at the start, where the slope is almost 0. After 600 epochs R² is "
                "still below 0.4; only the scaling of the dose differs from the good first run.",
                Config(scale_dose="none"),
            ),
            Preset(
                "diverges",
                "Steps that are too large",
                "Plain gradient descent with the learning rate 0.8: each step lands higher on the other side of the valley, until the loss "
                "leaves all bounds within about 25 epochs. Then try 0.08.",
                Config(optimizer="sgd", learning_rate=0.8, seed=2),
            ),
        )
    },
)
