"""A class has one meaning: two stylesheets that both describe it undo each other on other people's pages."""

import re
from collections import defaultdict
from pathlib import Path

STATIC = Path(__file__).parents[2] / "static"
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
MEDIA = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")


def classes(css: str) -> set[str]:
    """The classes that a rule describes alone, outside media queries."""
    rules = re.findall(r"([^{}]+)\{", MEDIA.sub("", COMMENT.sub("", css)))
    words = {word.strip() for rule in rules for word in rule.split(",")}
    return {word for word in words if re.fullmatch(r"\.[\w-]+", word)}


def test_a_class_is_described_in_one_stylesheet():
    found = defaultdict(list)
    for sheet in sorted(STATIC.glob("*.css")):
        for name in classes(sheet.read_text()):
            found[name].append(sheet.name)
    assert len(found) > 100
    assert {name: sheets for name, sheets in found.items() if len(sheets) > 1} == {}
