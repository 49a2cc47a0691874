"""An activation turns a layer's pre-activations z into its outputs a, and pulls the derivative of the loss back from a to z."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.registry import Registry

Array = NDArray[Any]

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
ERFC = (
    *(9.311744978240956e-10, 1.5738283774202035e-09, -1.2346866043827665e-08, -1.6371779763572103e-08, 1.0633855618595744e-07),
    *(7.115337800586434e-08, -8.210939042560666e-07, 2.980135380302994e-07, 5.70660441489574e-06, -1.1225101875659166e-05),
    *(-2.439774642243642e-05, 0.00015062309720018628, -0.00019925714661091188, -0.000757773707063825, 0.005031970067657489),
    *(-0.016197733981455194, 0.03716751552655567, -0.06633036582031154, 0.0937328349990944, -0.10103906603586531),
    *(0.06809705425466908, 0.015379652102610473, -0.1396211168405623, 1.2329951186255526),
)
"""(1 + 2y) e^{y²} erfc y as a polynomial of (y − 4)/(y + 4), highest powers first: interpolated at Chebyshev's points with 50 digits."""
CHUNK = 4096


@dataclass(frozen=True)
class Activation:
    """a = f(z, parameter); `vjp(z, da, parameter)` is dz. Shapes (n, units) throughout; forward is analytic in form.

    `slope` is f'(z) where f works entry by entry, None otherwise; `steepest` bounds |f'|; `kinks` are the z without a derivative;
    `pieces` is the number of pre-activations a unit (maxout).
    """

    name: str
    formula: str
    forward: Callable[..., Array]
    slope: Callable[..., Array] | None = None
    pullback: Callable[..., Array] | None = None
    steepest: float = 1.0
    kinks: tuple[float, ...] = ()
    saturates: bool = False
    parameter_name: str | None = None
    parameter: float | None = None
    pieces: int = 1

    def __call__(self, z: Array) -> Array:
        """a = f(z)."""
        return self.forward(z) if self.parameter is None else self.forward(z, self.parameter)

    def derivative(self, z: Array) -> Array:
        """f'(z) entry by entry; ValueError for softmax and maxout, which mix entries."""
        if self.slope is None:
            raise ValueError(f"{self.name} has no slope of a single entry; use vjp")
        return self.slope(z) if self.parameter is None else self.slope(z, self.parameter)

    def vjp(self, z: Array, da: Array) -> Array:
        """dz from da: da ⊙ f'(z), or Jᵀda where entries mix."""
        if self.pullback is not None:
            return self.pullback(z, da) if self.parameter is None else self.pullback(z, da, self.parameter)
        return np.asarray(da * self.derivative(z))

    @property
    def spec(self) -> str:
        """The text that `get` reads back: `relu`, `elu(0.5)`."""
        return self.name if self.parameter is None else f"{self.name}({self.parameter:g})"


def sigmoid(z: Array) -> Array:
    """1/(1+e^{−z}), on the branch whose exponential cannot overflow."""
    e = np.exp(np.where(z.real >= 0, -z, z))
    return np.asarray(np.where(z.real >= 0, 1.0, e) / (1.0 + e))


def sech2(z: Array) -> Array:
    """1/cosh²z = tanh'(z): keeps its digits where 1 − tanh²z has none left (DOMAIN DR-15)."""
    return np.asarray(np.cosh(np.clip(z, -350.0, 350.0)) ** -2.0)


def softmax(z: Array) -> Array:
    """e^{z−max z}/Σ along the last axis."""
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def log_softmax(z: Array) -> Array:
    """ln softmax(z) along the last axis, without ever forming the softmax."""
    shifted = z - z.real.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _softmax_pullback(z: Array, da: Array) -> Array:
    p = softmax(z)
    return np.asarray(p * (da - (da * p).sum(axis=-1, keepdims=True)))


def _elu(z: Array, alpha: float) -> Array:
    return np.asarray(np.where(z.real > 0, z, alpha * np.expm1(np.where(z.real > 0, 0.0, z))))


