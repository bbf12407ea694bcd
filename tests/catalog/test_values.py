"""Which values the formats of properties take."""

import pytest

from catalog.schema.validate import Checker
from portal.kit.errors import Invalid


def check(format, value):
    Checker({"x": {"type": "string", "format": format}}, []).check({"x": value})


@pytest.mark.parametrize(
    "value", ["https://a.example/b?c=d#e", "http://a", "ssh://host", "mailto:a@b.example", "git:x"]
)
def test_a_url_is_taken(value):
    check("url", value)


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        "nothing",
        "https://a b",
    ],
)
def test_what_would_run_as_a_link_is_no_url(value):
    with pytest.raises(Invalid):
        check("url", value)


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31",
        "2026-01-31T15:40:00Z",
        "2026-01-31T15:40:00.000Z",
        "2026-01-31T15:40:00.123456789+05:30",
        "2026-01-31 15:40",
        "2026-01-31T15:40:00",
    ],
)
def test_a_date_or_an_instant_is_taken(value):
    check("date-time", value)


@pytest.mark.parametrize(
    "value",
    ["2026-W01", "2026-W01-1", "20260131", "20260131T154000Z", "2026-02-30", "15:40", "2026-01-31T25:00:00Z", ""],
)
def test_other_ways_to_write_an_instant_are_refused(value):
    with pytest.raises(Invalid):
        check("date-time", value)
