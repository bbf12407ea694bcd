"""CODEOWNERS by GitHub's rules: the last line that matches a path counts, and it may name nobody."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from portal.kit.errors import Invalid

MOST_BYTES = 900_000
MOST_LINES = 20_000
LONGEST = 1000
# A file in a folder that is called like no file anywhere: what owns it owns the folder.
ANY = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Line:
    number: int
    pattern: str
    owners: tuple[str, ...]

    def owns(self, path: str) -> bool:
        return _matches(self.pattern, path)


@dataclass(frozen=True)
class Reading:
    """`skipped`: numbers of the lines that GitHub leaves out as well, and why."""

    lines: list[Line]
    skipped: list[tuple[int, str]]

    def of_folder(self, folder: str) -> Line | None:
        """The line that counts for a folder, from the root of the repository; "" is the root."""
        path = "/".join([*(part for part in folder.split("/") if part), ANY])
        return next((each for each in reversed(self.lines) if each.owns(path)), None)


def read(text: str) -> Reading:
    if len(text.encode(errors="replace")) > MOST_BYTES:
        raise Invalid.at("text", f"holds more than {MOST_BYTES // 1000} kB")
    if "\0" in text:
        raise Invalid.at("text", "holds the character U+0000")
    lines: list[Line] = []
    skipped: list[tuple[int, str]] = []
    written = text.splitlines()
    if len(written) > MOST_LINES:
        raise Invalid.at("text", f"has {len(written):,} lines; {MOST_LINES:,} are read")
    for number, raw in enumerate(written, 1):
        words = _words(raw)
        if not words:
            continue
        pattern, owners = words[0], tuple(words[1:])
        if fault := _fault(pattern, owners):
            skipped.append((number, fault))
        else:
            lines.append(Line(number, pattern, owners))
    return Reading(lines, skipped)


def _words(line: str) -> list[str]:
    """Up to a comment, parted by spaces that no backslash stands before."""
    found = re.findall(r"(?:\\.|[^\s\\])+", line)
    comment = next((place for place, word in enumerate(found) if word.startswith("#")), len(found))
    return [re.sub(r"\\(.)", r"\1", word) for word in found[:comment]]


def _fault(pattern: str, owners: Sequence[str]) -> str:
    if len(pattern) > LONGEST:
        return "the pattern is too long"
    if pattern.startswith("!"):
        return "a pattern may not begin with !"
    if "[" in pattern or "]" in pattern:
        return "a pattern may not hold [ ]"
    wrong = next((each for each in owners if not _is_owner(each)), None)
    return f"“{wrong[:80]}” is no owner: @person, @organisation/team or an e-mail address" if wrong else ""


def _is_owner(word: str) -> bool:
    return bool(re.fullmatch(r"@[\w-]+(?:/[\w.-]+)?|[^@\s]+@[^@\s]+", word))


def _matches(pattern: str, path: str) -> bool:
    anchored = "/" in pattern.rstrip("/")
    parts = [part for part in pattern.split("/") if part]
    if not parts:
        return False
    within = pattern.endswith("/")
    names = path.split("/")
    if not anchored:
        parts = ["**", *parts]
    # `docs/*` means the files in docs, not those in folders below; a name stands for all below it.
    if within:
        parts.append("**")
        return _walk(parts, names, deeper=False, least=1)
    deeper = parts[-1] not in ("*", "**") or not anchored
    return _walk(parts, names, deeper=deeper)


def _walk(parts: Sequence[str], names: Sequence[str], *, deeper: bool, least: int = 0) -> bool:
    """Which places of the path each part of the pattern can have led to; never more than there are."""
    places = {0}
    for number, part in enumerate(parts):
        if part == "**":
            last = number == len(parts) - 1
            places = set(range(min(places) + (least if last else 0), len(names) + 1))
        else:
            places = {at + 1 for at in places if at < len(names) and _fits(part, names[at])}
        if not places:
            return False
    return len(names) in places or deeper


def _fits(pattern: str, name: str) -> bool:
    """`*` and `?` within one name, without trying again more than once for each star."""
    at = star = mark = 0
    seen = False
    place = 0
    while place < len(name):
        if at < len(pattern) and pattern[at] == "*":
            seen, star, mark = True, at, place
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", name[place]):
            at, place = at + 1, place + 1
        elif seen:
            at, mark = star + 1, mark + 1
            place = mark
        else:
            return False
    return all(each == "*" for each in pattern[at:])
