"""Submissions: every form a student's work comes in is read, every damaged one is `unreadable` with a sentence, and nothing is written."""

import io
import json
import os
import socket
import stat
import struct
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dosegrade.checking import check_submission
from dosegrade.errors import SubmissionError
from dosegrade.quiz.question import Quiz
from dosegrade.quiz.question import load as load_quiz
from dosegrade.sandbox import Sandbox, open_sandbox
from dosegrade.submissions import Submission, load
from dosegrade.submissions import files as limits
from dosegrade.submissions.notebook import without_magics

CLASS = Path(__file__).parent / "submissions" / "class"
WANTED = ("forward", "gradients", "update")
TEXTBOOK = (CLASS / "textbook.py").read_bytes()

quick = settings(max_examples=40, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with open_sandbox() as opened:
        yield opened


@pytest.fixture(scope="module")
def quiz() -> Quiz:
    return load_quiz("dose-response")


def zipped(entries: dict[str, bytes] | list[tuple[zipfile.ZipInfo | str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive's bytes."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")  # names that stand twice
        for name, data in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(name, data)
    return buffer.getvalue()


def entry(name: str, mode: int = 0o644 | stat.S_IFREG) -> zipfile.ZipInfo:
    """An entry with a mode of its own."""
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def handed_in(folder: Path, name: str, data: bytes) -> Submission:
    """A file as it is loaded; nothing may appear beside it."""
    place = folder / name
    place.write_bytes(data)
    submission = load(place, WANTED)
    assert [path.name for path in folder.iterdir()] == [name]
    return submission


def refused(submission: Submission) -> str:
    """The sentence of one that cannot be read."""
    assert submission.program is None
    assert submission.problem is not None
    assert submission.problem.kind == "unreadable"
    assert submission.problem.message.endswith(".")
    return submission.problem.message


# What is taken ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "score"),
    [("textbook.py", 10), ("latin1.py", 10), ("windows.py", 10), ("magics.ipynb", 10), ("split", 9), ("exits.py", 0), ("syntax.py", 0)],
)
def test_real_files_get_their_marks(quiz: Quiz, sandbox: Sandbox, name: str, score: float) -> None:
    report = check_submission(quiz, load(CLASS / name, WANTED), 0, sandbox)
    assert report.score == score, str(report)
    assert report.submission == name.split(".")[0]


def test_a_folder_and_its_archive_are_graded_alike(quiz: Quiz, sandbox: Sandbox, tmp_path: Path) -> None:
    inside = {f"hw/{path.name}": path.read_bytes() for path in (CLASS / "split").iterdir()}
    noise = {"__MACOSX/hw/._forward_pass.py": b"\0", "hw/.DS_Store": b"\0", "hw/notes.txt": b"x", "hw/__pycache__/helpers.pyc": b""}
    submission = handed_in(tmp_path, "split.zip", zipped(inside | noise))
    reports = [check_submission(quiz, each, 0, sandbox) for each in (submission, load(CLASS / "split", WANTED))]
    assert reports[0] == reports[1]


@pytest.mark.parametrize(
    ("files", "main", "elsewhere"),
    [
        ({"a.py": b"def forward(): 1", "solution.py": b"x = 1"}, "a.py", {}),
        ({"a.py": b"def forward(): 1\ndef update(): 1", "solution.py": b"def update(): 1"}, "solution.py", {"forward": "a.py"}),
        ({"a.py": b"def forward(): 1", "b.py": b"def forward(): 1\ndef update(): 1"}, "b.py", {}),
        ({"model.py": b"class M:\n    def forward(self): 1", "b.py": b"update = lambda p: p"}, "b.py", {}),
        ({"z.py": b"x", "sub/solution.py": b"y", "a.ipynb": b'{"nbformat":4,"nbformat_minor":5,"cells":[]}'}, "solution.py", {}),
        ({"old.py": b"x = '''\rdef forward(): 1", "b.py": b"\xef\xbb\xbfasync def update(): 1"}, "b.py", {"forward": "old.py"}),
        ({"a.py": b"def f(): 1\ndef update(): 1", "solution.py": b"from a import f as forward"}, "a.py", {"forward": "solution.py"}),
        ({"a.py": b"forward == 1\ndef forwards(): 1", "b.py": b"forward: object = print"}, "b.py", {}),
    ],
)
def test_the_file_that_defines_a_function_is_taken(tmp_path: Path, files: dict[str, bytes], main: str, elsewhere: dict[str, str]) -> None:
    submission = handed_in(tmp_path, "x.zip", zipped({f"top/{name}": data for name, data in files.items()}))
    assert submission.program is not None
    assert submission.program.name == main
    assert {function: program.name for function, program in submission.elsewhere.items()} == elsewhere


def noted(data: bytes, **top: object) -> bytes:
    """A notebook of one cell."""
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": data.decode()}
    return json.dumps({"cells": [cell], "metadata": {}} | top).encode()


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n "])
def test_a_notebook_called_py_is_a_notebook(tmp_path: Path, start: bytes) -> None:
    data = start + noted(TEXTBOOK, nbformat=4, nbformat_minor=5)
    program = handed_in(tmp_path, "x.py", data).program
    assert program is not None
    assert program.tolerant
    assert [cell.source for cell in program.cells] == [TEXTBOOK]
    assert "damaged at line" in refused(handed_in(tmp_path, "x.py", data[:-20]))
    plain = handed_in(tmp_path, "x.py", b'{"cells": print}')
    assert plain.program is not None
    assert not plain.program.tolerant


def test_a_notebook_without_its_version_is_read(tmp_path: Path) -> None:
    submission = handed_in(tmp_path, "x.ipynb", noted(TEXTBOOK))
    assert submission.program is not None
    assert len(submission.program.cells) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"def f(): pass", "plain Python belongs in a .py file"),
        (b'{"cells": [', "damaged at line 1"),
        (b"[]", "no list of cells"),
        (noted(b"x = 1").decode().encode("utf-16"), "not saved as UTF-8"),
    ],
)
def test_what_is_wrong_with_a_notebook_is_said(tmp_path: Path, data: bytes, words: str) -> None:
    assert words in refused(handed_in(tmp_path, "x.ipynb", data))


