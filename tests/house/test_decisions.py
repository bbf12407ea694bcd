"""Decisions have a number each, and whoever names one names one that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
SOURCES = [
    path
    for folder in ("bench", "catalog", "deployments", "docs", "locks", "portal", "templates", "tests")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".md", ".html")
]


def test_numbers_are_numbers_once_and_without_holes():
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    for path in DECISIONS:
        assert path.read_text().startswith(f"# {int(path.name[:4])}. "), path.name


def test_a_decision_that_is_named_is_there():
    known = {path.name for path in DECISIONS}
    for path in SOURCES:
        for named in re.findall(r"decisions/(\d{4}[\w-]*(?:\.md)?)", path.read_text()):
            assert any(name.startswith(named) for name in known), f"{path}: {named}"
