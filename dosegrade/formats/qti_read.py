"""Reads QTI 1.2, a zip or its XML alone, from Canvas, text2qti and others: what scores is the key, whatever the conditions look like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dosegrade.errors import SpecError
from dosegrade.formats import markup
from dosegrade.formats.draft import Draft
from dosegrade.formats.items import Item, Losses, Near, Option, few
from dosegrade.formats.moodle_read import finite, points
from dosegrade.formats.packages import xml_files
from dosegrade.formats.trees import Element, said, tree

NOT_READ = ("essay_question", "file_upload_question", "text_only_question", "calculated_question", "fill_in_multiple_blanks_question")
LOWER, UPPER = ("vargte", "vargt"), ("varlte", "varlt")


def read(data: bytes) -> Draft:
    """The questions of an archive, or of one file of it."""
    roots = [root for root in opened(data) if root.tag == "questestinterop"]
    if not roots:
        raise SpecError("found no <questestinterop>; expected QTI 1.2 (QTI 2 and 3 are not read).")
    losses = Losses()
    items = [item for root in roots for index, q in enumerate(root.iter("item"), 1) for item in taken(q, f"question {index}", losses)]
    titles = [found.get("title", "") for root in roots for found in root.iter("assessment")]
    return Draft(next(filter(None, titles), ""), tuple(items), losses)


def opened(data: bytes) -> Iterator[Element]:
    """The roots of the XML files."""
    if not data.startswith(b"PK"):
        yield tree(data)
        return
    for name, content in sorted(xml_files(data).items()):
        try:
            yield tree(content)
        except SpecError as error:
            raise SpecError(f"{name[:80]}: {error}") from error


@dataclass(frozen=True)
class Scored:
    """A condition: what it asks for by response, its bounds, the score and the feedback that follow."""

    equal: tuple[tuple[str, str], ...]
    low: str
    high: str
    score: float
    shown: str


def scored(processing: Element | None) -> list[Scored]:
    """The conditions of an item."""
    return [] if processing is None else [one_scored(found) for found in few(processing.findall("respcondition"), "conditions", 1000)]


def one_scored(found: Element) -> Scored:
    """One condition; what stands in a <not> is not asked for."""
    denied = {id(inner) for outer in found.iter("not") for inner in outer.iter()}
    asked = [(e.tag, e.get("respident", ""), (e.text or "").strip()) for e in found.iter() if id(e) not in denied]
    bounds = {tag: text for tag, _, text in asked if tag in (*LOWER, *UPPER)}
    score = found.find("setvar")
    shown = found.find("displayfeedback")
    return Scored(
        tuple((response, text) for tag, response, text in asked if tag == "varequal"),
        next((bounds[tag] for tag in LOWER if tag in bounds), ""),
        next((bounds[tag] for tag in UPPER if tag in bounds), ""),
        0.0 if score is None or score.get("action") == "Subtract" else worth((score.text or "").strip()),
        "" if shown is None else shown.get("linkrefid", ""),
    )


def worth(text: str) -> float:
    """A score; 0 where it is none."""
    try:
        return finite(text)
    except SpecError:
        return 0.0


def taken(item: Element, where: str, losses: Losses) -> Iterator[Item]:
    """The item of a question, if it makes one."""
    name = item.get("ident") or where
    kind = entry(item, "question_type")
    title = " ".join((item.get("title") or "").split())
    try:
        if kind in NOT_READ:
            raise SpecError(f"the question type {kind} is not read.")
        yield made(item, Item(name, "text", "", title, points(entry(item, "points_possible") or "1")), losses)
    except SpecError as error:
        losses.add(f"left out: {error}", (title or name)[:60])


def entry(item: Element, label: str) -> str:
    """A field of an item's metadata."""
    found = (f for f in item.iterfind("itemmetadata/qtimetadata/qtimetadatafield") if said(f, "fieldlabel") == label)
    return next((said(f, "fieldentry") for f in found), "")


def made(item: Element, base: Item, losses: Losses) -> Item:
    """An item with its text, feedback and answers."""
    presentation = item.find("presentation")
    if presentation is None:
        raise SpecError("it has no <presentation>.")
    asked = few([e for e in presentation.iter() if e.tag in ("response_lid", "response_str", "response_num")])
    inside = {id(e) for response in asked for e in response.iter()}
    text = "\n\n".join(texts(presentation, base.id, losses, inside))
    feedback = {f.get("ident", ""): "\n\n".join(texts(f, base.id, losses)) for f in item.findall("itemfeedback")}
    found = replace(base, text=text, solution=feedback.get("general_fb", ""))
    return answered(asked, found, scored(item.find("resprocessing")), feedback, losses)


