"""How far sweeps go: a share of each in the default run, the whole where DOSEGRADE_THOROUGH is set, as `.ci/run` does."""

import os

THOROUGH = os.environ.get("DOSEGRADE_THOROUGH", "0") != "0"


def many(whole: int, share: int) -> int:
    """As many seeds, programs or formulas as this run looks at."""
    return whole if THOROUGH else share
