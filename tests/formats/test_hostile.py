"""Files of unknown origin: refused with a sentence or read, never a traceback, never long, nothing fetched or unpacked to disk."""

import contextlib
import io
import stat
import time
import zipfile
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import loaded

from dosegrade.errors import SpecError
from dosegrade.formats import export, import_bytes
from dosegrade.quiz.question import load

fuzz = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
READ = ("moodle", "gift", "qti")
NOTE = "<quiz><question type='truefalse'><name><text>{}</text></name></question></quiz>"
PATIENCE = 5.0


@cache
def written(form: str) -> bytes:
    """Quiz 9 in a format."""
    return export(load("quiz-09"), form).data


@cache
def assessment() -> bytes:
    """The XML inside the archive."""
    with zipfile.ZipFile(io.BytesIO(written("qti"))) as archive:
        return archive.read(max(archive.namelist(), key=len))


def taken(data: bytes) -> bool:
    """Whether bytes are a quiz that loads, in time; otherwise they are refused with one sentence."""
    start = time.process_time()
    text = ""
    with contextlib.suppress(SpecError):
        text = import_bytes(data).text
    assert time.process_time() - start < PATIENCE
    return bool(text and loaded(text).questions)


def refusal(data: bytes) -> str:
    """The sentence with which bytes are refused."""
    start = time.process_time()
    with pytest.raises(SpecError) as caught:
        import_bytes(data)
    assert time.process_time() - start < PATIENCE
    return str(caught.value)


@fuzz
@given(st.binary(max_size=400), st.sampled_from([b"", b"<quiz>", b"PK\x03\x04", b"<questestinterop>", b"::a::b{", b"\xff\xfe<"]))
def test_arbitrary_bytes(data: bytes, start: bytes) -> None:
    taken(start + data)


@fuzz
@given(st.text("{}=~#:%\\->.TRUE ab19\n/[]$", max_size=200))
def test_arbitrary_gift(text: str) -> None:
    taken(text.encode())


MARKUP = [
    "<",
    ">",
    "</",
    "<p>",
    "<!--",
    "-->",
    "<![CDATA[",
    "&lt;",
    "&#36;",
    "\\(",
    "\\)",
    "$$",
    "$",
    "`",
    "**",
    "_",
    "\\",
    "a",
    " ",
    "\n",
    "{x}",
    "img",
]


@fuzz
@given(st.lists(st.sampled_from(MARKUP), max_size=60).map("".join))
def test_arbitrary_markup_inside(text: str) -> None:
    inner = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    answers = "".join(f"<answer fraction='{f}'><text>{w}</text></answer>" for f, w in ((100, "true"), (0, "false")))
    name = "<name><text>n</text></name>"
    assert taken(
        f"<quiz><question type='truefalse'>{name}<questiontext><text>{inner}</text></questiontext>{answers}</question></quiz>".encode()
    )


@st.composite
def mutated(draw: st.DrawFn, source: Callable[[], bytes]) -> bytes:
    """A valid file with some pieces cut, doubled, exchanged or replaced."""
    data = source()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 300)))
        piece = draw(st.sampled_from([b"", data[start:stop] * 2, b"100", b"-1e999", b"<", b"}", b"{", b"\0", b"=", "é{x}".encode()]))
        data = data[:start] + piece + data[stop:]
    return data


@pytest.mark.parametrize("source", [lambda: written("moodle"), lambda: written("gift"), lambda: written("qti"), assessment])
@fuzz
@given(data=st.data())
def test_damaged_files(source: Callable[[], bytes], data: st.DataObject) -> None:
    taken(data.draw(mutated(source)))


