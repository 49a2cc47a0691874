"""The kinds of question: each reads its own table and marks its own answers. One class and one row here add one."""

from __future__ import annotations

from typing import Any

from dosegrade.quiz.kinds.arranging import Match, Order
from dosegrade.quiz.kinds.base import Example, Field, Question, Variant
from dosegrade.quiz.kinds.choosing import Choice, Choices, TrueFalse
from dosegrade.quiz.kinds.code import Code
from dosegrade.quiz.kinds.derivation import Derivation
from dosegrade.quiz.kinds.formula import Formula
from dosegrade.quiz.kinds.numbers import ArrayQuestion, Number
from dosegrade.quiz.kinds.table import Table
from dosegrade.quiz.kinds.text import Text
from dosegrade.registry import Registry

AnyQuestion = Code | Question[Any]

KINDS: Registry[type[AnyQuestion]] = Registry(
    "kind of question",
    {
        "choice": Choice,
        "choices": Choices,
        "true-false": TrueFalse,
        "number": Number,
        "array": ArrayQuestion,
        "table": Table,
        "formula": Formula,
        "order": Order,
        "match": Match,
        "text": Text,
        "derivation": Derivation,
        "code": Code,
    },
)

__all__ = ["KINDS", "AnyQuestion", "Code", "Example", "Field", "Question", "Variant"]
