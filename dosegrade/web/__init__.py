"""The web page: a student picks a small network and watches it train. `serve_command` is how to start it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded: sessions share the cores, small products want no second one
import pandas  # noqa: F401 - whole, before Altair finds the half that another session is importing

APP, SCRIPT = (Path(__file__).with_name(name) for name in ("app.py", "navigation.py"))


def serve_command(extra: Sequence[str] = ()) -> list[str]:
    """The command that serves the app from wherever it is installed; `extra` goes to Streamlit, for example `--server.port 8600`.

    Theme and settings lie in `.streamlit/config.toml` beside `app.py`, where Streamlit looks for them whatever the working directory.
    """
    return [sys.executable, "-m", "streamlit", "run", str(APP), *extra]