def test_an_archive_alone_in_a_folder_is_the_submission(tmp_path: Path) -> None:
    """As learning platforms hand on what was uploaded; with anything else beside it, it is left alone."""
    inner = tmp_path / "Ada_1_file_"
    inner.mkdir()
    (inner / "hw.zip").write_bytes(zipped({"hw/solution.py": TEXTBOOK}))
    alone = load(inner, WANTED)
    assert alone.name == "Ada_1_file_"
    assert alone.program is not None
    assert alone.program.cells[0].source == TEXTBOOK
    (inner / "other.zip").write_bytes(b"")
    assert "Nothing in it can be graded" in refused(load(inner, WANTED))
    (inner / "other.zip").unlink()
    (inner / "solution.py").write_bytes(b"x = 1")
    beside = load(inner, WANTED)
    assert beside.program is not None
    assert beside.program.cells[0].source == b"x = 1"


def test_a_note_says_which_of_two_files_counts(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_bytes(TEXTBOOK)
    assert load(tmp_path, WANTED).notes == ("'a.py' was graded; what 'b.py' defines by the same name was not.",)
    (tmp_path / "b.py").write_bytes(b"def helper(): pass")
    assert load(tmp_path, WANTED).notes == ()


def test_siblings_are_named_as_they_are_imported(tmp_path: Path) -> None:
    inside = {
        "code/solution.py": b"def update(): 1",
        "code/helpers.py": b"",
        "code/nets/__init__.py": b"",
        "code/my notes.py": b"",
        "b.py": b"",
    }
    program = handed_in(tmp_path, "x.zip", zipped(inside)).program
    assert program is not None
    assert set(program.siblings) == {"helpers.py", "nets/__init__.py", "b.py"}


def test_code_and_answers_both_count(tmp_path: Path) -> None:
    both = {"solution.py": TEXTBOOK, "answers.toml": (CLASS / "answers.toml").read_bytes(), "sub/answers.json": b"{}"}
    submission = handed_in(tmp_path, "x.zip", zipped(both))
    assert submission.program is not None
    assert submission.answers == {"q1": "B", "q2": False, "returns": [1.0, 0.9]}


def test_a_damaged_file_does_not_hide_the_others(tmp_path: Path) -> None:
    inside = {
        "solution.py": TEXTBOOK,
        "draft.ipynb": b"{",
        "data.py": b"#" * (limits.MAX_SOURCE + 1),
        "answers.toml": b"[answers]\nq = 1\nq = 2",
    }
    submission = handed_in(tmp_path, "x.zip", zipped(inside))
    assert submission.program is not None
    assert submission.problem is None
    assert len(submission.notes) == 2
    assert submission.answers is None
    assert submission.answers_problem is not None
    assert submission.answers_problem.kind == "unreadable"


def test_answers_alone_have_no_code(tmp_path: Path) -> None:
    for name, data in (
        ("a.json", b'{"answers": {"q": [1, null, "x"]}}'),
        ("b.zip", zipped({"answers.json": b'{"answers": {"q": [1, null, "x"]}}'})),
    ):
        place = tmp_path / name
        place.write_bytes(data)
        submission = load(place)
        assert submission.answers == {"q": [1, None, "x"]}
        assert submission.problem is not None
        assert submission.problem.kind == "missing-function"


def test_values_are_made_plain(tmp_path: Path) -> None:
    table = b"[answers]\na = 2024-01-01\nb = 0x" + b"f" * 20_000 + b"\nc = nan\nd = { e = [1, 2] }\nf = 18446744073709551616"
    answers = handed_in(tmp_path, "x.toml", table).answers
    assert answers is not None
    assert answers["a"] == "2024-01-01"
    assert answers["b"] == float("inf")
    assert answers["c"] != answers["c"]
    assert answers["d"] == {"e": [1, 2]}
    assert answers["f"] == 2.0**64


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    first = handed_in(tmp_path, "x.py", b"a = 1").digest()
    assert handed_in(tmp_path, "x.py", b"a = 1").digest() == first
    assert handed_in(tmp_path, "x.py", b"a = 2").digest() != first


# What is not there, or is no submission -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gone.py", "", "x.docx", "pipe.txt", "\0"])
def test_nothing_to_grade(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.docx").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(SubmissionError, match=r"(Found|There is no) .*; expected a folder or a file that ends in"):
        load(f"{tmp_path}/{name}" if name else "")


# What cannot be read ------------------------------------------------------------------------------------------------------


def notebook(**changes: object) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []} | changes).encode()


