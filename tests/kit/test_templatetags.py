from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Engine
from django.test import RequestFactory
from django.utils import timezone

from portal.kit.templatetags import kit

EVIL = "<script>alert('Dana')</script>"


def rendered(source: str, **context: object) -> str:
    engine = Engine(builtins=["portal.kit.templatetags.kit"])
    return engine.from_string(source).render(Context(context))


@pytest.mark.parametrize(
    "source",
    [
        "{% icon evil %}",
        "{% icon 'lock' evil %}",
        "{% chip evil evil evil evil %}",
        "{% status_chip evil %}",
        "{{ evil|status_word }}",
        "{{ evil|middle:12 }}",
        "{{ evil|initials }}",
        "{{ evil|short_sha }}",
        "{{ evil|tint }}",
    ],
)
def test_no_tag_lets_html_through(source):
    assert "<script" not in rendered(source, evil=EVIL)


def test_an_unknown_icon_or_colour_falls_back():
    assert "#box" in kit.icon("Microservice")
    assert "chip-lightGray" in kit.chip("gold-ish", "goldish")


def test_an_icon_is_silent_unless_it_has_a_label():
    assert 'aria-hidden="true"' in kit.icon("lock")
    assert 'aria-label="Locked"' in kit.icon("lock", "Locked")


@pytest.mark.parametrize(
    ("seconds", "words", "short"),
    [
        (0, "just now", "now"),
        (59, "just now", "now"),
        (60, "1 min ago", "1 min"),
        (3599, "59 min ago", "59 min"),
        (3600, "1 h ago", "1 h"),
        (86400, "1 d ago", "1 d"),
        (31 * 86400, "1 mo ago", "1 mo"),
        (800 * 86400, "2 y ago", "2 y"),
        (-5, "just now", "now"),
    ],
)
def test_ages_are_said_in_one_unit(seconds, words, short):
    assert kit.age_words(timedelta(seconds=seconds)) == words
    assert kit.age_words(timedelta(seconds=seconds), "short") == short


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "ended"),
        (-1, "ended"),
        (45, "45 s left"),
        (720, "12 min left"),
        (7140, "1 h 59 min left"),
        (7141, "2 h left"),
        (7199, "2 h left"),
        (7200, "2 h left"),
        (61, "2 min left"),
        (3 * 86400 - 1, "3 d left"),
        (2 * 86400 + 3 * 3600 + 240, "2 d 3 h left"),
    ],
)
def test_countdowns_are_said_in_two_units(seconds, words):
    assert kit.until_words(timedelta(seconds=seconds)) == words
    assert kit.until_words(timedelta(seconds=seconds), "short") == words.removesuffix(" left")


def test_a_lock_without_an_end_lasts_until_it_is_released():
    assert kit.until(None) == "until released"


def test_times_carry_the_absolute_in_their_title():
    with timezone.override(UTC):
        assert kit.absolute(datetime(2025, 3, 4, 15, 40, tzinfo=UTC)) == "4 Mar 2025, 15:40 UTC"


def test_a_long_name_keeps_both_ends_and_its_whole_in_the_title():
    name = "notifications-delivery-orchestrator-eu"
    short = kit.middle(name, 20)
    assert f'title="{name}"' in short
    assert "notificatio…rator-eu" in short
    assert kit.middle("cart", 20) == "cart"


def test_changing_one_key_of_the_address_keeps_the_others():
    request = RequestFactory().get("/", {"team": ["shop", "R&D"], "page": "2"})
    assert rendered("{% query page=3 %}", request=request) == "?team=shop&amp;team=R%26D&amp;page=3"
    assert rendered("{% query page=None %}", request=request) == "?team=shop&amp;team=R%26D"
