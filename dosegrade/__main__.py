"""`python -m dosegrade` and the command `dosegrade`."""

import atexit
import contextlib
import gc
import os
import sys
from collections.abc import Sequence

CODE = (".py", ".ipynb", ".zip")


def runs_code(arguments: Sequence[str]) -> bool:
    """Whether a command line is that of `check` on what may hold a program, in isolation."""
    named = any(each.lower().endswith(CODE) or os.path.isdir(each) for each in arguments[2:])
    return arguments[:1] == ["check"] and named and "--unsafe-no-sandbox" not in arguments


def asks_for_more(arguments: Sequence[str]) -> bool:
    """Whether a file named there asks for more than the usual modules, as far as its text shows."""
    from dosegrade.sandbox.modules import asks

    for each in arguments[2:]:
        if each.lower().endswith(CODE) and os.path.isfile(each):
            with contextlib.suppress(OSError), open(each, "rb") as file:
                return asks(file.read(1 << 20))
    return False


def main() -> None:
    """The command line; where it will run a program, the sandbox starts while the rest is being imported."""
    if sys.argv[1:2] in (["check"], ["grade"]):
        # Small matrices only: a second thread of BLAS would do nothing but spin.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if not runs_code(sys.argv[1:]):
        run()
        return
    gc.disable()  # one submission makes little garbage, and then the process ends
    from dosegrade.sandbox import start_ahead

    start_ahead(not asks_for_more(sys.argv[1:]))
    try:
        run()
    except SystemExit as end:
        leave(end)


def run() -> None:
    """The command that the arguments name."""
    from dosegrade.cli import main as command

    command(prog_name="dosegrade")


def leave(end: SystemExit) -> None:
    """Ends the process at once, without taking its modules apart; where something is amiss, the interpreter is left to say so."""
    if isinstance(end.code, int):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stdout.flush()
            sys.stderr.flush()
            atexit._run_exitfuncs()
            os._exit(end.code)
    raise end


if __name__ == "__main__":
    main()