DAMAGED: dict[str, tuple[str, bytes]] = {
    "large source": ("x.py", b"#" * (limits.MAX_SOURCE + 1)),
    "large notebook": ("x.ipynb", b" " * (limits.MAX_NOTEBOOK + 1)),
    "empty notebook": ("x.ipynb", b""),
    "cut notebook": ("x.ipynb", notebook()[:-5]),
    "deep notebook": ("x.ipynb", b"[" * 100_000),
    "deep notebook of objects": ("x.ipynb", b'{"cells":' * 50_000),
    "no cells": ("x.ipynb", b'{"nbformat": 4}'),
    "cells no list": ("x.ipynb", notebook(cells=3)),
    "a list": ("x.ipynb", b"[]"),
    "version 99": ("x.ipynb", notebook(nbformat=99)),
    "version -1": ("x.ipynb", notebook(nbformat=-1)),
    "version text": ("x.ipynb", notebook(nbformat="x")),
    "not UTF-8": ("x.ipynb", b"\xff\xfe{}"),
    "huge number": ("x.ipynb", b'{"nbformat": ' + b"9" * 10_000_000 + b"}"),
    "no table": ("x.toml", b"q1 = 1"),
    "table of answers is a number": ("x.toml", b"answers = 3"),
    "key twice": ("x.toml", b'[answers]\nq1 = "A"\nq1 = "B"'),
    "key twice in JSON": ("x.json", b'{"answers": {"q1": "A", "q1": "B"}}'),
    "table twice in JSON": ("x.json", b'{"answers": {}, "answers": {"q1": "B"}}'),
    "JSON list": ("x.json", b"[1]"),
    "not TOML": ("x.toml", b"\0\0"),
    "not UTF-8 TOML": ("x.toml", b'[answers]\nq1 = "\xff"'),
    "deep TOML": ("x.toml", b"[answers]\nq = " + b"[" * 100_000),
    "deep within the reader's reach": ("x.toml", b"[answers]\nq = " + b"[" * 40 + b"]" * 40),
    "deep JSON": ("x.json", b'{"answers": ' + b"[" * 100_000),
    "long dotted key": ("x.toml", b"[answers]\n" + b".".join([b"a"] * 100_000) + b" = 1"),
    "long dotted key of digits": ("x.toml", b"[answers]\n" + b".".join([b"1"] * 100_000) + b" = 1"),
    "long dotted key of quotes": ("x.toml", b"[answers]\n" + b" . ".join([b'"0"'] * 30_000) + b" = 1"),
    "long dotted table": ("x.toml", b"[answers." + b".".join([b"a1b2"] * 50_000) + b"]\n" * 9),
    "huge JSON number": ("x.json", b'{"answers": {"q": ' + b"9" * 200_000 + b"}}"),
    "10 MB number": ("x.json", b'{"answers": {"q": ' + b"9" * 10_000_000 + b"}}"),
    "empty archive": ("x.zip", b""),
    "archive of nothing": ("x.zip", zipped({})),
    "no code in it": ("x.zip", zipped({"readme.md": b"x"})),
    "truncated": ("x.zip", zipped({"solution.py": TEXTBOOK})[:-30]),
    "only the end": ("x.zip", zipped({"solution.py": TEXTBOOK})[-22:]),
    "out of the archive": ("x.zip", zipped({"../solution.py": TEXTBOOK})),
    "out of it later": ("x.zip", zipped({"a/../../solution.py": TEXTBOOK})),
    "absolute": ("x.zip", zipped({"/etc/solution.py": TEXTBOOK})),
    "drive": ("x.zip", zipped({"C:/solution.py": TEXTBOOK})),
    "backslash": ("x.zip", zipped({"hw\\solution.py": TEXTBOOK})),
    "twice": ("x.zip", zipped([("solution.py", TEXTBOOK), ("solution.py", b"")])),
    "twice by a dot": ("x.zip", zipped([("solution.py", TEXTBOOK), ("./solution.py", b"")])),
    "NUL": ("x.zip", zipped({"solutionX.py": TEXTBOOK}).replace(b"solutionX.py", b"solution\0.py")),
    "link": ("x.zip", zipped([(entry("solution.py", 0o777 | stat.S_IFLNK), b"/etc/passwd")])),
    "device": ("x.zip", zipped([(entry("solution.py", 0o666 | stat.S_IFCHR), b"")])),
    "pipe": ("x.zip", zipped([(entry("solution.py", 0o666 | stat.S_IFIFO), b"")])),
    "nested": ("x.zip", zipped({"solution.py": TEXTBOOK, "more.zip": zipped({"a.py": b""})})),
    "entries": ("x.zip", zipped({f"{i}.txt": b"" for i in range(1001)})),
    "folders": ("x.zip", zipped({"a/" * 40 + "solution.py": TEXTBOOK})),
    "bomb": ("x.zip", zipped({f"{i}.txt": bytes(10 << 20) for i in range(6)})),
    "bomb in the source": ("x.zip", zipped({"solution.py": bytes(1 << 20)})),
    "unusual method": ("x.zip", zipped({"solution.py": TEXTBOOK}, zipfile.ZIP_LZMA)),
}


