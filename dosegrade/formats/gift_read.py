"""Reads GIFT by the rules of Moodle's `question/format/gift/format.php`, its escapes, weights, ranges and comments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from dosegrade.errors import SpecError
from dosegrade.formats import markup
from dosegrade.formats.draft import Draft
from dosegrade.formats.fractions import of_percent
from dosegrade.formats.items import Item, Losses, Near, Option, few
from dosegrade.formats.moodle_read import finite, right_first, several, words

MAX_BYTES = 4 << 20
_WEIGHT = re.compile(r"%(-?\d{1,3}(?:\.\d{0,9})?)%")
_FORMAT = re.compile(r"\[(html|moodle|plain|markdown)\]")
_ID = re.compile(r"\[id:([^\]\x00-\x1f]{1,100})\]")
_TAG = re.compile(r"\[tag:([^\]\x00-\x1f]{1,100})\]")
# Escaped signs while a question is taken apart.
_HELD = dict(zip("\\~=#{}:n", "\ue010\ue011\ue012\ue013\ue014\ue015\ue016\ue017", strict=True))
_ESCAPE = re.compile(r"\\([\\~=#{}:n])")
_FREED = {ord(mark): "\n" if sign == "n" else sign for sign, mark in _HELD.items()}


@dataclass(frozen=True)
class Raw:
    """A question taken apart: its name, the text around the answers, the answers, the general feedback, the format of its texts."""

    name: str
    text: str
    answers: str
    general: str
    form: str

    def rich(self, raw: str) -> str:
        """A text in the question's format, or in its own."""
        raw = raw.strip()
        own = _FORMAT.match(raw)
        return words_of(raw[own.end() :] if own else raw, own[1] if own else self.form)


Reader = Callable[[Raw, Item, Losses], Item]


def words_of(raw: str, form: str) -> str:
    """A text in one of GIFT's formats."""
    raw = freed(raw).strip()
    if form == "markdown":
        return raw
    return markup.settled(raw) if form == "plain" else markup.Read(raw, breaks=form == "moodle").text


def freed(text: str) -> str:
    """The text with escaped signs as themselves."""
    return text.translate(_FREED)


