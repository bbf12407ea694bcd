"""Typed readers of environment variables. A value that does not parse stops the start with a sentence."""

import os
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """The variable, or the content of the file that `<name>_FILE` names."""
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name, default)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE names {path!r}, which cannot be read: {error.strerror}.") from error


def flag(name: str, default: bool) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; it must be true or false.")


def currency(name: str, default: str) -> str:
    """Three letters, as ISO 4217 names it."""
    value = os.environ.get(name, "").strip().upper() or default
    if not (len(value) == 3 and value.isascii() and value.isalpha()):
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be a currency's three letters, such as EUR.")
    return value


def number(name: str, default: int, *, least: int, most: int) -> int:
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isdigit() or not least <= int(value) <= most:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be a whole number from {least} to {most}.")
    return int(value)


def items(name: str, default: str = "") -> list[str]:
    """Comma-separated values, blanks dropped."""
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


def networks(name: str) -> list[str]:
    """`10.0.0.0/8`, one or more."""
    found = items(name)
    for each in found:
        try:
            ip_network(each)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {error}; give networks such as 10.20.0.0/16.") from error
    return found


def ports(name: str, default: str) -> list[tuple[int, int]]:
    """`80,443,8000-8999`: the first and the last of each range."""
    found = []
    for each in items(name, default):
        first, _, last = each.partition("-")
        if not (first.isdigit() and (last or first).isdigit() and 1 <= int(first) <= int(last or first) <= 65535):
            raise ImproperlyConfigured(f"{name} names {each!r}; give ports and ranges such as 80,443,8000-8999.")
        found.append((int(first), int(last or first)))
    return found


def _threshold(word: object) -> int | None:
    """After how many times a statement is prepared; `none` for a pooler that cannot have it."""
    if word == "none":
        return None
    try:
        return int(str(word))
    except ValueError as error:
        raise ImproperlyConfigured(
            f"prepare_threshold in DATABASE_URL is {word!r}; give a whole number, or none."
        ) from error


def database(url: str) -> dict[str, object]:
    """Django's connection settings from `postgresql://user:password@host:port/name?host=/socket/dir&sslmode=require`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}.") from error
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"DATABASE_URL starts with {parts.scheme!r}; Portcullis needs postgresql://.")
    options: dict[str, object] = {"connect_timeout": "3", "prepare_threshold": 0} | dict(parse_qsl(parts.query))
    if options["prepare_threshold"] != 0:
        options["prepare_threshold"] = _threshold(options["prepare_threshold"])
    return {
        "NAME": unquote(parts.path.lstrip("/")) or "portcullis",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": str(port or ""),
        "OPTIONS": options,
    }


@dataclass(frozen=True)
class Mail:
    """`secure`: encrypted from its first byte. `starttls`: once both have said hello."""

    host: str
    port: int
    user: str
    password: str
    secure: bool
    starttls: bool


def mail(name: str) -> Mail:
    """`smtp://user:password@host:port`, `smtps://…`, or `smtp://…?starttls=true`. Empty: there is no server."""
    url = text(name)
    try:
        parts = urlsplit(url)
        port, wish = parts.port, dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}.") from error
    if url and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname):
        raise ImproperlyConfigured(f"{name} must be smtp:// or smtps:// and a host, as in smtps://user:password@host.")
    if wish.keys() - {"starttls"} or wish.get("starttls", "false") not in {"true", "false"}:
        raise ImproperlyConfigured(f"{name} knows one option, ?starttls=true.")
    secure, starttls = parts.scheme == "smtps", wish.get("starttls") == "true"
    if secure and starttls:
        raise ImproperlyConfigured(f"{name}: smtps:// is encrypted from its first byte; starttls is for smtp://.")
    usual = 465 if secure else 587 if starttls else 25
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Mail(parts.hostname or "", port or usual, user, password, secure, starttls)
