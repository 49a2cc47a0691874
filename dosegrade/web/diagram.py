"""The network as a drawing whose weights can be chosen, and the chain of factors that leads from the loss to the chosen one.

The drawing is made here as SVG, once lying and once standing for narrow screens; the browser only shows it and says what was pressed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from dosegrade.web.assets import asset
from dosegrade.web.working import MOST_TERMS, MOST_WAYS, Factor, Sheet, Term, spell, terms, ways
from dosegrade.web.working_tex import plain

KEY = "chain"
MANY = 14  # beyond so many weights the drawing bears no numbers and the keyboard uses the list above it
WORDS = {"error": "of the loss", "slope": "slope", "weight": "weight", "input": "its input"}
FADED = 1e-3


_COMPONENT = st.components.v2.component(
    "dosegrade_chain", html='<div class="chain"></div>', css=asset("diagram.css"), js=asset("diagram.js")
)


def view(sheet: Sheet, on_pick: Callable[[], None]) -> None:
    """Mount the drawing and the chain; `picked` tells in `on_pick` which weight was pressed."""
    _COMPONENT(key=KEY, data={"html": drawing(sheet) + chain(sheet)}, on_pick_change=on_pick)


def picked() -> str | None:
    """The weight that was pressed in this rerun."""
    state: Mapping[str, Any] = st.session_state.get(KEY) or {}
    told = state.get("pick")
    return str(told.get("name")) if isinstance(told, Mapping) else None


def short(value: float) -> str:
    """Three digits or so, for a drawing."""
    return f"{value:.3g}".replace("-", "−") if 1e-3 <= abs(value) < 1e4 or value == 0 else _power(value)


def _power(value: float) -> str:
    return plain(float(f"{value:.1e}")).replace("·10", "e", 1).translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "−0123456789"))


@dataclass(frozen=True)
class Place:
    """Where a unit is drawn."""

    x: float
    y: float


@dataclass(frozen=True)
class Plan:
    """A drawing's size and the places of all units by layer, the inputs being layer 0, the loss the last."""

    wide: float
    high: float
    places: tuple[tuple[Place, ...], ...]
    standing: bool
    radius: float


def plan(sheet: Sheet, standing: bool) -> Plan:
    """Layers from left to right, or from top to bottom."""
    widths = [sheet.network.inputs, *(layer.units for layer in sheet.network.dense), 1]
    most = max(widths)
    along = 118.0 * len(widths) if standing else 900.0
    across = 380.0 if standing else 170.0 if most == 1 else (112.0 if len(sheet.weights) <= MANY else 60.0) * (most + 1)
    step = along / len(widths)
    layers = tuple(tuple(_place(step * (k + 0.5), across * (i + 1) / (n + 1), standing) for i in range(n)) for k, n in enumerate(widths))
    radius = min(27.0, 0.36 * across / most)
    return Plan(across if standing else along, along if standing else across, layers, standing, radius)


def _place(along: float, across: float, standing: bool) -> Place:
    return Place(across, along) if standing else Place(along, across)


def drawing(sheet: Sheet) -> str:
    """Both drawings."""
    return "".join(
        f'<div class="{"standing" if standing else "lying"}">{svg(sheet, plan(sheet, standing))}</div>' for standing in (False, True)
    )


def reached(sheet: Sheet) -> list[frozenset[int]]:
    """By layer, the units that an error passes on its way to the chosen weight; the loss is the layer after the last."""
    name, index = sheet.chosen
    layer = int(name[1:])
    widths = [sheet.network.inputs, *(d.units for d in sheet.network.dense), 1]
    return [frozenset() if k < layer else frozenset({index[-1]}) if k == layer else frozenset(range(n)) for k, n in enumerate(widths)]


def svg(sheet: Sheet, p: Plan) -> str:
    """The picture with its text for those who do not see it."""
    name, index = sheet.chosen
    told = (
        f"The network with the value of every unit. The chain from the loss back to {sheet.label(spell(name, index))} is highlighted; "
        f"its gradient is {plain(sheet.gradient)}."
    )
    body = "".join((*_edges(sheet, p), *_units(sheet, p), *_loss(sheet, p)))
    return f'<svg viewBox="0 0 {p.wide:g} {p.high:g}" role="group" aria-label="{escape(told)}">{body}</svg>'


