"""The package's own formulas as plain NumPy source: what trains on the page is what an exported file says, word for word.

A function is written out with everything that it calls; a step of a derivation becomes one line, `dW1 = x.T @ dz1`. Left out is what
serves the complex step alone: `.real`, `np.asarray`, branches for complex numbers.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import operator
import re
import types
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from functools import cache
from typing import Any, TypeVar

import numpy as np

from dosegrade.nn.activations import Activation, erfc
from dosegrade.steps import Step

_NOT_FOR_EXPORT = re.compile(r" that branches on the real part only| in analytic form|; off the real line[^.]*| \(DOMAIN [^)]*\)")
_FOLDED = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
_PLAINER = {erfc: "np.vectorize(math.erfc, otypes=[float])"}  # ours is the same in vectors; a reader knows the library's
Function = ast.FunctionDef | ast.Lambda
Node = TypeVar("Node", bound=ast.AST)


class Writer:
    """Names functions and remembers their source: `call` gives an expression, `text` all that was named, callees first.

    `taken` are names that the file uses itself, `library` what has NumPy's functions by their names there: `torch`, `keras.ops`.
    """

    def __init__(self, taken: Iterable[str] = (), library: str = "np") -> None:
        self.library = library
        self._taken = {*taken, *dir(builtins)}
        self._names: dict[int, str] = {}
        self._kept: list[Any] = []
        self._written: dict[str, str] = {}

    @property
    def text(self) -> str:
        """Every number and function that was named."""
        numbers = [text for text in self._written.values() if not text.startswith("def ")]
        functions = [text for text in self._written.values() if text.startswith("def ")]
        return "\n\n\n".join(["\n".join(numbers)] * bool(numbers) + functions)

    def name(self, thing: Callable[..., Any], wish: str = "") -> str:
        """The name under which a function can be called; `wish` names a lambda."""
        if isinstance(thing, np.ufunc) or getattr(np, getattr(thing, "__name__", ""), None) is thing:
            return f"{self.library}.{thing.__name__}"
        if thing in _PLAINER:
            return _PLAINER[thing]
        if id(thing) not in self._names:
            own = thing.__name__ if thing.__name__ != "<lambda>" else wish
            name = self._free(own.strip("_"))
            self._names[id(thing)] = name
            self._kept.append(thing)
            self._written[name] = self._define(thing, name)
        return self._names[id(thing)]

    def number(self, name: str, value: float) -> str:
        """A number under a name of its own."""
        self._written.setdefault(name, f"{name} = {value!r}")
        return name

    def call(self, thing: Callable[..., Any], arguments: Iterable[str], wish: str = "") -> str:
        """An expression that calls `thing`."""
        return ast.unparse(self.called(thing, [expression(a) for a in arguments], wish))

    def inline(self, thing: Callable[..., Any], arguments: Iterable[str], wish: str = "") -> str:
        """An expression with the body of a lambda, or one that calls what is none."""
        given = [expression(a) for a in arguments]
        short = getattr(thing, "__name__", "") == "<lambda>"
        return ast.unparse(_Shorter().visit(self._put_in(thing, given) if short else self.called(thing, given, wish)))

    def step(self, step: Step) -> str:
        """`z1 = x @ W1 + b1`."""
        return f"{step.name} = {self.inline(step.compute, step.needs, step.name)}"

    def called(self, thing: Any, arguments: list[ast.expr], wish: str = "") -> ast.expr:
        """A call as a tree; an activation's own functions in place of the activation."""
        if isinstance(thing, Activation):
            return self._activation(thing, arguments)
        if inspect.ismethod(thing) and isinstance(thing.__self__, Activation):
            return self._pulled(thing.__self__, arguments)
        return ast.Call(expression(self.name(thing, wish)), arguments, [])

    def _activation(self, f: Activation, arguments: list[ast.expr]) -> ast.expr:
        """f(z, parameter)."""
        if f.name == "identity":
            return arguments[0]
        return ast.Call(expression(self.name(f.forward, f.name)), [*arguments, *parameter(f)], [])

    def _pulled(self, f: Activation, arguments: list[ast.expr]) -> ast.expr:
        """dz from z and da: da * slope(z), or the pullback."""
        z, da = arguments
        if f.pullback is not None:
            return ast.Call(expression(self.name(f.pullback, f"{f.name}_pullback")), [z, da, *parameter(f)], [])
        if f.name == "identity":
            return da
        assert f.slope is not None
        slope = ast.Call(expression(self.name(f.slope, f"{f.name}_slope")), [z, *parameter(f)], [])
        return ast.BinOp(da, ast.Mult(), slope)

    def _put_in(self, function: Callable[..., Any], arguments: list[ast.expr]) -> ast.expr:
        """A lambda's body with the arguments in place."""
        node = node_of(function)
        names = [a.arg for a in node.args.args]
        given: dict[str, ast.expr] = dict(zip(names, arguments, strict=False))
        if node.args.vararg:
            given[node.args.vararg.arg] = ast.Tuple(arguments[len(names) :], ast.Load())
        body = node.body
        assert isinstance(body, ast.expr)
        return self._plain(function, body, given)

    def _define(self, function: Callable[..., Any], name: str) -> str:
        """`def name(…): …`, without annotations."""
        node = node_of(function)
        if isinstance(node, ast.Lambda):
            body: list[ast.stmt] = [ast.Return(self._plain(function, node.body, {}))]
        else:
            body = [self._plain(function, statement, {}) for statement in node.body]
        arguments = deepcopy(node.args)
        for argument in ast.walk(arguments):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        definition = ast.FunctionDef(name=name, args=arguments, body=body, decorator_list=[])
        definition.type_params = []  # type: ignore[attr-defined,unused-ignore]
        return _NOT_FOR_EXPORT.sub("", ast.unparse(ast.fix_missing_locations(definition)))

    def _plain(self, function: Callable[..., Any], node: Node, given: Mapping[str, ast.expr]) -> Node:
        """A part of a function's tree with plain NumPy in it and the outer names resolved."""
        return _Plain(self, function, given).visit(deepcopy(node))  # type: ignore[no-any-return]

    def _free(self, name: str) -> str:
        count = 2
        free = f"{name}_" if name in self._taken else name
        while free in self._written or free in self._names.values():
            free, count = f"{name}_{count}", count + 1
        return free


