"""What a program may import. Nothing can be opened after the lock, so what its worker has not loaded is not available.

A worker loads the usual modules, which nearly every program finds enough: a small process starts, forks and ends sooner. A program that
asks for another is run in a worker that has loaded all, from its beginning.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dosegrade.sandbox import Program

USUAL = """
numpy numpy.linalg numpy.typing numpy.dtypes numpy.exceptions numpy.lib.stride_tricks numpy.lib.scimath numpy.lib.mixins numpy.lib.format
abc array ast cmath collections collections.abc contextlib copy ctypes dataclasses datetime enum functools gc importlib inspect io
itertools json keyword linecache math numbers operator os os.path pickle platform re signal string struct sys textwrap time token tokenize
traceback types typing warnings weakref
"""
ALL = """
numpy numpy.linalg numpy.fft numpy.random numpy.ma numpy.polynomial numpy.testing numpy.char numpy.rec numpy.strings numpy.ctypeslib
numpy.core numpy.matlib numpy.typing numpy.dtypes numpy.exceptions numpy.lib.stride_tricks numpy.lib.scimath numpy.lib.mixins
numpy.lib.format abc argparse array ast base64 bisect calendar cmath collections collections.abc contextlib copy csv ctypes dataclasses
datetime decimal difflib doctest enum fractions functools gc glob hashlib heapq importlib importlib.abc inspect io itertools json keyword
linecache logging math numbers operator os os.path pathlib pickle platform pprint queue random re shutil signal statistics string struct
subprocess sys tempfile textwrap threading time timeit token tokenize traceback types typing unittest uuid warnings weakref zlib
encodings.ascii encodings.latin_1 encodings.cp1252 encodings.utf_8_sig encodings.utf_16 encodings.idna encodings.unicode_escape
"""

# Names of which a usual worker does not know whether one with all modules has them.
UNSURE = sys.stdlib_module_names | {"numpy"}
_TOLD = {name.removeprefix("numpy.").partition(".")[0] for name in set(ALL.split()) - set(USUAL.split())}
_ASKS = re.compile(rb"(?:\b(?:import|from)\s+|\bnp\.|\bnumpy\.)(?:%s)\b" % b"|".join(sorted(name.encode() for name in _TOLD)))


def asks(source: bytes) -> bool:
    """Whether a text names a module that a usual worker lacks."""
    return _ASKS.search(source) is not None


def asks_for_more(program: Program) -> bool:
    """Whether a program does; what this overlooks, the worker notices."""
    return any(map(asks, (*(cell.source for cell in program.cells), *program.siblings.values())))
