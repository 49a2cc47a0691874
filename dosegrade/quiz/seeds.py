"""One seed a student, which nobody without the class's secret can work out or change by choosing a name."""

from dosegrade.errors import SpecError

BITS = 32


def seed_for(secret: str, student: str) -> int:
    """The seed of a student, by his id, from 0 to 2³²−1; the same secret gives the same seeds every time."""
    import hashlib
    import hmac

    digest = hmac.new(secret.encode(), student.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[: BITS // 8], "big")


def seed_of(student: str | None, seed: int, secret: str | None) -> int:
    """The class's seed, or the student's own where the class has a secret; SpecError where his name is missing."""
    if secret is None:
        return seed
    if not student:
        raise SpecError("A class secret gives each student a seed of his own: name the student as well, by --student.")
    return seed_for(secret, student)
