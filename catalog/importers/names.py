"""Names of others as identifiers: letters, digits and `@_.+:/=-` stay, each run of anything else becomes one hyphen."""

import re
import unicodedata

LONGEST = 200
_OTHER = "@_.+:/=-"


def cleaned(name: str) -> str:
    """Empty where nothing is left of it. `Käse & Brot` is `Käse-Brot`."""
    plain = unicodedata.normalize("NFC", name)
    kept = "".join(
        c if c in _OTHER or c.isascii() and c.isdigit() or unicodedata.category(c)[0] == "L" else " " for c in plain
    )
    joined = re.sub(r" +", "-", kept.strip(" "))[:LONGEST].strip("-")
    return "" if joined in {".", ".."} else joined


def renamed(name: str, identifier: str) -> tuple[str, ...]:
    """The note that says so, where they differ."""
    return () if name == identifier else (f"“{name[:80]}” is called {identifier} here",)
