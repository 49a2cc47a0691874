"""Questions answered by choosing: one option, several, or true or false."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.random import Generator

from dosegrade.errors import SpecError
from dosegrade.grading.report import Check
from dosegrade.quiz.kinds.base import Example, Field, Marks, Question, Variant
from dosegrade.quiz.texts import fill
from dosegrade.quiz.typed import Malformed, shown
from dosegrade.quiz.variables import Redraw


@dataclass(frozen=True)
class Option:
    """`[questions.options.A]`: a text; for a wrong option the `code` of its mistake, for either a `hint` told when it is missed."""

    text: str
    correct: bool = False
    code: str = ""
    hint: str = ""
    credit: float = 0.0


@dataclass(frozen=True)
class Chosen:
    """A variant's options as texts, and the right ones."""

    options: Mapping[str, str]
    correct: frozenset[str]


def shown_options(options: Mapping[str, Option], values: Mapping[str, Any]) -> Chosen:
    """The options in the order of their ids, with their numbers put in; Redraw where two read alike."""
    texts = {name: fill(option.text, values) for name, option in sorted(options.items())}
    if len(set(texts.values())) < len(texts):
        raise Redraw("two options read alike")
    return Chosen(texts, frozenset(name for name, option in options.items() if option.correct))


def check_options(question: Question[Any], options: Mapping[str, Option], where: str = "options") -> None:
    """SpecError for too few options, an id that cannot be typed, an unknown code or a credit that is none."""
    if len(options) < 2:
        raise SpecError(f"{where}: found {len(options)}, expected two or more.")
    for name, option in options.items():
        if not name.isalnum():
            raise SpecError(f"{where}: the id '{name}' is not made of letters and digits.")
        if option.correct and (option.code or option.credit):
            raise SpecError(f"{where}: {name} is correct; a code or credit belongs to a wrong option.")
        if not 0 <= option.credit < 1:
            raise SpecError(f"{where}: {name}: credit: found {option.credit}, expected 0 up to but not including 1.")
        if option.code:
            question.entry(option.code)


def option_id(raw: Any, options: Mapping[str, Any]) -> str:
    """The id that was meant by `b`, `(B)` or `B.`; Malformed where there is none."""
    if isinstance(raw, str | int) and not isinstance(raw, bool) and len(str(raw)) <= 40:
        typed = str(raw).strip().strip("().:").strip()
        for name in options:
            if name.lower() == typed.lower():
                return name
    raise Malformed(f"Found {shown(raw)}, expected one of {', '.join(options)}.")


def diagnosed(question: Question[Any], options: Mapping[str, Option], picked: list[str]) -> dict[str, str]:
    """The mistakes of the wrong options among those picked."""
    return {options[name].code: options[name].hint for name in picked if options[name].code}


def said(option: Option, fallback: str) -> str:
    """An option's own hint where it has no code to carry it."""
    return option.hint if option.hint and not option.code else fallback


@dataclass(frozen=True, kw_only=True)
class Choice(Question[Chosen]):
    """One of several options; `answer` is the right one's id."""

    answer: str
    options: Mapping[str, Option]

    def check(self) -> None:
        if self.answer not in self.options:
            raise SpecError(f"answer: found {self.answer!r}, expected one of the options {', '.join(self.options)}.")
        if any(option.correct for option in self.options.values()):
            raise SpecError("options: a choice names its right option in 'answer'; leave 'correct' out.")
        check_options(self, self.options)
        if self.options[self.answer].code or self.options[self.answer].credit:
            raise SpecError(f"options: {self.answer} is the answer; a code or credit belongs to a wrong option.")

    def make(self, values: Mapping[str, Any], rng: Generator) -> Chosen:
        return Chosen(shown_options(self.options, values).options, frozenset({self.answer}))

    def parse(self, variant: Variant[Chosen], raw: Any) -> str:
        return option_id(raw[0] if isinstance(raw, list) and len(raw) == 1 else raw, variant.key.options)

    def mark(self, variant: Variant[Chosen], answer: str) -> Marks:
        if answer == self.answer:
            return Marks((Check("answer", "correct", self.points, self.points),), notes=hint_of(self.options[answer]))
        option = self.options[answer]
        check = Check("answer", "wrong", option.credit * self.points, self.points, said(option, f"{answer} is not right"))
        return Marks((check,), self.diagnosed(diagnosed(self, self.options, [answer])))

    def fields(self, variant: Variant[Chosen]) -> tuple[Field, ...]:
        return (Field("choice", options=tuple(variant.key.options.items())),)

    def right(self, variant: Variant[Chosen]) -> str:
        return self.answer

    def examples(self, variant: Variant[Chosen]) -> tuple[Example, ...]:
        wrong = [Example(name, option.credit) for name, option in self.options.items() if name != self.answer]
        return (*wrong, Example(f" ({self.answer.lower()}) ", 1.0), Example("no such option", None), Example(3.5, None))