def _edges(sheet: Sheet, p: Plan) -> Iterator[str]:
    hot, chosen = reached(sheet), spell(*sheet.chosen)
    few = len(sheet.weights) <= MANY
    parts: list[tuple[int, str]] = []
    for k, layer in enumerate(sheet.network.dense, 1):
        kernel = sheet.inputs[f"W{k}"]
        top = float(abs(kernel).max()) or 1.0
        for h in range(layer.units):
            for j in range(kernel.shape[0]):
                weight = spell(f"W{k}", (j, h))
                rank = 2 if weight == chosen else int(h in hot[k] and j in hot[k - 1])
                ends = p.places[k - 1][j], p.places[k][h]
                parts.append((rank, _edge(sheet, p, weight, ends, float(kernel[j, h]) / top, rank, few)))
    yield from (text for _, text in sorted(parts, key=lambda part: part[0]))
    last = len(sheet.network.dense)
    for m, place in enumerate(p.places[last]):
        yield _line(place, p.places[last + 1][0], "loss" + (" hot" if m in hot[last] else ""), 2.5)


def _edge(sheet: Sheet, p: Plan, weight: str, ends: tuple[Place, Place], share: float, rank: int, few: bool) -> str:
    a, b = ends
    kind = ("", " hot", " hot chosen")[rank]
    name, *index = weight.split(".")
    spot = tuple(int(part) - 1 for part in index)
    value, slope = float(sheet.inputs[name][spot]), float(sheet.made[f"d{name}"][spot])
    told = f"{sheet.label(weight)} = {plain(value)}, gradient {plain(slope)}"
    line = _line(a, b, "edge" + (" minus" if value < 0 else ""), 1.2 + 3.3 * abs(share))
    hit = _line(a, b, "hit", 20 if few else 9)
    into, out_of = len(p.places[int(name[1:])]), len(p.places[int(name[1:]) - 1])
    text = _number(short(value), *_beside(p, a, b, into, out_of)) if few else ""
    return _button(weight, kind, told, line + hit + text, few, rank == 2)


def _beside(p: Plan, a: Place, b: Place, into: int, out_of: int) -> tuple[float, float, str]:
    """Where a weight's number stands: over its line; in the standing drawing beside it, clear of units and of other lines' numbers."""
    turn = 0 if abs(a.x - b.x) < 1 else 1 if b.x > a.x else -1
    if not p.standing:
        at, side = 0.5 if into == out_of == 1 else 0.32, 0
    elif turn == 0:
        at, side = 0.5, -1 if a.x < p.wide / 2 - 1 else 1
    else:
        at, side = 0.4 if out_of == 1 else 0.62, -turn if into == 1 else turn
    x, y = a.x + at * (b.x - a.x) + side * (6 if turn else 14), a.y + at * (b.y - a.y)
    return x, y + (4 if side else -9), ("end", "middle", "start")[side + 1]


def _number(text: str, x: float, y: float, anchor: str = "middle") -> str:
    return f'<text class="number" x="{x:.1f}" y="{y:.1f}" style="text-anchor:{anchor}">{text}</text>'


def _button(weight: str, kind: str, told: str, inner: str, few: bool, chosen: bool) -> str:
    focus = 'tabindex="0" role="button" ' + f'aria-pressed="{str(chosen).lower()}"' if few else 'aria-hidden="true"'
    return f'<g class="pick{kind}" data-pick="{weight}" {focus} aria-label="{escape(told)}"><title>{escape(told)}</title>{inner}</g>'


def _line(a: Place, b: Place, kind: str, width: float) -> str:
    return f'<line class="{kind}" x1="{a.x:.1f}" y1="{a.y:.1f}" x2="{b.x:.1f}" y2="{b.y:.1f}" stroke-width="{width:.1f}"/>'


def _units(sheet: Sheet, p: Plan) -> Iterator[str]:
    hot, chosen = reached(sheet), spell(*sheet.chosen)
    few = len(sheet.weights) <= MANY
    for k, layer in enumerate(p.places[:-1]):
        values = sheet.made["x" if k == 0 else f"a{k}"][0]
        for i, place in enumerate(layer):
            yield _unit(p, place, _symbol(k, i, len(layer), len(p.places)), short(float(values[i])), i in hot[k])
            if k and few:
                yield _bias(sheet, p, spell(f"b{k}", (i,)), place, chosen)
            if k and i in hot[k] and few:
                yield _delta(sheet, p, place, k, i)


def _symbol(k: int, i: int, n: int, layers: int) -> str:
    below = [] if n == 1 else [str(i + 1)]
    head, below = ("x", below) if k == 0 else ("ŷ", below) if k == layers - 2 else ("a", [str(k), *below])
    return f'{head}<tspan class="sub" dy="3">{",".join(below)}</tspan>'


def _unit(p: Plan, place: Place, symbol: str, value: str, hot: bool) -> str:
    r = p.radius
    small = ' class="tight"' if r < 20 else ""
    inner = f'<text class="symbol" y="{-r * 0.2:.1f}">{symbol}</text><text class="value" y="{r * 0.45:.1f}">{value}</text>'
    if r < 20:
        inner = f'<text class="value" y="4">{value}</text>'
    return (
        f'<g transform="translate({place.x:.1f},{place.y:.1f})"{small}><circle class="unit{" hot" if hot else ""}" r="{r:.1f}"/>{inner}</g>'
    )