def _elu_slope(z: Array, alpha: float) -> Array:
    return np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0.0)))


def _selu(z: Array) -> Array:
    return np.asarray(SELU_SCALE * _elu(z, SELU_ALPHA))


def _selu_slope(z: Array) -> Array:
    return np.asarray(SELU_SCALE * _elu_slope(z, SELU_ALPHA))


def softplus(z: Array) -> Array:
    """ln(1 + e^z) as max(z, 0) + ln(1 + e^{−|z|})."""
    return np.asarray(np.where(z.real > 0, z, 0.0) + np.log1p(np.exp(np.where(z.real > 0, -z, z))))


def _modulus(z: Array) -> Array:
    """|z| in analytic form."""
    return np.where(z.real < 0, -z, z)


def _silu_slope(z: Array) -> Array:
    return np.asarray(sigmoid(z) * (1.0 + z * sigmoid(-z)))


def normal_density(z: Array) -> Array:
    """φ(z) = e^{−z²/2}/√(2π)."""
    return np.asarray(np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))


def erfc(x: Array) -> Array:
    """1 − erf x of real x, to 1e-15 of its size, in the tail as well."""
    whole = np.empty(x.size)
    flat = np.ravel(x)
    for start in range(0, x.size, CHUNK):  # what the cache holds
        part = flat[start : start + CHUNK].astype(float)
        y = np.minimum(np.abs(part), 30.0)
        q = (y - 4.0) / (y + 4.0)
        total = np.full(y.shape, ERFC[0])
        for coefficient in ERFC[1:]:
            total *= q
            total += coefficient
        rough = np.trunc(y * 16.0) / 16.0  # has an exact square
        total *= np.exp(-rough * rough) * np.exp((rough - y) * (rough + y)) / (1.0 + 2.0 * y)
        whole[start : start + CHUNK] = np.where(part < 0, 2.0 - total, total)
    return whole.reshape(x.shape)


def normal_cdf(z: Array) -> Array:
    """Φ(z) = erfc(−z/√2)/2; off the real line to first order, Φ(x) + iyφ(x), which is all a complex step needs."""
    x = np.asarray(z.real)
    real = 0.5 * erfc(x * -math.sqrt(0.5))
    return np.asarray(real + 1j * z.imag * normal_density(x) if np.iscomplexobj(z) else real)


def _gelu(z: Array) -> Array:
    return np.asarray(z * normal_cdf(z))


def _gelu_slope(z: Array) -> Array:
    return np.asarray(normal_cdf(z) + z * normal_density(z))


def _hard_sigmoid(z: Array) -> Array:
    return np.where(z.real <= -3.0, 0.0, np.where(z.real >= 3.0, 1.0, z / 6.0 + 0.5))


def _winner(z: Array, pieces: float) -> tuple[Array, Array]:
    """z as (n, units, pieces), and the first largest piece of each unit."""
    parted = z.reshape(*z.shape[:-1], -1, int(pieces))
    return parted, parted.real.argmax(axis=-1)[..., None]


def _maxout(z: Array, pieces: float) -> Array:
    parted, first = _winner(z, pieces)
    return np.asarray(np.take_along_axis(parted, first, axis=-1)[..., 0])


def _maxout_pullback(z: Array, da: Array, pieces: float) -> Array:
    parted, first = _winner(z, pieces)
    dz = np.zeros(parted.shape)
    np.put_along_axis(dz, first, da[..., None], axis=-1)
    return dz.reshape(z.shape)


