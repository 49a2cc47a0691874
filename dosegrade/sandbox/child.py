"""The untrusting side of a run: loads a student's program in a forked process and calls its functions, one record of answers a task.

Nothing here is trusted by the parent: a student shares this memory and may send what he likes, which forges values, nothing more.
"""

from __future__ import annotations
import __future__

import ast
import codecs
import errno
import importlib.machinery
import inspect
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import CodeType, FunctionType, ModuleType, TracebackType
from typing import Any

import numpy as np

from . import modules, plots, values

SEED = 20_240_229
# What an exception makes of a program: what was defined before it can still be asked.
ENDINGS = ("exception", "forbidden")
FUTURES = sum({getattr(__future__, name).compiler_flag for name in __future__.all_feature_names})
Source = bytes | ast.Module
WIDE = ((codecs.BOM_UTF32_LE, "UTF-32"), (codecs.BOM_UTF32_BE, "UTF-32"), (codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"))


class Failure(Exception):
    """What ends a task or the loading, in the words for the student."""

    def __init__(self, kind: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.line = kind, message, line


class Channel:
    """The pipe to the parent."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._write, self._returned = descriptor, os.write, values.Returned()
        # Freed when memory runs out, so that saying so still works; address space only, its pages are never touched.
        self.reserve: object = np.empty(1 << 17)

    def send(self, kind: int, payload: bytes = b"") -> None:
        """Writes one record, whole, after the answers that are held."""
        self._flush(values.record(kind, payload))

    def answer(self, layout: values.Layout, numbers: list[values.Numbers], mutated: bool) -> None:
        """Keeps an answer for the next `send`: the parent is woken once a task, not once a call."""
        self._returned.add(layout, numbers, mutated)
        if self._returned.size > 1 << 15:
            self._flush()

    def _flush(self, record: bytes = b"") -> None:
        if self._returned:
            returned, self._returned = self._returned, values.Returned()
            record = values.record(values.ANSWERS, returned.pack()) + record
        data = memoryview(record)
        while data:
            data = data[self._write(self._descriptor, data) :]

    def close(self) -> None:
        """Closes the pipe."""
        os.close(self._descriptor)

    def fail(self, failure: Failure) -> None:
        """Ends a task or the loading."""
        self.send(values.FAILED, values.pack_failure(failure.kind, failure.message, failure.line))


class Printed(io.TextIOBase):
    """Standard output and error: sends whole lines while the budget lasts, then drops."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel, self._left, self._pending = channel, 0, ""

    def allow(self, budget: int) -> None:
        """A new budget in bytes; one more is sent, by which the parent sees that something was dropped."""
        self._left = budget + 1

    def write(self, text: str, /) -> int:
        """Keeps what the budget allows."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self._left > 0:
            self._pending += text[: self._left]
            if len(self._pending) >= min(512, self._left) or "\n" in text:
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Sends what is pending."""
        raw, self._pending = self._pending.encode("utf-8", "replace")[: max(self._left, 0)], ""
        self._left -= len(raw)
        if raw:
            self._channel.send(values.TEXT, raw)

    def writable(self) -> bool:
        """It is."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As for any text."""
        return "utf-8"


class Elsewhere:
    """Where a worker with the usual modules is asked for one that another may have: says so and ends, to be run again there."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """None for a module that no worker has; else does not return."""
        if name.partition(".")[0] in modules.UNSURE:
            self._channel.send(values.ELSEWHERE)
            os._exit(0)


class Siblings:
    """Imports the files beside the solution from memory; nothing can be opened here."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, bytes]] = {}

    def have(self, files: Mapping[str, bytes]) -> None:
        """The program's files, by path."""
        self._files = {_module_name(path): (path, source) for path, source in files.items()}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """A sibling's spec, or that of a folder that holds one."""
        if name in self._files:
            file = self._files[name][0]
            package = file.endswith("__init__.py")
            # Not an importlib.abc.Loader by name: that module imports half the library.
            spec = importlib.machinery.ModuleSpec(name, self, origin=file, is_package=package)  # type: ignore[arg-type]
            spec.has_location = True
            return spec
        if any(other.startswith(name + ".") for other in self._files):
            return importlib.machinery.ModuleSpec(name, None, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """The ordinary one."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Compiles and runs the file."""
        path, source = self._files[module.__name__]
        exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102


def _module_name(path: str) -> str:
    name = path.removesuffix(".py").replace("/", ".")
    return name.removesuffix(".__init__")


class Shell:
    """What `get_ipython()` gives in a notebook saved as a program: every magic does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


class Loaded:
    """A program that has been run: its module, the files its lines are counted in, what did not run."""

    def __init__(self, name: str, cells: Sequence[tuple[bytes, str]]) -> None:
        self.module = ModuleType("solution")
        self.module.__file__ = name
        self.files = {f"{name}, {label}" if label else name: (label, source) for source, label in cells}
        self.notes: list[str] = []
        self.ended: Failure | None = None
        self._futures = 0
        self.module.__dict__.update(get_ipython=Shell, display=print, exit=sys.exit, quit=sys.exit)

    def run(self, tolerant: bool) -> None:
        """Runs the cells in order; where that is tolerated, statement by statement, a failing one being a note.

        Else an exception ends the file, and what it has defined before is asked; anything else is a Failure of all.
        """
        sys.modules["solution"] = self.module
        for filename, (label, source) in self.files.items():
            pieces = self._statements(source, filename) if tolerant else (source,)
            for piece in pieces:
                try:
                    self._run(piece, filename, label)
                except BaseException as error:
                    failure = self.failure(error)
                    if tolerant:
                        self._note(failure, label)
                    elif failure.kind in ENDINGS:
                        self.ended = failure
                    else:
                        raise failure from None

    def _statements(self, source: bytes, filename: str) -> Sequence[Source]:
        """A cell's statements, so that an import that fails does not hide the next one; the whole where it does not parse."""
        try:
            body = compile(source, filename, "exec", ast.PyCF_ONLY_AST | self._futures, dont_inherit=True).body
        except Exception:
            return (source,)
        return [ast.Module(body=[statement], type_ignores=[]) for statement in body]

    def _run(self, source: Source, filename: str, label: str) -> None:
        code = _compile(source, filename, label, self._futures)
        self._futures |= code.co_flags & FUTURES
        exec(code, self.module.__dict__)  # noqa: S102

    def _note(self, failure: Failure, label: str) -> None:
        if len(self.notes) < 20:
            line = f" (line {failure.line})" if failure.line else ""
            start = "" if label and failure.message.startswith(label) else f"{label or 'a cell'}: "
            self.notes.append(f"{start}{failure.message}{line}")

    def function(self, name: str) -> Callable[..., Any]:
        """The function asked for."""
        found = self.module.__dict__.get(name)
        if callable(found):
            return found  # type: ignore[no-any-return]
        if self.ended is not None:
            raise self.ended
        what = (
            f"'{name}' is of type {values.type_name(found)}, expected a function" if name in self.module.__dict__ else self._missing(name)
        )
        because = f"; {self.notes[0]}" if self.notes else ""
        raise Failure("missing-function", what + because)

    def _missing(self, name: str) -> str:
        names = [key for key, value in self.module.__dict__.items() if type(key) is str and inspect.isfunction(value) and key[0] != "_"]
        close = [key for key in names if key.lower() == name.lower() or key.startswith(name[:4]) or name.startswith(key)]
        shown = ", ".join((close or names)[:6])
        return f"there is no function named '{name}'" + (f"; found {shown}" if shown else " and no other function either")

    def ending(self, name: str, own: Failure | None = None) -> Failure | None:
        """What is said of a function that a file defines before an exception ends it, `own` being the function's failure."""
        if self.ended is None or own is self.ended:
            return own
        line = f" at line {self.ended.line}" if self.ended.line else ""
        if own is None:
            counts = f"the file ended there; {name} is defined before and counts"
            return Failure(self.ended.kind, f"{self.ended.message} ({counts})", self.ended.line)
        return Failure(own.kind, f"{own.message} (the file had ended{line} already: {self.ended.message})", own.line)

    def failure(self, error: BaseException) -> Failure:
        """An exception in the student's words and lines."""
        if isinstance(error, Failure) and type(error) is Failure:
            return error
        filename, line = self._place(error.__traceback__)
        error.__traceback__ = None
        label = self.files[filename][0] if filename else ""
        kind, message = _explain(error)
        if kind == "forbidden" and filename and line and isinstance(error, OSError | RuntimeError):
            message += self._quote(filename, line)
        return Failure(kind, f"{label}: {message}" if label else message, line)

    def _place(self, trace: TracebackType | None) -> tuple[str, int | None]:
        place: tuple[str, int | None] = ("", None)
        while trace is not None:
            filename = trace.tb_frame.f_code.co_filename
            if filename in self.files:
                place = (filename, trace.tb_lineno)
            trace = trace.tb_next
        return place

    def _quote(self, filename: str, line: int) -> str:
        lines = self.files[filename][1].splitlines()
        if not 0 < line <= len(lines):
            return ""
        return f", in `{lines[line - 1].decode('utf-8', 'replace').strip()[:80]}`"


def _compile(source: Source, filename: str, label: str, futures: int) -> CodeType:
    place = f"{label}: " if label else ""
    if isinstance(source, bytes) and (wide := next((name for mark, name in WIDE if source.startswith(mark)), None)):
        raise Failure("syntax", f"{place}the file is saved as {wide}, which Python does not read; save it as UTF-8")
    try:
        code: CodeType = compile(source, filename, "exec", futures, dont_inherit=True)
    except SyntaxError as error:
        raise Failure("syntax", f"{place}{values.type_name(error)}: {error.msg}", error.lineno) from None
    except (RecursionError, MemoryError):
        raise Failure("syntax", f"{place}the source is too deep or too large to compile") from None
    except ValueError as error:
        raise Failure("syntax", f"{place}{error}") from None
    return code


def _explain(error: BaseException) -> tuple[str, str]:
    """The kind of problem and the sentence for it."""
    said = _text(error)
    text = f"{values.type_name(error)}: {said}" if said else values.type_name(error)
    if isinstance(error, MemoryError):
        return "memory", text if said else "MemoryError: the memory limit was reached"
    if isinstance(error, SystemExit):
        return "exit", f"the program ended itself ({text})"
    if isinstance(error, ModuleNotFoundError):
        return "forbidden", f"module {_module_of(error)} is not available in the checker"
    refused = isinstance(error, OSError) and error.errno in (errno.EPERM, errno.EACCES, errno.ENOSYS)
    if refused or (isinstance(error, RuntimeError) and _text(error) == "can't start new thread"):
        return "forbidden", f"the checker does not allow this call: {text}"
    if isinstance(error, EOFError) and "reading a line" in _text(error):
        return "exception", f"{text} (there is no keyboard in the checker: do not call input())"
    return "exception", text


def _module_of(error: ModuleNotFoundError) -> str:
    name = error.name
    return repr(str.__str__(name)[:80]) if isinstance(name, str) else _text(error)


def _text(error: BaseException) -> str:
    """`str(error)`, which is student code as well."""
    try:
        text = str(error)
    except BaseException as again:
        return f"(its text cannot be had: {values.type_name(again)})"
    return values.clean(str.__getitem__(text, slice(0, 4 * values.MAX_TEXT)))


def check_signature(function: Callable[..., Any], name: str, count: int) -> None:
    """Raises a Failure where `function` does not take `count` positional arguments."""
    if _takes(function, count):
        return
    try:
        signature = inspect.signature(function)
    except Exception:  # built-in functions have none; the call itself will tell
        return
    try:
        signature.bind(*range(count))
    except TypeError:
        found = values.clean(f"{name}{signature}", 200)
        raise Failure("signature", f"{name} is called with {count} positional arguments; found {found}") from None


def _takes(function: Callable[..., Any], count: int) -> bool:
    """Whether an ordinary function plainly takes `count` positional arguments; spares the slow way."""
    if (
        type(function) is not FunctionType
        or function.__kwdefaults__
        or function.__code__.co_kwonlyargcount
        or hasattr(function, "__wrapped__")
    ):
        return False
    most = function.__code__.co_argcount
    return most - len(function.__defaults__ or ()) <= count <= most


class Run:
    """One program in this process, reporting to a channel."""

    def __init__(self, stage: Stage, request: Mapping[str, Any]) -> None:
        self._channel, self._request, self._printed = stage.channel, request, stage.printed
        self._loaded = Loaded(request["name"], request["cells"])
        stage.siblings.have(request["siblings"])
        name = _module_name(request["name"])
        if stage.elsewhere and name not in sys.modules:
            stage.elsewhere.find_spec(name)
        sys.modules.setdefault(name, self._loaded.module)
        sys.argv[:] = [request["name"]]

    def everything(self) -> None:
        """Loads, then does each task."""
        if not self._guarded(self._load, self._request["tasks"][0]["print"]):
            return
        for task in self._request["tasks"]:
            self._guarded(partial(self._do, task), task["print"], task["function"])

    def _guarded(self, step: Callable[[], None], budget: int, function: str = "") -> bool:
        self._printed.allow(budget)
        try:
            step()
        except BaseException as error:
            if issubclass(type(error), MemoryError):
                self._channel.reserve = None
            failure = self._named(error)
            failure = self._loaded.ending(function, failure) or failure
            error = failure  # the student's frames, and what they hold, end here
            self._printed.flush()
            self._channel.fail(failure)
            return False
        return True

    def _named(self, error: BaseException) -> Failure:
        """The exception in words, though its class may be the student's and raise whenever it is looked at."""
        try:
            return self._loaded.failure(error)
        except BaseException:
            return Failure("exception", f"{values.type_name(error)}: (nothing can be said of it)")

    def _load(self) -> None:
        self._loaded.run(self._request["tolerant"])
        self._printed.flush()
        self._channel.send(values.LOADED, values.pack_notes(self._loaded.notes))

    def _do(self, task: Mapping[str, Any]) -> None:
        function = self._loaded.function(task["function"])
        left = task["output"]
        for index, packed in enumerate(task["calls"]):
            arguments = values.decode(packed)
            if index == 0:
                check_signature(function, task["function"], len(arguments))
            left -= self._call(function, arguments, packed, left)
        self._printed.flush()
        ending = self._loaded.ending(task["function"])
        if ending is None:
            self._channel.send(values.DONE)
        else:
            self._channel.fail(ending)

    def _call(self, function: Callable[..., Any], arguments: tuple[Any, ...], packed: bytes, left: int) -> int:
        layout, numbers = values.describe(function(*arguments))
        size = values.size_of(numbers)
        if size > left:
            raise Failure("output", f"found more than {left} bytes returned, expected less")
        self._channel.answer(layout, numbers, _mutated(arguments, packed))
        return size


def _mutated(arguments: tuple[Any, ...], packed: bytes) -> bool:
    try:
        return values.encode(arguments) != packed
    except (TypeError, ValueError, OverflowError):
        return True


# About as long as an answer, with what answers use: what it touches, every program finds touched.
_REHEARSAL = b"""
import math
import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def f(x, y, parameters, rate):
    values, cache = x, []
    for k, (w, b) in enumerate(zip(parameters["w"], parameters["b"])):
        z = values @ w + b
        cache.append((values, z))
        values = np.tanh(z) if k == 0 else np.maximum(z, 0.0)
    error = values - y
    delta = 2 * error / len(x)
    grads = {"loss": float(np.mean(error**2)), "sigmoid": sigmoid(values)}
    for k in range(len(cache) - 1, -1, -1):
        before, z = cache[k]
        delta = delta * (1 - np.tanh(z) ** 2) if k == 0 else delta * (z > 0)
        grads[f"dw{k}"] = before.T @ delta
        grads[f"db{k}"] = delta.sum(axis=0)
        delta = delta @ parameters["w"][k].T
    return grads


def g(rewards, grads, rate, gamma=0.9):
    total, returns = 0.0, []
    for reward in reversed(rewards):
        total = reward + gamma * total
        returns.insert(0, total)
    new = {name: value - rate * np.sum(value) for name, value in grads.items()}
    new["norm"] = math.sqrt(sum(float(np.sum(value)) ** 2 for value in new.values()))
    return {**new, "returns": np.array(returns), "where": np.where(np.ones(3) > 0, 1.0, -1.0), "list": [1.0, 2.0]}


if __name__ == "__main__":
    print(f(1, 2, 3, 4), g(1, 2, 3))
"""


def _rehearsal() -> bytes:
    weights = {"w": [np.ones((2, 3)), np.ones((3, 1))], "b": [np.ones(3), np.ones(1)]}
    arguments = (np.ones((4, 2)), np.ones((4, 1)), weights, 0.1), ([1.0, 2.0], {"a": 1.0, "b": np.ones(2)}, 0.1)
    calls = [[values.encode(each)] * 8 for each in arguments]
    tasks = [{"function": name, "calls": some, "print": 9, "output": 9999} for name, some in zip("fg", calls, strict=True)]
    return values.encode({"name": "solution.py", "cells": [(_REHEARSAL, "")], "siblings": {}, "tolerant": False, "tasks": tasks})


class Stage:
    """The interpreter as every program finds it, set before the fork: the way out, the streams, the importers; `usual` modules or all."""

    def __init__(self, descriptor: int, usual: bool = False) -> None:
        self.channel = Channel(descriptor)
        self.printed = Printed(self.channel)
        self.siblings = Siblings()
        self.elsewhere = Elsewhere(self.channel) if usual else None
        # The library's modules before the student's own, and these before what stands in for a library.
        sys.meta_path += [*([self.elsewhere] if self.elsewhere else []), self.siblings, plots.Plots()]
        sys.modules["__main__"] = ModuleType("__main__")
        sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = self.printed  # type: ignore[misc,assignment]

    def seed(self) -> None:
        """The random states that every program finds; after the last `os.fork`, at which Python draws a new one."""
        if "random" in sys.modules:
            sys.modules["random"].seed(SEED)
            np.random.seed(SEED)  # noqa: NPY002

    def rehearse(self) -> None:
        """Runs a small program, as `serve` would."""
        self.serve(_rehearsal())

    def serve(self, body: bytes) -> None:
        """Answers a request; the caller has locked the process in and ends it afterwards."""
        self.channel.send(values.READY)
        try:
            Run(self, values.decode(body)).everything()
        except MemoryError:
            self.channel.reserve = None
            self.channel.fail(Failure("memory", "MemoryError: the memory limit was reached"))


def rehearse() -> None:
    """Runs a small program in this very process (the zygote's), so that its children find everything used once and specialised."""
    kept = sys.meta_path[:], sys.modules["__main__"], sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
    stage = Stage(os.open(os.devnull, os.O_WRONLY))
    for _ in range(8):
        stage.rehearse()
    stage.channel.close()
    sys.meta_path[:], sys.modules["__main__"], sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__ = kept  # type: ignore[misc]
    del sys.modules["solution"]