def hint_of(option: Option) -> tuple[str, ...]:
    """What is told with a right option."""
    return (option.hint,) if option.hint else ()


MARKING = ("exact", "net", "each")


@dataclass(frozen=True, kw_only=True)
class Choices(Question[Chosen]):
    """Several options, those with `correct = true`; marking `exact`, `net` ((hits − false)/right ones) or `each` (decisions)."""

    options: Mapping[str, Option]
    marking: str = "each"

    def check(self) -> None:
        check_options(self, self.options)
        if self.marking not in MARKING:
            raise SpecError(f"marking: found {self.marking!r}, expected one of {', '.join(MARKING)}.")
        if not any(option.correct for option in self.options.values()):
            raise SpecError("options: none is correct; write correct = true in at least one.")

    def make(self, values: Mapping[str, Any], rng: Generator) -> Chosen:
        return shown_options(self.options, values)

    def parse(self, variant: Variant[Chosen], raw: Any) -> frozenset[str]:
        items = raw.replace(",", " ").split() if isinstance(raw, str) else raw if isinstance(raw, list) else [raw]
        if len(items) > 2 * len(self.options):
            raise Malformed(f"Found {len(items)} entries, expected some of {', '.join(self.options)}.")
        return frozenset(option_id(item, variant.key.options) for item in items)

    def share(self, chosen: frozenset[str]) -> float:
        """The share of the points that a choice earns."""
        right = frozenset(name for name, option in self.options.items() if option.correct)
        if self.marking == "exact":
            return float(chosen == right)
        if self.marking == "net":
            return max(0.0, (len(chosen & right) - len(chosen - right)) / len(right))
        return 1 - len(chosen ^ right) / len(self.options)

    def mark(self, variant: Variant[Chosen], answer: frozenset[str]) -> Marks:
        missed = [name for name in self.options if (name in answer) != self.options[name].correct]
        score = self.share(answer) * self.points
        if not missed:
            return Marks((Check("answer", "correct", self.points, self.points),))
        wrong = [name for name in missed if name in answer]
        left_out = len(missed) - len(wrong)
        words = [said(self.options[name], f"{name} does not belong") for name in wrong]
        words += [f"{left_out} that belong{'s' if left_out == 1 else ''} left out"] if left_out else []
        check = Check("answer", "wrong", score, self.points, "; ".join(words))
        return Marks((check,), self.diagnosed(diagnosed(self, self.options, wrong)))

    def fields(self, variant: Variant[Chosen]) -> tuple[Field, ...]:
        return (Field("choices", options=tuple(variant.key.options.items())),)

    def right(self, variant: Variant[Chosen]) -> list[str]:
        return sorted(variant.key.correct)

    def examples(self, variant: Variant[Chosen]) -> tuple[Example, ...]:
        right = variant.key.correct
        flipped = [frozenset(right ^ {name}) for name in self.options]
        made = [Example(sorted(chosen), self.share(chosen)) for chosen in flipped if chosen]
        return (*made, Example(", ".join(sorted(right)).lower(), 1.0), Example(["no such option"], None), Example({"A": 1}, None))


TRUE = ("true", "t", "yes", "y", "1")
FALSE = ("false", "f", "no", "n", "0")


