"""The code cells of a notebook as plain Python: magics and shell lines dropped, nothing parsed or run."""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

from dosegrade.errors import UnreadableError
from dosegrade.sandbox import Cell
from dosegrade.submissions.files import shown

MAX_BRACKETS = 300_000
MAX_CELLS = 5_000
KEPT_KEYS = ("nbformat", "nbformat_minor", "cells", "worksheets", "cell_type", "source", "input")
KEPT_MAGICS = ("time", "timeit", "capture")
_MAGIC = re.compile(
    r"""\s*(?: %{1,2}[A-Za-z] | ! | \?                                    # %matplotlib inline, !ls, ?help
      | [A-Za-z_][\w.,\ \[\]]*=\s*(?: %[A-Za-z] | ! )                      # files = !ls
      | (?: pip3? | conda | mamba )\ +(?: install | uninstall | list )\b    # pip install x, which a notebook takes without the %
      | [\w.*\[\]'"]+\?{1,2}\s*$ )""",
    re.VERBOSE,
)
_TOKEN = re.compile(r"\"\"\"|'''|\\.|[\"'#()\[\]{}]")
_BRACKETS = {**dict.fromkeys("([{", 1), **dict.fromkeys(")]}", -1)}


def cells(data: bytes, name: str) -> tuple[Cell, ...]:
    """The code cells with their place in the notebook; UnreadableError where the file is no notebook."""
    sources = [(number, without_magics(source)) for number, source in code_cells(data, name)]
    return tuple(Cell(source.encode("utf-8", "replace"), f"cell {number}") for number, source in sources if source and source.strip())


def code_cells(data: bytes, name: str) -> list[tuple[int, str]]:
    """Number and source of each code cell."""
    if data.count(b"{") + data.count(b"[") > MAX_BRACKETS:  # what a file may become in memory
        raise UnreadableError(f"'{shown(name)}' holds too much to be read; clear its outputs, save it, and hand it in anew.")
    try:
        book = current(data.decode("utf-8-sig"))
        return [
            (number, cell["source"])
            for number, cell in enumerate(book["cells"], 1)
            if isinstance(cell, dict) and cell.get("cell_type") == "code" and isinstance(cell.get("source"), str)
        ]
    except (RecursionError, MemoryError) as error:
        raise UnreadableError(f"'{shown(name)}' is nested too deeply to be a notebook.") from error
    except Exception as error:  # nbformat raises many kinds for a damaged file, none of them ours
        raise UnreadableError(f"'{shown(name)}' is no readable notebook: {reason(error)}. Save it again and hand it in anew.") from error


def reason(error: Exception) -> str:
    """What is wrong with a damaged notebook."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not saved as UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"its JSON is damaged at line {error.lineno}" if error.pos else "it is no JSON; plain Python belongs in a .py file"
    return str(error) if isinstance(error, Damaged) else type(error).__name__


class Damaged(ValueError):
    """JSON that is no notebook, in words."""


def current(text: str) -> Any:
    """The notebook as of format 4, whichever it was written in; without the validation, which a student's file need not pass."""
    from nbformat import convert, reader

    book = json.loads(text, object_hook=slim)
    if not isinstance(book, dict) or not any(isinstance(book.get(key), list) for key in ("cells", "worksheets")):
        raise Damaged("it has no list of cells")
    if any(len(book.get(key) or ()) > MAX_CELLS for key in ("cells", "worksheets")):
        raise Damaged(f"it has more than {MAX_CELLS} cells")
    if isinstance(book.get("cells"), list):
        book.setdefault("nbformat", 4)
    small = json.dumps(book)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return convert(reader.reads(small), 4)  # type: ignore[no-untyped-call]


def slim(table: dict[str, Any]) -> dict[str, Any]:
    """What matters of a table in a notebook: outputs and metadata, most of the file, are dropped while it is read."""
    return {key: table[key] for key in KEPT_KEYS if key in table} | {"metadata": {}, "outputs": []}


def without_magics(source: str) -> str | None:
    """A cell as plain Python: line magics and shell lines become `pass`; None for a `%%` cell in another language."""
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is not None and lines[first].startswith("%%"):
        magic = lines[first][2:].split()
        if not magic or magic[0] not in KEPT_MAGICS:
            return None
        lines[first] = ""
    scan, dropping = Scan(), False
    for i, line in enumerate(lines):
        if dropping or (scan.at_start and _MAGIC.match(line)):
            lines[i] = "" if dropping else line[: len(line) - len(line.lstrip())] + "pass"
            dropping = line.endswith("\\")
        else:
            scan.line(line)
    return "\n".join(lines)


class Scan:
    """Whether a line begins a statement, by a look at quotes, brackets and backslashes alone."""

    def __init__(self) -> None:
        self.depth = 0
        self.quote = ""
        self.continued = False

    @property
    def at_start(self) -> bool:
        """Whether the next line begins outside strings and brackets."""
        return not (self.depth or self.quote or self.continued)

    def line(self, text: str) -> None:
        """One line more."""
        comment = False
        for match in _TOKEN.finditer(text):
            token = match[0]
            if self.quote:
                self.quote = "" if token == self.quote else self.quote
            elif token == "#":
                comment = True
                break
            elif token in _BRACKETS:
                self.depth = max(0, self.depth + _BRACKETS[token])
            elif token[0] != "\\":
                self.quote = token
        self.continued = not comment and text.endswith("\\") and (len(text) - len(text.rstrip("\\"))) % 2 == 1
        if len(self.quote) == 1 and not self.continued:
            self.quote = ""