def read(data: bytes) -> Draft:
    """The questions of a file; those that cannot be taken are named among the losses."""
    if len(data) > MAX_BYTES:
        raise SpecError(f"it is larger than {MAX_BYTES >> 20} MB; split it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"it is no text in UTF-8 (byte {error.start}); save it as UTF-8.") from error
    losses = Losses()
    items: list[Item] = []
    title = ""
    for index, (lines, comments) in enumerate(blocks(re.sub("[\ue000-\uf8ff]", "", text)), 1):
        if lines[0].startswith("$CATEGORY:"):
            path = lines[0].removeprefix("$CATEGORY:").strip().replace("//", "\0")
            title = title or path.rpartition("/")[2].replace("\0", "/")
            lines = lines[1:]
        items += taken("\n".join(lines), comments, f"question {index}", losses)
    return Draft(title, tuple(items), losses)


def blocks(text: str) -> Iterator[tuple[list[str], str]]:
    """Questions: their lines and their comments; a blank line ends one."""
    lines: list[str] = []
    comments: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.strip().startswith("//"):
            comments.append(line)
        elif line.strip():
            lines.append(line.strip())
        elif lines:
            yield lines, "\n".join(comments)
            lines, comments = [], []


def taken(text: str, comments: str, where: str, losses: Losses) -> list[Item]:
    """The item of a question, if it makes one."""
    if not text:
        return []
    found = apart(_ESCAPE.sub(lambda m: _HELD[m[1]], text))
    named = _ID.search(comments)
    item = Item(named[1] if named else found.name or where, "text", found.rich(found.text), found.name)
    item = replace(item, solution=found.rich(found.general), tags=tuple(_TAG.findall(comments)))
    try:
        if "{" not in text or "}" not in text:
            raise SpecError("it has no answers in braces.")
        return [kind(found.answers)(found, item, losses)]
    except SpecError as error:
        losses.add(f"left out: {error}", item.id[:60])
        return []


def apart(text: str) -> Raw:
    """Name, text, answers and feedback."""
    name = ""
    if text.startswith("::"):
        head, mark, rest = text[2:].partition("::")
        name, text = (freed(head).strip(), rest.strip()) if mark else ("", text)
    form = _FORMAT.match(text)
    start, end = text.find("{"), text.find("}")
    if not 0 <= start < end:
        return Raw(name, text, "", "", "moodle")
    after = text[end + 1 :].strip()
    body = text[:start] + (f"_____ {after}" if after else "")
    inner, mark, general = text[start + 1 : end].rpartition("####")
    answers = inner if mark else general
    return Raw(name, body, answers.strip(), general if mark else "", form[1] if form else "moodle")


def kind(answers: str) -> Reader:
    """How the answers are read, by Moodle's own rules."""
    if not answers:
        raise SpecError("an essay cannot be marked.")
    if answers.startswith("#"):
        return read_number
    if "~" in answers:
        return read_choice
    if "=" in answers and "->" in answers:
        return read_match
    return read_truth if answers.partition("#")[0].strip() in ("T", "TRUE", "F", "FALSE") else read_text


def parts(answers: str, signs: str) -> list[tuple[str, str]]:
    """The answers after each sign, with the sign."""
    pieces = few(re.split(f"([{signs}])", answers))
    first = [("=", pieces[0].strip())] if pieces[0].strip() else []
    return first + [(sign, text.strip()) for sign, text in zip(pieces[1::2], pieces[2::2], strict=True)]


def weighed(text: str, share: float) -> tuple[str, float]:
    """An answer and the share that stands before it between percent signs."""
    found = _WEIGHT.match(text)
    return (text[found.end() :], of_percent(found[1])) if found else (text, share)


def read_choice(raw: Raw, item: Item, losses: Losses) -> Item:
    """One right option behind `=`, or several by weights."""
    options = []
    for sign, text in parts(raw.answers, "=~"):
        body, share = (text, 1.0) if sign == "=" else weighed(text, 0.0)
        words, _, feedback = body.partition("#")
        options.append(Option(raw.rich(words), share, raw.rich(feedback)))
    if not any(sign == "=" for sign, _ in parts(raw.answers, "=~")):
        return several(item, options, losses)
    return replace(item, kind="choice", options=tuple(replace(o, share=max(0.0, o.share)) for o in options))


def read_truth(raw: Raw, item: Item, losses: Losses) -> Item:
    """The answer, what is said to the wrong one, what to the right one."""
    word, wrong, right = (*raw.answers.split("#", 2), "", "")[:3]
    true = word.strip() in ("T", "TRUE")
    said_to = {true: raw.rich(right), not true: raw.rich(wrong)}
    options = (Option("true", float(true), said_to[True]), Option("false", float(not true), said_to[False]))
    return replace(item, kind="true-false", options=options)


def read_number(raw: Raw, item: Item, losses: Losses) -> Item:
    """Numbers with tolerances or ranges; what is said to all others is left out."""
    answers, other, _ = raw.answers[1:].partition("~")
    if other:
        losses.add("what is said to every other answer is left out", item.where)
    found = []
    for _, text in parts(answers, "="):
        body, share = weighed(text, 1.0)
        words, _, feedback = body.partition("#")
        if freed(words).strip() != "*":
            found.append(near(freed(words), max(0.0, share), raw.rich(feedback)))
    return replace(item, kind="number", numbers=right_first(found))


def near(text: str, share: float, feedback: str) -> Near:
    """`3.14:0.01`, `3.13..3.15` or `3`."""
    low, dots, high = text.partition("..")
    if dots:
        bounds = sorted((finite(low), finite(high)))
        return Near((bounds[0] + bounds[1]) / 2, (bounds[1] - bounds[0]) / 2, share, feedback)
    value, _, tolerance = text.partition(":")
    return Near(finite(value), abs(finite(tolerance or "0")), share, feedback)


def read_text(raw: Raw, item: Item, losses: Losses) -> Item:
    """Words with their shares."""
    found = []
    for _, text in parts(raw.answers, "="):
        body, share = weighed(text, 1.0)
        answer, _, feedback = body.partition("#")
        found.append(Option(freed(answer).strip(), share, raw.rich(feedback)))
    return replace(item, kind="text", options=words(found, item.id, losses))


def read_match(raw: Raw, item: Item, losses: Losses) -> Item:
    """Pairs; a right side without a left one fits nothing."""
    found = [text.partition("->") for _, text in parts(raw.answers, "=")]
    if not all(arrow for _, arrow, _ in found):
        raise SpecError("a pair has no ->.")
    sides = [(raw.rich(left), markup.settled(freed(right).strip())) for left, _, right in found]
    pairs, extra = tuple(p for p in sides if p[0]), tuple(right for left, right in sides if not left and right)
    return replace(item, kind="match", pairs=pairs, extra=extra)
