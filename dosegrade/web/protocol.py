"""The bytes that go to the browser: a JSON header, the scene (what stays) and a number of frames; the header names every part.

`DGL2`, the header's length (uint32, little-endian), the header padded to a multiple of 8 bytes; then the `scalars` of all frames (float64,
frame by frame), the `scene` arrays (float32), the float32 `arrays` frame by frame, and the uint8 ones frame by frame.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.nn.training import Frame

MAGIC = b"DGL2"
BYTES = frozenset({"units", "state"})
SCALARS = tuple(field.name for field in fields(Frame) if field.type in ("int", "float"))
ARRAYS = tuple(field.name for field in fields(Frame) if field.name not in SCALARS)

Array = NDArray[Any]
Scene = Mapping[str, Array]


def pack(header: Mapping[str, Any], scene: Scene, frames: Sequence[Frame], like: Frame) -> bytes:
    """One message; all frames have arrays as long as those of `like`, and empty ones are left out."""
    kinds = {name: "u1" if name in BYTES else "f4" for name in ARRAYS if len(getattr(like, name))}
    arrays = [[name, len(getattr(like, name)), kind] for name, kind in kinds.items()]
    described = {"frames": len(frames), "scalars": SCALARS, "scene": [[name, len(a)] for name, a in scene.items()], "arrays": arrays}
    text = json.dumps({**header, **described}, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 8)
    scalars = np.array([[getattr(frame, name) for name in SCALARS] for frame in frames], dtype="<f8")
    with np.errstate(over="ignore"):
        still = _joined([*scene.values()], "<f4")
        moving = [_joined([getattr(f, name) for f in frames for name, kind in kinds.items() if kind == k], f"<{k}") for k in ("f4", "u1")]
    return b"".join((MAGIC, struct.pack("<I", len(text)), text, scalars.tobytes(), still, *moving))


def _joined(parts: Sequence[Array], kind: str) -> bytes:
    return np.concatenate(parts).astype(kind).tobytes() if parts else b""


def header_of(message: bytes) -> dict[str, Any]:
    """The header alone; ValueError for bytes that are no message."""
    if message[:4] != MAGIC:
        raise ValueError("these bytes are no live message: they do not begin with DGL2")
    (length,) = struct.unpack_from("<I", message, 4)
    header: dict[str, Any] = json.loads(message[8 : 8 + length])
    return header


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, Array], list[Frame]]:
    """What `pack` was given, arrays rounded to float32; ValueError for bytes that are no message."""
    header = header_of(message)
    (length,) = struct.unpack_from("<I", message, 4)
    names, count, at = header["scalars"], header["frames"], 8 + length
    scalars = np.frombuffer(message, "<f8", count * len(names), at).reshape(count, len(names))
    parts = _parts(message, at + scalars.nbytes, header)
    scene = {name: next(parts) for name, _ in header["scene"]}
    found: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in scalars.tolist()]
    for kind in ("f4", "u1"):
        for values in found:
            values |= {name: next(parts) for name, _, k in header["arrays"] if k == kind}
    missing = {name: np.zeros(0, np.uint8 if name in BYTES else np.float32) for name in ARRAYS}
    return header, scene, [Frame(**{**missing, **values, "epoch": int(values["epoch"])}) for values in found]


def _parts(message: bytes, at: int, header: Mapping[str, Any]) -> Iterator[Array]:
    """The arrays of a message in their order."""
    moving = [[(n, f"<{kind}") for _, n, kind in header["arrays"] if kind == k] * header["frames"] for k in ("f4", "u1")]
    for count, kind in [*((n, "<f4") for _, n in header["scene"]), *moving[0], *moving[1]]:
        part = np.frombuffer(message, kind, count, at)
        at += part.nbytes
        yield part