@pytest.mark.parametrize("form", READ)
def test_cut_files(form: str) -> None:
    for end in range(0, len(written(form)), max(1, len(written(form)) // 20)):
        taken(written(form)[:end])


ENTITIES = {
    "external": '<!DOCTYPE quiz [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + NOTE.format("&x;"),
    "parameter": '<!DOCTYPE quiz [<!ENTITY % x SYSTEM "http://localhost:1/x.dtd"> %x;]>' + NOTE.format("a"),
    "laughs": "<!DOCTYPE quiz [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{k + 1} '{f'&a{k};' * 10}'>" for k in range(9))
    + "]>"
    + NOTE.format("&a9;"),
    "quadratic": f"<!DOCTYPE quiz [<!ENTITY a '{'a' * 50000}'>]>" + NOTE.format("&a;" * 50000),
    "undefined": NOTE.format("&nothing;"),
}


@pytest.mark.parametrize("case", ENTITIES)
def test_entities_are_refused(case: str) -> None:
    assert "entities" in refusal(ENTITIES[case].encode()) or case == "undefined"


def test_a_document_type_alone_is_no_harm_and_nothing_is_fetched() -> None:
    start = b'<?xml version="1.0"?>\n<!DOCTYPE questestinterop SYSTEM "http://localhost:1/ims_qtiasiv1p2p1.dtd">\n'
    assert taken(start + assessment().partition(b"?>")[2])


@pytest.mark.parametrize(
    "data",
    [
        b"<quiz>" + b"<a>" * 100_000,
        b"<quiz>" + b"<a/>" * 300_000 + b"</quiz>",
        b"<quiz>" + b" " * (21 << 20) + b"</quiz>",
        b"::a::b{=c}\n\n" * 2000,
        b"::a::" + b"{" * 500_000,
        b"x" * (5 << 20),
        b"a {" + b"=x" * 100_000 + b"}",
        b"<quiz>" + b"<question type='essay'><name><text>e</text></name></question>" * 3000 + b"</quiz>",
    ],
    ids=["deep", "wide", "large", "many", "braces", "text", "options", "unread"],
)
def test_too_much_is_refused(data: bytes) -> None:
    assert refusal(data)


@pytest.mark.parametrize(
    "text", ["\\(" * 30_000, "<" * 90_000, "<!--" * 20_000, "$" * 45_000, "`" * 45_000, "<p " * 30_000, "*a" * 30_000, "_a " * 24_000]
)
def test_no_text_takes_long(text: str) -> None:
    source = text.replace("&", "&amp;").replace("<", "&lt;")
    answers = "<answer fraction='100'><text>true</text></answer><answer fraction='0'><text>false</text></answer>"
    whole = f"<quiz><question type='truefalse'><questiontext><text>{source}</text></questiontext>{answers}</question></quiz>"
    start = time.process_time()
    quiz = loaded(import_bytes(whole.encode()).text)
    for form in ("moodle", "html", "text2qti"):
        export(quiz, form)
    assert time.process_time() - start < PATIENCE


def archive(entries: list[tuple[zipfile.ZipInfo | str, bytes]]) -> bytes:
    """An archive's bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in entries:
            made.writestr(name, data)
    return stream.getvalue()


def link() -> zipfile.ZipInfo:
    """An entry that is a link."""
    info = zipfile.ZipInfo("quiz.xml")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


BAD = {
    "up": [("../quiz.xml", b"<a/>")],
    "root": [("/etc/quiz.xml", b"<a/>")],
    "drive": [("C:quiz.xml", b"<a/>")],
    "link": [(link(), b"/etc/passwd")],
    "nested": [("inner.zip", b"PK")],
    "bomb": [("quiz.xml", b"<a>" + b" " * (60 << 20))],
    "file": [("quiz.xml", b"<a>" + b" " * (21 << 20))],
    "many": [(f"{k}.xml", b"") for k in range(1100)],
    "none": [("readme.txt", b"hello")],
    "other": [("imsmanifest.xml", b"<manifest/>")],
    "entities": [("quiz.xml", ENTITIES["laughs"].encode())],
}


@pytest.mark.parametrize("case", BAD)
def test_bad_archives_are_refused(case: str) -> None:
    refusal(archive(BAD[case]))
