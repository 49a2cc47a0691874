"""Everything that dosegrade raises on purpose, by who can mend it.

DosegradeError
├── SpecError          the author of a quiz or of a network: the message names file, key and remedy
├── SubmissionError    the student's file cannot be taken at all (exit status 2)
├── UnreadableError    the student's file is damaged: a graded submission with the problem `unreadable`
└── SandboxError       the operator: isolation does not hold or a worker died; never the student's fault
"""


class DosegradeError(Exception):
    """The root of the tree; its text says what was found, what was expected and what to do."""


class SpecError(DosegradeError):
    """A quiz, question or network is not described as it should be."""


class SubmissionError(DosegradeError):
    """There is nothing to grade: no such path, or an extension that is not taken."""


class UnreadableError(DosegradeError):
    """The submitted file itself is damaged."""


class SandboxError(DosegradeError):
    """The checker could not run the program in isolation."""