ACTIVATIONS: Registry[Activation] = Registry(
    "activation",
    {
        a.name: a
        for a in (
            Activation("identity", "z", lambda z: z, np.ones_like),
            Activation("sigmoid", r"\frac{1}{1+e^{-z}}", sigmoid, lambda z: sigmoid(z) * sigmoid(-z), steepest=0.25, saturates=True),
            Activation("tanh", r"\tanh z", np.tanh, sech2, saturates=True),
            Activation("relu", r"\max(0, z)", lambda z: np.where(z.real > 0, z, 0.0), lambda z: np.where(z > 0, 1.0, 0.0), kinks=(0.0,)),
            Activation(
                "leaky_relu",
                r"\max(s\,z, z)",
                lambda z, slope: np.where(z.real > 0, z, slope * z),
                lambda z, slope: np.where(z > 0, 1.0, slope),
                kinks=(0.0,),
                parameter_name="slope",
                parameter=0.01,
            ),
            Activation(
                "elu",
                r"z \;(z>0),\; \alpha(e^z-1)\;(z\le 0)",
                _elu,
                _elu_slope,
                kinks=(0.0,),
                saturates=True,
                parameter_name="alpha",
                parameter=1.0,
            ),
            Activation(
                "selu",
                r"\lambda z \;(z>0),\; \lambda\alpha(e^z-1)\;(z\le 0),\; \lambda\approx 1.0507,\; \alpha\approx 1.6733",
                _selu,
                _selu_slope,
                steepest=SELU_SCALE * SELU_ALPHA,
                kinks=(0.0,),
                saturates=True,
            ),
            Activation("softplus", r"\ln(1+e^z)", softplus, sigmoid, saturates=True),
            Activation(
                "softsign",
                r"\frac{z}{1+|z|}",
                lambda z: np.asarray(z / (1.0 + _modulus(z))),
                lambda z: np.asarray((1.0 + _modulus(z)) ** -2.0),
                saturates=True,
            ),
            Activation(
                "silu",
                r"\frac{z}{1+e^{-z}}",
                lambda z: np.asarray(z * sigmoid(z)),
                _silu_slope,
                steepest=1.0998393201288670,
                saturates=True,
            ),
            Activation("gelu", r"z\,\Phi(z)", _gelu, _gelu_slope, steepest=1.1289041451851549, saturates=True),
            Activation(
                "hard_sigmoid",
                r"\min\left(1, \max\left(0, \tfrac z6 + \tfrac12\right)\right)",
                _hard_sigmoid,
                lambda z: np.where(np.abs(z) < 3.0, 1.0 / 6.0, 0.0),
                steepest=1.0 / 6.0,
                kinks=(-3.0, 3.0),
                saturates=True,
            ),
            Activation(
                "maxout",
                r"\max_k z_k",
                _maxout,
                pullback=_maxout_pullback,
                parameter_name="pieces",
                parameter=2,
                pieces=2,
            ),
            Activation("softmax", r"\frac{e^{z_j}}{\sum_k e^{z_k}}", softmax, pullback=_softmax_pullback),
        )
    },
    aliases={"linear": "identity", "leaky": "leaky_relu", "swish": "silu"},
)
HIDDEN = tuple(name for name in ACTIVATIONS if name != "softmax")  # what a hidden layer, or an output of one unit, can have

_SPEC = re.compile(r"\s*([A-Za-z_0-9]+)\s*(?:\(\s*([-+0-9.eE]{1,24})\s*\))?\s*")


def get(spec: str) -> Activation:
    """The activation that a text names: `tanh`, `leaky_relu(0.2)`. SpecError for any other text."""
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise SpecError(f"Found the activation {spec!r}; expected a name, or a name with one number such as leaky_relu(0.2).")
    entry = ACTIVATIONS[match[1]]
    if match[2] is None:
        return entry
    if entry.parameter_name is None:
        raise SpecError(f"{entry.name} takes no number; write {entry.name}.")
    try:
        number = float(match[2])
    except ValueError:
        raise SpecError(f"{match[2]!r} is no number for {entry.name}; write for example {entry.spec}.") from None
    if entry.name == "maxout":
        if number != int(number) or not 2 <= number <= 16:
            raise SpecError(f"maxout takes a whole number of pieces from 2 to 16, found {match[2]}.")
        return replace(entry, parameter=int(number), pieces=int(number))
    if not 0 <= number <= 100:
        raise SpecError(f"The {entry.parameter_name} of {entry.name} must lie from 0 to 100, found {match[2]}.")
    return replace(entry, parameter=number, steepest=max(1.0, number))
