"""A layer takes the outputs of the one before it: Dense adds up weighted inputs and bends the sum, Dropout silences some of them."""

from __future__ import annotations

from dataclasses import dataclass

from dosegrade.errors import SpecError
from dosegrade.nn import activations

MAX_UNITS = 4096


@dataclass(frozen=True)
class Dense:
    """z = a_prev @ W + b, a = f(z): W (inputs, units·pieces), b (units·pieces,), a (n, units)."""

    units: int
    activation: str = "identity"

    def __post_init__(self) -> None:
        if isinstance(self.units, bool) or not isinstance(self.units, int) or not 1 <= self.units <= MAX_UNITS:
            raise SpecError(f"A layer has a whole number of units from 1 to {MAX_UNITS}; found {self.units!r}.")
        activations.get(self.activation)

    @property
    def f(self) -> activations.Activation:
        """The activation itself."""
        return activations.get(self.activation)

    def parameters(self, inputs: int) -> int:
        """inputs·units + units (times the pieces of maxout)."""
        return (inputs + 1) * self.units * self.f.pieces


@dataclass(frozen=True)
class Dropout:
    """Training: a·mask/(1−rate), mask 1 where kept; inference: a. `rate` is the probability of dropping."""

    rate: float

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise SpecError(f"A dropout rate lies from 0 up to but not including 1; found {self.rate!r}.")


Layer = Dense | Dropout
