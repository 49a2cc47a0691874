"""Notes on the texts that the worked examples come from: where a number or a sentence there deserves a second look, and why.

A note stands beside the step that it is about (`at` names it, or a part of the page: start, update, check, end). It is written for readers
who have the text before them; the derivation's chain of formulas is right throughout.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """One remark: the source's id, the step or part it belongs to, a title, the remark; `printed` ones are about the source's own "
    "numbers."""

    name: str
    at: str
    title: str
    text: str
    printed: bool = False


DERIVATION: tuple[Note, ...] = (
    Note(
        "DR-2",
        "start",
        "Two layers or three?",
        "The text says two-layer network and means the hidden layers. Counted by weights there are three; both ways of counting are in "
        "use.",
    ),
    Note(
        "DR-9",
        "start",
        "30 mg is no underdose.",
        "By the text's own regions (underdose up to 25 mg, therapeutic from 25 to 75 mg) the example lies inside the therapeutic window.",
        True,
    ),
    Note(
        "DR-10",
        "start",
        "Where does the target 1.7 come from?",
        "From (84 − 50)/20. But 50 is the mean of the doses; the effects have mean 66.67 and standard deviation 29.81, which would give "
        "0.581. "
        "As a mere change of scale 1.7 is as good as any.",
        True,
    ),
    Note(
        "DR-11",
        "z1",
        "17.7 is far out.",
        "The effect was scaled and the dose was not. At 17.7 tanh has long been flat; divide the dose by 100 and the sum is −0.12.",
        True,
    ),
    Note(
        "DR-15",
        "dz1",
        "Almost zero, not zero.",
        "With h₁ rounded to 1.0 the slope 1 − h₁² comes out as 0. It is 1.69·10⁻¹⁵. Subtracting from 1 loses the digits, so the slope "
        "is computed "
        "as sech² z = 1/cosh² z here, which keeps them all.",
        True,
    ),
    Note(
        "DR-12",
        "a3",
        "Not bounded to 0…100 %.",
        "tanh bounds the hidden units. The output is linear: with these weights it can reach −0.496 to 1.642, while the targets reach from "
        "−2.5 to 2.5. The example's ŷ is the largest value that this network can give for any dose.",
        True,
    ),
    Note(
        "DR-7",
        "da3",
        "One error for each example.",
        "For a batch the text writes ∂L/∂ŷ = (2/n) Σ(ŷ − y). Every example has its own ∂L/∂ŷᵢ = (2/n)(ŷᵢ − yᵢ); the sum is ∂L/∂b₃, "
        "because all "
        "examples share b₃. The text's final batch formulas have it right.",
    ),
    Note(
        "DR-1",
        "dz2",
        "0.4200, not 0.4199.",
        "1 − 0.7616² is printed as 0.4199: the digits were cut off instead of rounded. The slope is 0.41997.",
        True,
    ),
    Note(
        "DR-14",
        "dW1",
        "One way to vanish.",
        "A saturated unit is one reason for a vanishing gradient. The name usually means something wider: slopes and weights below 1, "
        "multiplied "
        "through many layers.",
    ),
    Note(
        "DR-26",
        "dW2",
        "Equal by chance.",
        "Here ∂L/∂W₂ equals ∂L/∂b₂ only because a₁ is almost 1. Of 63 mistaken derivations that were tried, 20 give the right numbers "
        "at this "
        "point: it is a fine illustration and a poor test.",
        True,
    ),
    Note(
        "DR-17",
        "update",
        "Does the loss always fall?",
        "After one step with all examples and a small learning rate, yes. With single examples, momentum or a large rate it may rise "
        "for a while "
        "and learning is still going well.",
    ),
    Note(
        "DR-3",
        "end",
        "One unit a layer makes no peak.",
        "The slope of ŷ by the dose is a product that never changes its sign, so this chain only rises or only falls, whatever the "
        "weights: R² on "
        "the parabola is at most 47/128 ≈ 0.367. A second unit in either hidden layer is enough for the peak at 50 mg; more layers are "
        "not.",
    ),
    Note(
        "DR-19",
        "end",
        "Two different slopes.",
        "That ∂ŷ/∂d is 0 at the best dose is about the curve. The gradients of this page are ∂L/∂θ: they say how to change the weights, "
        "have no "
        "prescribed sign in any region of doses, and go to 0 as the fit improves.",
    ),
    Note(
        "DR-21",
        "end",
        "A small gradient is not confidence.",
        "It is an error times a sensitivity. It is small where the fit is good, and just as small where a unit is saturated, as ∂L/∂W₁ "
        "above. It "
        "says nothing about how sure a prediction is, and nothing about safety.",
    ),
    Note(
        "DR-23",
        "end",
        "First weights for tanh.",
        "He's initialisation was derived for ReLU. For tanh take Glorot's (Xavier) or LeCun's.",
    ),
)

LECTURE: tuple[Note, ...] = (
    Note(
        "L-8",
        "a2",
        "A ReLU output for a regression?",
        "It can never be negative, and where its sum is below 0 all gradients are 0 at once. A linear output is the usual choice unless "
        "targets "
        "cannot be negative.",
    ),
    Note(
        "L-13",
        "loss",
        "Which mean?",
        "The slides sum over outputs and average over examples; Keras averages over outputs as well. With one output both are the same.",
    ),
    Note(
        "L-20",
        "dz1",
        "ε before, δ after.",
        "The slides' ε is the derivative by a unit's output, most texts' δ the one by its sum: δ = ε·f′(z). A unit that is off has δ = "
        "0 and "
        "usually ε ≠ 0.",
    ),
    Note(
        "L-22",
        "dW1",
        "Indices from input to unit.",
        "w_jh leads from input j to unit h, and j = 0 is the bias. Texts that write Wx have the matrix the other way round.",
    ),
    Note(
        "L-11",
        "a1",
        "And exactly at 0?",
        "ReLU has no derivative there. Libraries take 0; anything from 0 to 1 can be defended.",
    ),
)

SCALED = tuple(note for note in DERIVATION if note.name in {"DR-7", "DR-3", "DR-21"})
NOTES = {"derivation": DERIVATION, "scaled": SCALED, "lecture": LECTURE}


def notes(source: str, at: str, printed: bool) -> tuple[Note, ...]:
    """The notes on a source at a place; those on its numbers only while they are `printed` ones."""
    return tuple(note for note in NOTES.get(source, ()) if note.at == at and (printed or not note.printed))
