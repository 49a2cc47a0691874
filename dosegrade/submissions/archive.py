"""Zip archives, read in memory: every name and size is checked before anything is unpacked, and nothing reaches the disk."""

from __future__ import annotations

import io
import re
import stat
import zipfile

from dosegrade.errors import UnreadableError
from dosegrade.submissions.files import (
    MAX_ENTRIES,
    MAX_FOLDERS,
    MAX_TOTAL,
    Gathered,
    ignored,
    limit_of,
    shown,
    size,
    too_large,
)  # fmt: skip

MAX_ZIPPED = MAX_TOTAL + (1 << 20)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
NESTED = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")
ENCRYPTED = 0x1 | 0x40 | 0x2000
_HEADER = b"PK\x01\x02"
_DRIVE = re.compile(r"[A-Za-z]:")


def unzipped(data: bytes, name: str) -> Gathered:
    """The files of a zip archive that can be taken, from its bytes; UnreadableError where it is damaged or could do harm."""
    if data.count(_HEADER) > MAX_ENTRIES:  # an entry has one, so this bounds what the table of contents may become in memory
        raise UnreadableError(f"'{shown(name)}' has more than {MAX_ENTRIES} entries; hand in your own files only.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            return unpacked(opened)
    except UnreadableError:
        raise
    except Exception as error:  # zipfile raises a dozen kinds for a damaged file, none of them ours
        raise UnreadableError(f"'{shown(name)}' is no readable zip archive: {type(error).__name__}. Make it anew.") from error


def unpacked(opened: zipfile.ZipFile) -> Gathered:
    """The entries' bytes, once all of them are found harmless."""
    entries = opened.infolist()
    names = [checked(info) for info in entries]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise UnreadableError(f"It holds '{shown(min(twice))}' twice; make the archive anew.")
    if sum(info.file_size for info in entries) > MAX_TOTAL:
        raise UnreadableError(f"It is larger than {size(MAX_TOTAL)} when unpacked; hand in your own files only.")
    gathered = Gathered()
    for info, name in zip(entries, names, strict=True):
        if info.is_dir() or any(ignored(part) for part in name.split("/")):
            continue
        limit = limit_of(name)
        if limit is not None:
            gathered.take(name, lambda info=info, name=name, limit=limit: content(opened, info, name, limit))  # type: ignore[misc]
        elif name.lower().endswith(NESTED):
            raise UnreadableError(f"It holds another archive, '{shown(name)}'; hand in the files themselves.")
    return gathered


def content(opened: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, limit: int) -> bytes:
    """One entry's bytes."""
    if info.file_size > limit:
        raise too_large(name, limit)
    with opened.open(info) as file:
        return file.read(limit + 1)


def checked(info: zipfile.ZipInfo) -> str:
    """The entry's path; UnreadableError for one that no honest archive has."""
    name = info.orig_filename
    said = f"Its entry '{shown(name[:100])}'"
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if "\0" in name or "\\" in name or _DRIVE.match(name) or name.startswith("/") or ".." in parts or not parts:
        raise UnreadableError(f"{said} has a name that leads out of the archive or that cannot be read; make the archive anew.")
    if len(parts) > MAX_FOLDERS:
        raise UnreadableError(f"{said} lies more than {MAX_FOLDERS} folders deep; hand in your own files only.")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UnreadableError(f"{said} is a link or a device; hand in the file itself.")
    if info.flag_bits & ENCRYPTED:
        raise UnreadableError(f"{said} is encrypted; make the archive without a password.")
    if info.compress_type not in METHODS:
        raise UnreadableError(f"{said} is compressed by an unusual method; make the archive with your system's own tool.")
    return "/".join(parts)