def patched(field: int, size: str, value: int) -> bytes:
    """An archive whose table of contents says something else at a place of its entry."""
    data = bytearray(zipped({"solution.py": TEXTBOOK}))
    struct.pack_into(size, data, data.rindex(b"PK\x01\x02") + field, value)
    return bytes(data)


DAMAGED |= {
    "encrypted": ("x.zip", patched(8, "<H", 1)),
    "strongly encrypted": ("x.zip", patched(8, "<H", 0x41)),
    "wrong checksum": ("x.zip", patched(16, "<I", 1)),
    "declared huge": ("x.zip", patched(24, "<I", 0xFFFFFFF0)),
    "declared small": ("x.zip", patched(24, "<I", 10)),
    "elsewhere": ("x.zip", patched(42, "<I", 0x7FFFFFFF)),
    "method 99": ("x.zip", patched(10, "<H", 99)),
    "version": ("x.zip", patched(6, "<H", 99)),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files_are_unreadable(tmp_path: Path, case: str) -> None:
    began = time.monotonic()
    message = refused(handed_in(tmp_path, *DAMAGED[case]))
    assert time.monotonic() - began < 2
    assert str(tmp_path) not in message
    assert len(message) < 400
    assert message.isprintable()


def test_bombs_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("was unpacked"))
    for case in ("bomb", "declared huge", "entries"):
        refused(load_as(tmp_path, *DAMAGED[case]))


