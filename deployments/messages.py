"""What the words of a commit and the name of a branch say: tickets, the pull request, what is taken back or picked."""

import re

SHA = re.compile(r"[0-9a-f]{7,64}")
MOST_TICKETS = 20
_TICKET = re.compile(r"(?<![A-Za-z0-9])([A-Z][A-Z0-9]{1,19})-([1-9][0-9]{0,8})(?![A-Za-z0-9])", re.ASCII)
# They look like tickets and are standards.
_NO_PROJECT = frozenset("AES BASE CVE CWE GPL HTTP IEC IEEE ISO MD PEP RFC RSA SHA TLS UTF UTC GMT X".split())
_PULL_REQUEST = (
    re.compile(r"Merge pull request #([0-9]{1,18}) ", re.ASCII),
    re.compile(r"[^\n]*\((?:#|pull request #)([0-9]{1,18})\)\s*(?:\n|\Z)", re.ASCII),
)
_MERGE_REQUEST = re.compile(r"^See merge request \S*!([0-9]{1,18})\s*\Z", re.ASCII | re.MULTILINE)
_NUMBER = re.compile(r"(?:.*[/#!])?([0-9]{1,18})", re.ASCII)
_REVERT = re.compile(r"This reverts commit ([0-9a-f]{7,64})\b", re.ASCII)
_REVERT_REQUEST = re.compile(r"^Reverts (?:[\w.-]+/[\w.-]+)?(?:#|!)([0-9]{1,18})\s*$", re.ASCII | re.MULTILINE)
_PICKED = re.compile(r"\(cherry picked from commit ([0-9a-f]{7,64})\)", re.ASCII)


def sha_of(text: object) -> str:
    """In lower case; "" for what is no sha of at least seven digits."""
    folded = str(text or "").strip().lower()
    return folded if SHA.fullmatch(folded) else ""


def same_commit(one: str, other: str) -> bool:
    """A short sha stands for the long one that begins with it, in whatever case."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    return bool(short) and (short == long or (bool(SHA.fullmatch(short)) and long.startswith(short)))


def tickets_in(*texts: str) -> list[str]:
    """The keys in order, each once."""
    found = (match for text in texts for match in _TICKET.finditer(text))
    keys = [match[0] for match in found if match[1] not in _NO_PROJECT]
    return list(dict.fromkeys(keys))[:MOST_TICKETS]


def pull_request_of(message: str, told: str = "") -> str:
    """The number alone: as it was told (12, #12 or an address), else as the message of a merge or a squash has it."""
    if told and (number := _NUMBER.fullmatch(told.strip().rstrip("/"))):
        return number[1]
    for pattern in _PULL_REQUEST:
        if match := pattern.match(message):
            return match[1]
    merged = _MERGE_REQUEST.search(message)
    return merged[1] if merged else ""


def reverts_of(message: str) -> list[str]:
    """What it takes back: shas, and pull requests as #12."""
    shas = _REVERT.findall(message)
    return sorted({*shas, *(f"#{number}" for number in _REVERT_REQUEST.findall(message))})


def picked_from(message: str) -> str:
    """The commit that it is a copy of, as `git cherry-pick -x` writes it; the last one of several."""
    found = _PICKED.findall(message)
    return found[-1] if found else ""
