"""`python -m dosegrade` and the command `dosegrade`."""

import os
import sys
from collections.abc import Sequence

CODE = (".py", ".ipynb", ".zip")


def runs_code(arguments: Sequence[str]) -> bool:
    """Whether a command line is that of `check` on what may hold a program, in isolation."""
    named = any(each.lower().endswith(CODE) or os.path.isdir(each) for each in arguments[2:])
    return arguments[:1] == ["check"] and named and "--unsafe-no-sandbox" not in arguments


def main() -> None:
    """The command line; where it will run a program, the sandbox starts while the rest is being imported."""
    if runs_code(sys.argv[1:]):
        from dosegrade.sandbox import start_ahead

        start_ahead()
    from dosegrade.cli import main as command

    command(prog_name="dosegrade")


if __name__ == "__main__":
    main()
