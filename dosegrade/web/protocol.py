"""The bytes that go to the browser: a JSON header, the scene (data and true curve) and a number of frames.

`DGL1`, the header's length (uint32, little-endian), the header padded to a multiple of 8 bytes, then float64: epoch, loss, validation
loss, R² and peak dose of each frame; then float32: x, y, curve, truth, and of each frame curve, theta, gradient, saturation.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.nn.training import Frame

MAGIC = b"DGL1"
SCALARS = ("epoch", "loss", "validation_loss", "r2", "peak_dose")
ARRAYS = ("curve", "theta", "gradient", "saturation")

Array = NDArray[Any]


@dataclass(frozen=True)
class Scene:
    """What stays the same while a network trains: data points x, y (n,), doses of the curve and the true effect there (101,)."""

    x: Array
    y: Array
    curve: Array
    truth: Array


def pack(header: Mapping[str, Any], scene: Scene, frames: Sequence[Frame], counts: Mapping[str, int]) -> bytes:
    """One message; `counts` says how long theta, gradient and saturation are."""
    sizes = {"points": len(scene.x), "grid": len(scene.curve), "parameters": counts["theta"]}
    sizes |= {"layers": counts["gradient"], "hidden": counts["saturation"], "frames": len(frames)}
    text = json.dumps({**header, **sizes}, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 8)
    scalars = np.array([[getattr(frame, name) for name in SCALARS] for frame in frames], dtype="<f8")
    parts = [scene.x, scene.y, scene.curve, scene.truth]
    parts += [getattr(frame, name) for frame in frames for name in ARRAYS]
    with np.errstate(over="ignore"):
        arrays = np.concatenate([np.ravel(part) for part in parts]).astype("<f4")
    return b"".join((MAGIC, struct.pack("<I", len(text)), text, scalars.tobytes(), arrays.tobytes()))


def header_of(message: bytes) -> dict[str, Any]:
    """The header alone; ValueError for bytes that are no message."""
    if message[:4] != MAGIC:
        raise ValueError("these bytes are no live message: they do not begin with DGL1")
    (length,) = struct.unpack_from("<I", message, 4)
    header: dict[str, Any] = json.loads(message[8 : 8 + length])
    return header


def unpack(message: bytes) -> tuple[dict[str, Any], Scene, list[Frame]]:
    """What `pack` was given, arrays rounded to float32; ValueError for bytes that are no message."""
    header = header_of(message)
    (length,) = struct.unpack_from("<I", message, 4)
    count = header["frames"]
    scalars = np.frombuffer(message, "<f8", count * len(SCALARS), 8 + length).reshape(count, len(SCALARS))
    floats = np.frombuffer(message, "<f4", offset=8 + length + scalars.nbytes)
    lengths = [header[name] for name in ("grid", "parameters", "layers", "hidden")]
    parts = np.split(floats, np.cumsum([header["points"], header["points"], header["grid"], header["grid"], *(lengths * count)]))
    frames = []
    for k, (epoch, loss, validation, r2, peak) in enumerate(scalars.tolist()):
        curve, theta, gradient, saturation = parts[4 + k * len(ARRAYS) : 4 + (k + 1) * len(ARRAYS)]
        frames.append(Frame(int(epoch), loss, validation, r2, peak, curve, theta, gradient, saturation))
    return header, Scene(*parts[:4]), frames
