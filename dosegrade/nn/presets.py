"""Presets: runs worth seeing, each with the reason why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dosegrade.nn.config import Config
from dosegrade.registry import Registry

CLASSES: dict[str, Any] = {"output": "sigmoid", "loss": "binary_crossentropy", "points": 200, "validation": 0.3}


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
                "Eight tanh units, standardised numbers: R² passes 0.99 after about 50 epochs, the peak settles at 50 mg.",
                Config(),
            ),
            Preset(
                "monotone",
                "One unit a layer cannot bend back",
                "A chain of single units with monotone activations rises or falls with the dose, never both. Whatever its weights, R² "
                "on the parabola stays at or below 47/128 ≈ 0.367, and the best dose that it names is an end of the range.",
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
                "one-two-one",
                "Two units side by side are enough",
                "1-2-1: one unit carries the rise, the other the fall, and their difference is a hill. R² passes 0.999 after about 500 "
                "epochs, with the peak within half a milligram of 50 mg. It is width that this takes; depth alone never does it.",
                Config(hidden=(2,), learning_rate=0.1, seed=9),
            ),
            Preset(
                "ceiling",
                "The ceiling of one unit a layer",
                "One unit a layer again, tanh then ReLU, which can stay level and then fall along the curve: the best that a curve can do "
                "that never rises. R² reaches 0.3671 after about 320 epochs, comes within 0.0001 of 47/128 ≈ 0.3672, and never passes.",
                Config(hidden=(1, 1), activations=("tanh", "relu"), seed=5),
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
                "Plain gradient descent with the learning rate 0.8: each step lands higher on the other side of the valley, until the "
                "loss leaves all bounds within about 25 epochs. Then try 0.08.",
                Config(optimizer="sgd", learning_rate=0.8, seed=2),
            ),
            Preset(
                "dead-relu",
                "ReLU units that die",
                "Eight ReLU units and the learning rate 0.8: the first four steps throw every unit to where it is 0 at all points. Its "
                "slope is 0 there, too, so no gradient ever brings it back, and the curve stays a level line. At 0.08 the same network "
                "passes R² 0.99.",
                Config(activations=("relu",), optimizer="sgd", learning_rate=0.8, seed=3),
            ),
            Preset(
                "circle",
                "A circle takes a few straight lines",
                "Each hidden unit draws one soft straight line. Four of them fence the disc in: after about 70 epochs every training "
                "point is on its side. Two can only make a strip, and more than one point in twenty stays on the wrong side.",
                Config(data="circle", hidden=(4,), seed=3, **CLASSES),
            ),
            Preset(
                "xor",
                "Exclusive or needs a hidden layer",
                "No straight line gets many more than three of four points right. Four hidden units fold the plane, and the output "
                "draws its line across the folds: every training point is right after about 50 epochs.",
                Config(data="xor", hidden=(4,), seed=3, **CLASSES),
            ),
            Preset(
                "product",
                "The right feature instead of a hidden layer",
                "Exclusive or again, without any hidden unit: fed with the product x₁·x₂, one weight is enough, because the product's "
                "sign is the answer. Every point is right after about 60 epochs, those that were held out, too.",
                Config(data="xor", hidden=(), features=("x1_x2",), **CLASSES),
            ),
            Preset(
                "spirals",
                "Two spirals want width and a second layer",
                "16 tanh units draw the lines, 8 more put them together to arms. After about 160 epochs every training point is on its "
                "arm, and nine in ten of those held out.",
                Config(data="spirals", hidden=(16, 8), learning_rate=0.02, seed=1, **CLASSES),
            ),
            Preset(
                "spirals-narrow",
                "Two units cannot follow a spiral",
                "The same settings with two hidden units: two lines cannot wind. After 4,000 epochs the accuracy is still below 0.7.",
                Config(data="spirals", hidden=(2,), learning_rate=0.02, seed=1, **CLASSES),
            ),
            Preset(
                "weight-decay",
                "L2 keeps a large network from learning the noise",
                "321 weights, 25 noisy points. With the penalty 0.01 the curve ends about 15 percentage points off the true one (root "
                "mean square, after 2,000 epochs); without it the network follows the noise and ends about 25 off.",
                Config(noise=25.0, points=50, validation=0.5, hidden=(16, 16), learning_rate=0.02, l2=0.01),
            ),
        )
    },
)