def _bias(sheet: Sheet, p: Plan, weight: str, place: Place, chosen: str) -> str:
    name, unit = weight.split(".")
    value = float(sheet.inputs[name][int(unit) - 1])
    slope = float(sheet.made[f"d{name}"][int(unit) - 1])
    told = f"{sheet.label(weight)} = {plain(value)}, gradient {plain(slope)}"
    outer = 1 if place.x > p.wide / 2 + 1 else -1
    x, y = (place.x + outer * (p.radius + 34), place.y) if p.standing else (place.x, place.y + p.radius + 19)
    box = f'<rect class="bias" x="{x - 29:.1f}" y="{y - 11:.1f}" width="58" height="22" rx="11"/>' + _number(f"b {short(value)}", x, y + 4)
    return _button(weight, " chosen hot" if weight == chosen else "", told, box, True, weight == chosen)


def _delta(sheet: Sheet, p: Plan, place: Place, k: int, i: int) -> str:
    value = f"δ {short(float(sheet.made[f'dz{k}'][0, i]))}"
    lone = abs(place.x - p.wide / 2) < 1
    beside = (place.x + p.radius + 8, place.y + 5, "start") if lone else (place.x, place.y + p.radius + 16, "middle")
    x, y, anchor = beside if p.standing else (place.x, place.y - p.radius - 10, "middle")
    return f'<text class="delta" x="{x:.1f}" y="{y:.1f}" style="text-anchor:{anchor}">{value}</text>'


def _loss(sheet: Sheet, p: Plan) -> Iterator[str]:
    place = p.places[-1][0]
    value = short(float(sheet.made["loss"]))
    yield (
        f'<g transform="translate({place.x:.1f},{place.y:.1f})"><rect class="unit hot" x="-42" y="-27" width="84" height="54" rx="10"/>'
        f'<text class="symbol" y="-6">loss</text><text class="value" y="13">{value}</text></g>'
    )


def chain(sheet: Sheet) -> str:
    """The factors from the loss to the weight, one row for each way; many ways are shortened."""
    found = terms(sheet)
    shown = found[:MOST_TERMS]
    rows = "".join(_row(sheet, term, len(found) > 1) for term in shown)
    rest = found[MOST_TERMS:]
    if rest:
        rows += f'<p class="rest">and {len(rest)} more ways, together {plain(sum(term.value for term in rest))}</p>'
    total = f'<p class="total">∂L/∂{sheet.label(spell(*sheet.chosen))} = <b>{plain(sheet.gradient)}</b>{_sum(sheet, len(found))}</p>'
    return f'<div class="ways">{total}{rows}</div>'


def _sum(sheet: Sheet, count: int) -> str:
    text = f", the sum of {count} products" if count > 1 else ""
    if ways(sheet) > MOST_WAYS:
        text += f"; {ways(sheet):,} ways lead to the unit, and its ε is what they bring together"
    return text + (", and the slope of the penalty" if sheet.network.penalised and sheet.chosen[0].startswith("W") else "")


def _row(sheet: Sheet, term: Term, several: bool) -> str:
    weakest = min(term.factors, key=lambda factor: abs(factor.value))
    chips = '<span class="op">·</span>'.join(_chip(factor, factor is weakest and abs(factor.value) < FADED) for factor in term.factors)
    head = ""
    if several:
        way = " ← ".join(str(unit + 1) for unit in reversed(term.units))
        parts = ([f"example {term.row + 1}"] if len(sheet.inputs["x"]) > 1 else []) + ([f"by units {way}"] if len(term.units) > 1 else [])
        head = f'<span class="which">{", ".join(parts) or "one way"}</span>'
    result = f'<span class="op">=</span><span class="chip result"><b>{plain(term.value)}</b></span>' if several else ""
    return f'<div class="row">{head}{chips}{result}</div>'


def _chip(factor: Factor, weakest: bool) -> str:
    head, below = factor.symbol
    symbol = escape(head) + (f"<sub>{escape(below)}</sub>" if below else "") + (")" if head.endswith("(z") else "")
    note = (
        '<i class="dies">almost nothing passes</i>' if weakest and factor.value else '<i class="dies">nothing passes</i>' if weakest else ""
    )
    note = note or f"<i>{WORDS[factor.kind]}</i>"
    return f'<span class="chip {factor.kind}{" weak" if weakest else ""}"><small>{symbol}</small><b>{plain(factor.value)}</b>{note}</span>'
