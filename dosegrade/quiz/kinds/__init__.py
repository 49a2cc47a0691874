"""The kinds of question: each reads its own table and marks its own answers. One class and one row here add one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dosegrade.quiz.kinds.code import Code
from dosegrade.registry import LazyRegistry

if TYPE_CHECKING:
    from dosegrade.quiz.kinds.base import Example, Field, Question, Variant

    AnyQuestion = Code | Question[Any]
HERE = __name__

KINDS: LazyRegistry[type[AnyQuestion]] = LazyRegistry(
    "kind of question",
    {
        "choice": f"{HERE}.choosing:Choice",
        "choices": f"{HERE}.choosing:Choices",
        "true-false": f"{HERE}.choosing:TrueFalse",
        "number": f"{HERE}.numbers:Number",
        "array": f"{HERE}.numbers:ArrayQuestion",
        "table": f"{HERE}.table:Table",
        "formula": f"{HERE}.formula:Formula",
        "order": f"{HERE}.arranging:Order",
        "match": f"{HERE}.arranging:Match",
        "text": f"{HERE}.text:Text",
        "derivation": f"{HERE}.derivation:Derivation",
        "code": f"{HERE}.code:Code",
    },
)

__all__ = ["KINDS", "AnyQuestion", "Code", "Example", "Field", "Question", "Variant"]


def __getattr__(name: str) -> Any:
    """What typed questions are made of, imported when first asked for: a quiz of code questions does without."""
    if name in ("Example", "Field", "Question", "Variant"):
        from dosegrade.quiz.kinds import base

        return getattr(base, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
