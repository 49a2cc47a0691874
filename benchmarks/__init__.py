"""Speed, always beside a peer or a floor measured in the same run (CONTRACT 6)."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in the app; the engine for wide networks shares out the work itself
