import hashlib
import os
import secrets
import time
from datetime import datetime
from uuid import UUID

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


def uuid7() -> UUID:
    """A time-ordered UUID (RFC 9562, version 7): 48 bits of Unix milliseconds, then random."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return UUID(int=value)


def uuid7_from(instant: datetime) -> UUID:
    """The least that `uuid7` may have made at the instant, or after it."""
    return UUID(int=int(instant.timestamp() * 1000) << 80)


def random_text(length: int) -> str:
    """Letters and digits that are hard to mistake for each other."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def hashed(secret: str) -> str:
    # Secrets are 40 random characters, so a plain digest cannot be guessed back.
    return hashlib.sha256(secret.encode()).hexdigest()
