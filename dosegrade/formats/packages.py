"""Zip archives of quizzes: written the same every time, and read under the rules for submissions, in memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from dosegrade.errors import SpecError, UnreadableError
from dosegrade.formats.trees import MAX_BYTES
from dosegrade.submissions.archive import MAX_ZIPPED, NESTED, checked
from dosegrade.submissions.files import MAX_ENTRIES, MAX_TOTAL, ignored, size

EPOCH = (1980, 1, 1, 0, 0, 0)
_HEADER = b"PK\x01\x02"


def packed(files: Mapping[str, bytes]) -> bytes:
    """An archive whose bytes depend on the files alone."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return stream.getvalue()


def xml_files(data: bytes) -> dict[str, bytes]:
    """The XML files of an archive by name; SpecError where it is damaged or could do harm."""
    if len(data) > MAX_ZIPPED or data.count(_HEADER) > MAX_ENTRIES:
        raise SpecError(f"it is larger than {size(MAX_TOTAL)} or has more than {MAX_ENTRIES} entries; export fewer quizzes at once.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return opened(archive)
    except UnreadableError as error:
        raise SpecError(f"the archive cannot be taken: {error}") from error
    except SpecError:
        raise
    except Exception as error:  # zipfile raises a dozen kinds for a damaged file, none of them ours
        raise SpecError(f"it is no readable zip archive ({type(error).__name__}); export it anew.") from error


def opened(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """The entries that are XML, once all are found harmless."""
    entries = archive.infolist()
    names = [checked(info) for info in entries]
    if len(set(names)) < len(names):
        raise SpecError("the archive holds a name twice; export it anew.")
    if sum(info.file_size for info in entries) > MAX_TOTAL:
        raise SpecError(f"the archive is larger than {size(MAX_TOTAL)} when unpacked; export fewer quizzes at once.")
    found = {}
    for info, name in zip(entries, names, strict=True):
        if name.lower().endswith(NESTED):
            raise SpecError(f"the archive holds another archive, '{name[:80]}'; unpack it and import that one.")
        if name.lower().endswith(".xml") and not info.is_dir() and not any(ignored(p) for p in name.split("/")):
            found[name] = content(archive, info)
    return found


def content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """One entry's bytes."""
    with archive.open(info) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise SpecError(f"a file of the archive is larger than {size(MAX_BYTES)}; export fewer quizzes at once.")
    return data