def texts(parent: Element, name: str, losses: Losses, without: set[int] | None = None) -> list[str]:
    """The texts in an element, as Markdown."""
    found = []
    for each in parent.iter():
        if each.tag in ("mattext", "matemtext") and id(each) not in (without or ()):
            found.append(words(each, name, losses))
        if each.tag == "matimage":
            losses.add("images are left out", name)
    return [text for text in found if text]


def words(each: Element, name: str, losses: Losses) -> str:
    """One text, HTML or plain."""
    raw = "".join(each.itertext())
    if each.get("texttype", "text/plain") == "text/plain":
        return markup.settled(" ".join(raw.split()))
    found = markup.Read(raw)
    if found.images:
        losses.add("images are left out", name)
    return found.text


def answered(asked: list[Element], item: Item, conditions: list[Scored], feedback: dict[str, str], losses: Losses) -> Item:
    """The item by what is asked for."""
    if not asked:
        raise SpecError("nothing is asked that can be marked.")
    if len(asked) > 1:
        return match(asked, item, conditions, losses)
    if asked[0].find(".//render_choice") is None:
        return typed(asked[0], item, conditions)
    said_to = {text: feedback.get(c.shown, "") for c in conditions if len(c.equal) == 1 and c.shown != "general_fb" for _, text in c.equal}
    labels = labelled(asked[0], item, losses)
    scores = {ident: score_of(ident, conditions) for ident in labels}
    return chosen(asked[0], item, [(labels[i], scores[i], said_to.get(i, "")) for i in labels])


def labelled(response: Element, item: Item, losses: Losses) -> dict[str, str]:
    """The options of a response by name."""
    return {label.get("ident", ""): " ".join(texts(label, item.id, losses)) for label in few(list(response.iter("response_label")))}


def score_of(ident: str, conditions: list[Scored]) -> float:
    """The most that an option is part of earning."""
    return max((c.score for c in conditions if any(text == ident for _, text in c.equal)), default=0.0)


def chosen(response: Element, item: Item, found: list[tuple[str, float, str]]) -> Item:
    """One or several of some options."""
    best = max((score for _, score, _ in found), default=0.0)
    if best <= 0:
        raise SpecError("no option scores.")
    if response.get("rcardinality") == "Multiple":
        return replace(item, kind="choices", options=tuple(Option(text, float(score > 0), said) for text, score, said in found))
    options = tuple(Option(text, max(0.0, score / best), said) for text, score, said in found)
    names = [option.text.lower() for option in options]
    if sorted(names) == ["false", "true"] and len(item_right(options)) == 1:
        order = sorted(options, key=lambda o: o.text.lower() != "true")
        return replace(item, kind="true-false", options=tuple(replace(o, text=o.text.lower()) for o in order))
    return replace(item, kind="choice", options=options)


def item_right(options: tuple[Option, ...]) -> list[Option]:
    """The options with full marks."""
    return [option for option in options if option.share == 1]


def typed(response: Element, item: Item, conditions: list[Scored]) -> Item:
    """A number, where its bounds or its place say so, or words."""
    right = [c for c in conditions if c.score > 0]
    if not right:
        raise SpecError("no answer scores.")
    place = response.find(".//render_fib")
    decimal = place is not None and place.get("fibtype", "String") != "String"
    if decimal or response.tag == "response_num" or any(c.low or c.high for c in right):
        return replace(item, kind="number", numbers=(near(right),))
    accepted = dict.fromkeys(text for c in right for _, text in c.equal if text)
    return replace(item, kind="text", options=tuple(Option(text, 1.0) for text in accepted))


def near(right: list[Scored]) -> Near:
    """The right number; SpecError where it has no bounds or several do."""
    best = [c for c in right if c.score == max(r.score for r in right)]
    if len(best) != 1:
        raise SpecError(f"{len(best)} numbers earn all points, expected exactly one.")
    only = best[0]
    exact = only.equal[0][1] if only.equal else ""
    if not (only.low and only.high):
        return Near(finite(exact), 0.0)
    low, high = finite(only.low), finite(only.high)
    value = finite(exact) if exact else (low + high) / 2
    return Near(value, max(value - low, high - value, 0.0))


def match(asked: list[Element], item: Item, conditions: list[Scored], losses: Losses) -> Item:
    """Pairs: each response is a left side, its right one is what scores."""
    pairs: list[tuple[str, str]] = []
    every: list[str] = []
    for response in asked:
        labels = labelled(response, item, losses)
        inside = {id(e) for label in response.iter("response_label") for e in label.iter()}
        left = " ".join(texts(response, item.id, losses, inside))
        ident = response.get("ident", "")
        right = [labels[t] for c in conditions if c.score > 0 for r, t in c.equal if r == ident and t in labels]
        if len(right) != 1:
            raise SpecError("a left side has not exactly one right side that scores.")
        pairs.append((left, right[0]))
        every += labels.values()
    used = {right for _, right in pairs}
    return replace(item, kind="match", pairs=tuple(pairs), extra=tuple(s for s in dict.fromkeys(every) if s not in used))