class _Plain(ast.NodeTransformer):
    """Rewrites the tree of one function for a file of its own."""

    def __init__(self, writer: Writer, function: Callable[..., Any], given: Mapping[str, ast.expr]) -> None:
        self.writer, self.given = writer, given
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        self.outer = ChainMap({name: cell.cell_contents for name, cell in cells}, function.__globals__)
        self.bound = bound_in(node_of(function))

    def _known(self, name: str) -> Any:
        """What a name from outside the function stands for; None for the function's own names and Python's."""
        return None if name in self.bound else self.outer.get(name)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.given:
            return self.given[node.id]
        thing = self._known(node.id)
        if thing is np:
            return expression(self.writer.library)
        if thing is None or isinstance(thing, types.ModuleType):
            return node
        if isinstance(thing, int | float):
            return expression(self.writer.number(node.id, thing) if node.id.isupper() else repr(thing))
        return expression(self.writer.name(thing, node.id))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if node.attr == "real":
            return self.visit(node.value)  # type: ignore[no-any-return]
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if ast.unparse(node.func) == "np.asarray":
            return self.visit(node.args[0])  # type: ignore[no-any-return]
        entry = self._entry(node.func)
        if entry is None:
            return self.generic_visit(node)  # type: ignore[return-value]
        return self.writer.called(entry[0], [self.visit(a) for a in node.args], entry[1])

    def _entry(self, func: ast.expr) -> tuple[Any, str] | None:
        """What `f(…)` or `f.part(…)` calls where f is an entry of a table, and a name for it."""
        owner = self._known(func.value.id if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) else "")
        if isinstance(func, ast.Name) and isinstance(thing := self._known(func.id), Activation):
            return thing, ""
        if owner is None or isinstance(owner, types.ModuleType):
            return None
        part = func.attr  # type: ignore[attr-defined]
        return getattr(owner, part), owner.name if part == "value" else f"{owner.name}_{part}"

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        if "iscomplexobj" in ast.unparse(node.test):
            return self.visit(node.orelse)  # type: ignore[no-any-return]
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        assert node.value is not None
        return ast.fix_missing_locations(ast.Assign([node.target], self.visit(node.value)))


def expression(text: str) -> ast.expr:
    """The tree of an expression."""
    return ast.parse(text, mode="eval").body


class _Shorter(ast.NodeTransformer):
    """Reckons with the numbers of a line: 1 − 0.2 is 0.8, nothing is added where a factor is 0."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        node = self.generic_visit(node)  # type: ignore[assignment]
        left, right = (part.value if isinstance(part, ast.Constant) else None for part in (node.left, node.right))
        if left is not None and right is not None and type(node.op) in _FOLDED:
            return ast.Constant(_FOLDED[type(node.op)](left, right))
        if isinstance(node.op, ast.Mult) and 0 in (left, right):
            return ast.Constant(0)
        if isinstance(node.op, ast.Add) and 0 in (left, right):
            return node.right if left == 0 else node.left
        return node


def parameter(f: Activation) -> list[ast.expr]:
    """The activation's number, where it has one."""
    return [] if f.parameter is None else [ast.Constant(f.parameter)]


@cache
def bound_in(node: ast.AST) -> set[str]:
    """The names that a function gives values to: parameters, assignments, loops."""
    own = {a.arg for a in ast.walk(node) if isinstance(a, ast.arg)}
    return own | {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def node_of(function: Callable[..., Any]) -> Function:
    """The tree of a function or lambda; of several lambdas on a line, the one whose code it is."""
    return _node_of(function.__code__)


@cache
def _node_of(code: types.CodeType) -> Function:
    here = [node for node in _functions(code.co_filename) if _encloses(node, code)]
    return min(here, key=lambda n: ((n.end_lineno or 0) - n.lineno, (n.end_col_offset or 0) - n.col_offset))


def _encloses(node: Function, code: types.CodeType) -> bool:
    if isinstance(node, ast.FunctionDef) != (code.co_name != "<lambda>"):
        return False
    if isinstance(node, ast.FunctionDef):
        return node.name == code.co_name and code.co_firstlineno in {node.lineno, *(d.lineno for d in node.decorator_list)}
    if code.co_firstlineno != node.lineno:
        return False
    spots = [(line, column) for line, _, column, _ in code.co_positions() if line is not None and column is not None]
    start, end = (node.body.lineno, node.body.col_offset), (node.body.end_lineno or 0, node.body.end_col_offset or 0)
    return start <= max(spots) <= end


@cache
def _functions(path: str) -> tuple[Function, ...]:
    with open(path, encoding="utf-8") as file:
        return tuple(node for node in ast.walk(ast.parse(file.read())) if isinstance(node, Function))
