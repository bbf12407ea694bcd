"""The console of AWS. Where it documents no address, the format is that of the addresses it makes itself."""

import re
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote

from deployments.presets.spans import Span

Texts = Mapping[str, str]

LONGEST_TRACES = timedelta(hours=6)


def insights(texts: Texts, span: Span) -> str:
    """Logs Insights with its query typed in, over one or more log groups (a line each, or parted by commas).

    The console keeps the query in its fragment in the JSURL notation (github.com/Sage/jsurl), and the fragment's own
    `?` and `=` as `$3F` and `$3D`: stackoverflow.com/questions/60796991 and the console's own addresses.
    """
    groups = [each.strip() for each in re.split(r"[,\n]", texts["log_group"]) if each.strip()]
    detail = _object(
        {
            "end": _text(f"{span.until_text}.000Z"),
            "start": _text(f"{span.since_text}.000Z"),
            "timeType": _text("ABSOLUTE"),
            "tz": _text("UTC"),
            "editorString": _text(texts["query"]),
            "source": "(" + "".join(f"~{_text(each)}" for each in groups) + ")",
        }
    )
    return f"{_home('cloudwatch', texts)}#logsV2:logs-insights$3FqueryDetail$3D~{detail}"


def log_group(texts: Texts, span: Span) -> str:
    """All streams of a log group. Names are percent-encoded twice, the second time with `$` for `%`.

    stackoverflow.com/questions/60796991, and the console's own addresses (`$252Faws$252Flambda$252Fx`).
    """
    name = _twice(texts["log_group"])
    pattern = f"$26filterPattern$3D{_twice(texts['pattern'])}" if texts["pattern"] else ""
    when = f"start$3D{span.since_ms}$26end$3D{span.until_ms}"
    return f"{_home('cloudwatch', texts)}#logsV2:log-groups/log-group/{name}/log-events$3F{when}{pattern}"


def traces(texts: Texts, span: Span) -> str:
    """docs.aws.amazon.com/xray/latest/devguide/xray-console-deeplinks.html; a time range is of six hours at most."""
    wanted = texts["filter"] or _of_service(texts["service"])
    return f"{_home('xray', texts)}#/traces?{_range(span)}&filter={quote(wanted, safe='')}"


def service_map(texts: Texts, span: Span) -> str:
    """As the traces; the map takes the same filter."""
    wanted = quote(_of_service(texts["service"]), safe="")
    return f"{_home('xray', texts)}#/service-map?{_range(span)}&filter={wanted}"


def _home(product: str, texts: Texts) -> str:
    """China and the government's regions have consoles of their own."""
    region = texts["region"]
    of_start = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}
    host = next((host for start, host in of_start.items() if region.startswith(start)), "console.aws.amazon.com")
    return f"https://{host}/{product}/home?region={quote(region, safe='')}"


def _range(span: Span) -> str:
    shown = span.at_most(LONGEST_TRACES)
    return f"timeRange={shown.since_text}~{shown.until_text}"


def _of_service(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'service("{escaped}")'


def _twice(text: str) -> str:
    return quote(quote(text, safe=""), safe="").replace("%", "$")


def _object(members: dict[str, str]) -> str:
    return "(" + "~".join(f"{name}~{value}" for name, value in members.items()) + ")"


def _text(text: str) -> str:
    """A text of JSURL: what is no letter, digit, `_`, `-` or `.` by its UTF-16 units, `*2f` or `**4e2d`.

    JSURL itself writes `!` for `$`; `*24` is read as the same, and `$` means `%` to the console.
    """
    units = text.encode("utf-16-be")
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "'" + "".join(_unit(code) for code in codes)


def _unit(code: int) -> str:
    if code < 128 and re.fullmatch(r"[\w.-]", chr(code), re.ASCII):
        return chr(code)
    return f"*{code:02x}" if code < 256 else f"**{code:04x}"