@dataclass(frozen=True, kw_only=True)
class TrueFalse(Question[Chosen]):
    """True or false; with `reasons` the right one is asked for too, and `without_reason` is the share for the bare answer.

    `wrong` names the mistake of the wrong answer, as for an option.
    """

    answer: bool
    reasons: Mapping[str, Option] = field(default_factory=dict)
    without_reason: float = 0.5
    code: str = ""
    hint: str = ""

    def check(self) -> None:
        if not 0 <= self.without_reason < 1:
            raise SpecError(f"without_reason: found {self.without_reason}, expected a share from 0 up to but not including 1.")
        if self.code:
            self.entry(self.code)
        if self.reasons:
            check_options(self, self.reasons, "reasons")
            if sum(option.correct for option in self.reasons.values()) != 1:
                raise SpecError("reasons: exactly one has correct = true.")

    def make(self, values: Mapping[str, Any], rng: Generator) -> Chosen:
        return shown_options(self.reasons, values)

    def parse(self, variant: Variant[Chosen], raw: Any) -> tuple[bool, str]:
        if not isinstance(raw, dict):
            return truth(raw), ""
        unknown = [key for key in raw if key not in ("answer", "reason")]
        if unknown:
            raise Malformed(f"Found the key {shown(unknown[0])}, expected answer and reason.")
        reason = raw.get("reason", "")
        return truth(raw.get("answer")), option_id(reason, self.reasons) if self.reasons and reason != "" else ""

    def mark(self, variant: Variant[Chosen], answer: tuple[bool, str]) -> Marks:
        value, reason = answer
        parts = {"answer": self.without_reason if self.reasons else 1.0, "reason": 1 - self.without_reason}
        if value != self.answer:
            check = Check("answer", "wrong", 0.0, parts["answer"] * self.points, said(Option("", hint=self.hint, code=self.code), ""))
            found = self.diagnosed({self.code: self.hint}) if self.code else ()
            rest = (Check("reason", "wrong", 0.0, parts["reason"] * self.points, "the answer itself is not right"),)
            return Marks((check, *(rest if self.reasons else ())), found)
        checks = [Check("answer", "correct", parts["answer"] * self.points, parts["answer"] * self.points)]
        if not self.reasons:
            return Marks(tuple(checks))
        return self.reasoned(checks[0], reason, parts["reason"] * self.points)

    def reasoned(self, first: Check, reason: str, worth: float) -> Marks:
        """The marks of a right answer with its reason."""
        if not reason:
            return Marks((first, Check("reason", "missing", 0.0, worth, "no reason given")))
        option = self.reasons[reason]
        if option.correct:
            return Marks((first, Check("reason", "correct", worth, worth)), notes=hint_of(option))
        check = Check("reason", "wrong", option.credit * worth, worth, said(option, f"{reason} is not the reason"))
        return Marks((first, check), self.diagnosed(diagnosed(self, self.reasons, [reason])))

    def fields(self, variant: Variant[Chosen]) -> tuple[Field, ...]:
        value = Field("choice", "answer" if self.reasons else "", "True or false?", (("true", "true"), ("false", "false")))
        reason = Field("choice", "reason", "Because …", tuple(variant.key.options.items()))
        return (value, reason) if self.reasons else (value,)

    def right(self, variant: Variant[Chosen]) -> Any:
        return {"answer": self.answer, "reason": next(iter(variant.key.correct))} if self.reasons else self.answer

    def examples(self, variant: Variant[Chosen]) -> tuple[Example, ...]:
        made = [Example(not self.answer, 0.0), Example("maybe", None), Example(2, None), Example({"value": True}, None)]
        if not self.reasons:
            return (*made, Example(str(self.answer).upper(), 1.0))
        for name, option in self.reasons.items():
            if not option.correct:
                share = self.without_reason + option.credit * (1 - self.without_reason)
                made.append(Example({"answer": self.answer, "reason": name}, share))
        return (*made, Example(self.answer, self.without_reason), Example({"answer": self.answer, "reason": "??"}, None))


def truth(raw: Any) -> bool:
    """True or false from a boolean or a word."""
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower() if isinstance(raw, str) else ""
    if word in TRUE or word in FALSE:
        return word in TRUE
    raise Malformed(f"Found {shown(raw)}, expected true or false.")
