"""Secrets that have to be read again, such as those that senders sign with, as they stand in the database."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from portal.kit.errors import Conflict


def seal(text: str) -> str:
    """Encrypted and signed with a key made from SECRET_KEY; an empty text stays empty."""
    return _box(*_keys()).encrypt(text.encode()).decode() if text else ""


def unseal(sealed: str) -> str:
    """Conflict when none of the present keys sealed it: SECRET_KEY was changed, and the old one is not a fallback."""
    if not sealed:
        return ""
    try:
        return _box(*_keys()).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Conflict(
            "A secret was encrypted under another secret key. Set it again, or give the old key as a fallback.",
            code="sealed",
        ) from error


def _keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def _box(*keys: str) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(each))) for each in keys])


def _derived(key: str) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"portcullis secrets").derive(key.encode())
