"""What a network consists of: a row a layer, with the shape of its output and the number of its parameters."""

from __future__ import annotations

from dataclasses import dataclass

from dosegrade.nn.layers import Dense
from dosegrade.nn.network import Network


@dataclass(frozen=True)
class Row:
    """One layer: its name and kind, its output shape (None = any number of examples), its parameters."""

    layer: str
    output: tuple[int | None, ...]
    parameters: int


def summary(network: Network) -> tuple[Row, ...]:
    """A row a layer: Dense has inputs·units + units parameters, Dropout none."""
    rows: list[Row] = []
    width = network.inputs
    for index, layer in enumerate(network.layers, 1):
        if isinstance(layer, Dense):
            rows.append(Row(f"{index} Dense, {layer.f.spec}", (None, layer.units), layer.parameters(width)))
            width = layer.units
        else:
            rows.append(Row(f"{index} Dropout, {layer.rate:g}", (None, width), 0))
    return tuple(rows)


def count(network: Network) -> int:
    """The number of all parameters."""
    return sum(row.parameters for row in summary(network))


def table(network: Network) -> str:
    """The rows as text, as Keras's `model.summary()` prints them."""
    lines = [("Layer", "Output shape", "Parameters")]
    lines += [(row.layer, str(row.output), f"{row.parameters:,}") for row in summary(network)]
    first, second, third = (max(len(line[i]) for line in lines) for i in range(3))
    body = [f"{a:<{first}}  {b:<{second}}  {c:>{third}}" for a, b, c in lines]
    rule = "-" * len(body[0])
    return "\n".join([body[0], rule, *body[1:], rule, f"Total parameters: {count(network):,}"])