def load_as(folder: Path, name: str, data: bytes) -> Submission:
    (folder / name).write_bytes(data)
    return load(folder / name)


def as_link(place: Path) -> None:
    place.symlink_to(CLASS / "textbook.py")


def as_link_to_folder(place: Path) -> None:
    place.symlink_to(CLASS / "split")


def as_dead_link(place: Path) -> None:
    place.symlink_to(place.parent / "nowhere")


def as_pipe(place: Path) -> None:
    os.mkfifo(place)


def as_socket(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(place))


@pytest.mark.parametrize("make", [as_link, as_link_to_folder, as_dead_link, as_pipe, as_socket])
def test_links_and_devices_are_not_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "x.py")
    refused(load(tmp_path / "x.py"))
    folder = tmp_path / "student"
    folder.mkdir()
    make(folder / "solution.py")
    refused(load(folder))
    (folder / "mine.py").write_bytes(TEXTBOOK)
    submission = load(folder, WANTED)
    assert submission.program is not None
    assert submission.program.name == "mine.py"
    assert "solution.py" not in submission.program.siblings
    assert len(submission.notes) == 1


def test_a_linked_folder_inside_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "solution.py").write_bytes(TEXTBOOK)
    (tmp_path / "lib").symlink_to(CLASS)
    submission = load(tmp_path)
    assert submission.program is not None
    assert not submission.program.siblings
    assert submission.notes == ("'lib' is a link and was left out.",)


def test_folders_are_bounded(tmp_path: Path) -> None:
    for i in range(1001):
        (tmp_path / f"{i}.txt").touch()
    assert "more than 1000 entries" in refused(load(tmp_path))
    deep = tmp_path / "deep" / Path(*"a" * 40)
    deep.mkdir(parents=True)
    assert "32 deep" in refused(load(tmp_path / "deep"))


# Magics -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("if a:\n    !ls", "if a:\n    pass"),
        ("!pip install a \\\n  b \\\n  c\nx = 1", "pass\n\n\nx = 1"),
        ("!echo ((( '''\n%time f()", "pass\npass"),
        ("files = !ls\nt = %timeit f()", "pass\npass"),
        ("pip install numpy\nf?\n?f\nf.g??", "pass\npass\npass\npass"),
        ("x = (a\n% b)", "x = (a\n% b)"),
        ("x = a \\\n% b", "x = a \\\n% b"),
        ("s = '''\n%time\n!ls\n'''\n%time", "s = '''\n%time\n!ls\n'''\npass"),
        ("s = '\\'\n%x", "s = '\\'\npass"),
        ("# it's (\n%x", "# it's (\npass"),
        ("s = 'a#(' # (\n%x", "s = 'a#(' # (\npass"),
        ("x = a[1] % b\ny != z\nn %= 2", "x = a[1] % b\ny != z\nn %= 2"),
        ("pip = 1\npip - 1", "pip = 1\npip - 1"),
        ("%%time\nx = 1", "\nx = 1"),
        ("\n%%capture out\nx = 1\r\ny", "\n\nx = 1\ny"),
    ],
)
def test_magics_and_shell_lines_are_dropped(source: str, plain: str) -> None:
    assert without_magics(source) == plain


@pytest.mark.parametrize("first", ["%%bash", "%%html", "%%writefile a.py", "%%", "%%javascript"])
def test_cells_in_other_languages_go(first: str) -> None:
    assert without_magics(f"{first}\nx = 1") is None


def test_long_lines_cost_little() -> None:
    began = time.monotonic()
    for text in (
        "(" * 500_000,
        "\\" * 500_000,
        " " * 500_000 + "x",
        "a" * 500_000,
        "a[" * 250_000,
        '"' * 500_001,
        "\n" * 500_000,
    ):
        without_magics(text)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("filling", [b"{}", b'"ab"'])
