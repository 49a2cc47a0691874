"""`python -m dosegrade`."""

from dosegrade.cli import main

if __name__ == "__main__":
    main(prog_name="dosegrade")
