"""Every text can be read: each pair of a text and a background in our CSS has a contrast of 4.5:1, in both themes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.kit.templatetags.kit import COLOURS

STATIC = Path(__file__).resolve().parents[2] / "static"
SHEETS = sorted(STATIC.glob("*.css"))
THEMES = ("light", "dark")
ENOUGH = 4.5
# Texts that have no background of their own stand on one of these.
GROUNDS = ("page", "subtle", "raised", "hover")
BARE_TEXTS = ("text", "muted", "danger-text")


def without_comments(css: str) -> str:
    return re.sub(r"/\*.*?\*/", "", css, flags=re.S)


def read_tokens(css: str) -> dict[str, dict[str, str]]:
    """{"light": {"page": "#ffffff"}, "dark": {...}}"""
    tokens: dict[str, dict[str, str]] = {theme: {} for theme in THEMES}
    for name, light, dark in re.findall(r"--([\w-]+):\s*light-dark\((#\w{6}),\s*(#\w{6})\);", without_comments(css)):
        tokens["light"][name], tokens["dark"][name] = light, dark
    return tokens


def rules(css: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each innermost rule with its own declarations; at-rules around it are looked through."""
    for selector, body in re.findall(r"([^{};]+)\{([^{}]*)\}", without_comments(css)):
        yield " ".join(selector.split()), dict(re.findall(r"([\w-]+)\s*:\s*([^;]+)", body))


def token(value: str | None) -> str | None:
    found = re.fullmatch(r"var\(--([\w-]+)\)", (value or "").strip())
    return found and found[1]


def pairs() -> set[tuple[str, str, str]]:
    found = {(f"{text} on {ground}", text, ground) for text in BARE_TEXTS for ground in GROUNDS}
    found |= {(f"link on {ground}", "link", ground) for ground in ("page", "subtle", "raised")}
    for sheet in SHEETS:
        for selector, declared in rules(sheet.read_text(encoding="utf-8")):
            text, ground = token(declared.get("color")), token(declared.get("background"))
            if text and ground:
                found.add((f"{sheet.name}: {selector}", text, ground))
    return found


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


TOKENS = read_tokens((STATIC / "tokens.css").read_text(encoding="utf-8"))


def test_black_on_white_has_the_known_contrast():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_can_be_read_on_its_background(theme):
    colours = TOKENS[theme]
    measured = {where: contrast(colours[text], colours[ground]) for where, text, ground in pairs()}
    assert len(measured) > 60
    assert not {where: ratio for where, ratio in measured.items() if ratio < ENOUGH}


@pytest.mark.parametrize("theme", THEMES)
def test_every_enum_colour_is_a_readable_chip(theme):
    classes = {selector for selector, _ in rules((STATIC / "kit.css").read_text(encoding="utf-8"))}
    for colour in COLOURS:
        assert f".chip-{colour}" in classes
        assert contrast(TOKENS[theme][f"{colour}-ink"], TOKENS[theme][f"{colour}-fill"]) >= ENOUGH


@pytest.mark.parametrize("theme", THEMES)
def test_signs_and_edges_of_fields_stand_out(theme):
    for sign in ("good", "bad", "busy", "warn", "idle", "edge", "focus"):
        assert contrast(TOKENS[theme][sign], TOKENS[theme]["page"]) >= 3, sign


def test_colours_are_named_in_the_tokens_only():
    for sheet in SHEETS:
        if sheet.name != "tokens.css":
            css = without_comments(sheet.read_text(encoding="utf-8"))
            assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb\(|hsl\(", css), sheet.name


def test_every_token_that_is_used_exists():
    declared = set(re.findall(r"--([\w-]+):", (STATIC / "tokens.css").read_text(encoding="utf-8")))
    used = {name for sheet in SHEETS for name in re.findall(r"var\(--([\w-]+)", sheet.read_text(encoding="utf-8"))}
    assert used <= declared