@pytest.mark.parametrize("place", [b"metadata", b"worksheets", b"cells"])
def test_large_notebooks_take_bounded_time(tmp_path: Path, filling: bytes, place: bytes) -> None:
    began = time.monotonic()
    for count in (4_000, 140_000, 400_000):
        many = b",".join([filling] * count)
        never_raises(tmp_path, "x.ipynb", b'{"nbformat":4,"nbformat_minor":5,"' + place + b'":[' + many + b"]}")
    assert time.monotonic() - began < 20


def test_what_a_notebook_shows_is_not_kept(tmp_path: Path) -> None:
    shows = {
        "cell_type": "code",
        "source": "x = 1",
        "outputs": [{"data": {"image/png": "A" * 5_000_000}}],
        "metadata": {"a": [[]] * 100_000},
    }
    program = handed_in(
        tmp_path, "x.ipynb", notebook(cells=[shows, {"cell_type": "code", "source": ["y = ", "2"]}, {"cell_type": "code"}])
    ).program
    assert program is not None
    assert [cell.source for cell in program.cells] == [b"x = 1", b"y = 2"]


# Any bytes at all -----------------------------------------------------------------------------------------------------------


def never_raises(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    submission = load(folder / name, WANTED)
    assert submission.program is not None or submission.problem is not None
    json.dumps([submission.problem and submission.problem.message, submission.notes, submission.answers], ensure_ascii=False).encode()
    submission.digest()


@quick
@given(data=st.binary(max_size=300), name=st.sampled_from(["x.py", "x.ipynb", "x.zip", "x.toml", "x.json"]))
def test_any_bytes(tmp_path: Path, name: str, data: bytes) -> None:
    never_raises(tmp_path, name, data)


@quick
@given(data=st.data())
def test_archives_with_any_bytes_changed(tmp_path: Path, data: st.DataObject) -> None:
    good = bytearray(zipped({"hw/solution.py": b"def update(): 1", "hw/answers.toml": b"[answers]\nq = 1"}, zipfile.ZIP_STORED))
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(good))) if data.draw(st.booleans()) else len(good)
    never_raises(tmp_path, "x.zip", bytes(good[:cut]))


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@quick
@given(
    entries=st.dictionaries(names | st.sampled_from(["solution.py", "a/b.ipynb", "answers.json", "x/"]), st.binary(max_size=40), max_size=5)
)
def test_archives_of_any_names(tmp_path: Path, entries: dict[str, bytes]) -> None:
    never_raises(tmp_path, "x.zip", zipped(entries))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.sampled_from(["source", "cell_type"]), inner, max_size=4)
    ),
    max_leaves=12,
)
some_cells = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown"]) | values, "source": values | st.lists(st.text(max_size=9))}
)


@quick
@given(cells=st.lists(some_cells | values, max_size=4) | values, version=st.sampled_from([1, 2, 3, 4, 5]) | values)
def test_notebooks_of_any_shape(tmp_path: Path, cells: object, version: object) -> None:
    book = {"nbformat": version, "nbformat_minor": 2, "metadata": {}, "cells": cells, "worksheets": [{"cells": cells}]}
    never_raises(tmp_path, "x.ipynb", json.dumps(book).encode())


@quick
@given(table=values)
def test_answers_of_any_shape(tmp_path: Path, table: object) -> None:
    never_raises(tmp_path, "x.json", json.dumps({"answers": table}).encode())


@quick
@given(text=st.text(st.sampled_from("[]{}.=,\"'\\#\n answers1é_-:TZxe+"), max_size=60))
def test_answers_of_any_text(tmp_path: Path, text: str) -> None:
    never_raises(tmp_path, "x.toml", b"[answers]\n" + text.encode())


@quick
@given(source=st.text(st.sampled_from("%!?\\'\"#()[]\n x=pip"), max_size=80))
def test_what_is_no_magic_stays(source: str) -> None:
    plain = without_magics(source)
    assert plain is None or plain.count("\n") == source.count("\n")
    if not set("%!?") & set(source) and "pip" not in source:
        assert plain == source
