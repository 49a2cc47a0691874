"""One seed a student, which nobody without the class's secret can work out or change by choosing a name."""

import hashlib
import hmac

BITS = 32


def seed_for(secret: str, student: str) -> int:
    """The seed of a student, by his id, from 0 to 2³²−1; the same secret gives the same seeds every time."""
    digest = hmac.new(secret.encode(), student.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[: BITS // 8], "big")
