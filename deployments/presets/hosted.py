"""Sentry, LogRocket and Datadog."""

from collections.abc import Mapping
from urllib.parse import quote

from deployments.presets.spans import Span

Texts = Mapping[str, str]


def sentry(texts: Texts, span: Span) -> str:
    """The issues of a project in an environment and a release.

    docs.sentry.io/product/issues/ and docs.sentry.io/concepts/search/: `project` takes a number; a project by its name is
    a word of the search. `start` and `end` are read as UTC with `utc=true`. The organization stands in the path, as on a
    server of one's own; sentry.io leads on to its own host from there.
    """
    project = texts["project"]
    issues = f"{texts['url'].rstrip('/')}/organizations/{quote(texts['organization'], safe='')}/issues/"
    numbered = project.isascii() and project.isdecimal()
    words = [] if numbered else [f"project:{_word(project)}"]
    words += [f"release:{_word(texts['release'])}"] if texts["release"] else []
    asked = {
        "project": project if numbered else "",
        "environment": texts["environment"],
        "query": " ".join(words),
        "start": span.since_text,
        "end": span.until_text,
        "utc": "true",
    }
    return f"{issues}?{_query(asked)}"


def logrocket(texts: Texts, span: Span) -> str:
    """The sessions of an app, `organization/app`. LogRocket documents no parameter for the time: it is chosen there."""
    app = "/".join(quote(each, safe="") for each in texts["app"].split("/"))
    return f"https://app.logrocket.com/{app}/sessions"


def datadog_logs(texts: Texts, span: Span) -> str:
    """docs.datadoghq.com/logs/explorer/: `query`, and `from_ts` and `to_ts` in milliseconds with `live=false`."""
    words = [f"service:{_word(texts['service'])}"] if texts["service"] else []
    words += [f"env:{_word(texts['environment'])}"] if texts["environment"] else []
    asked = {
        "query": texts["query"] or " ".join(words),
        "from_ts": str(span.since_ms),
        "to_ts": str(span.until_ms),
        "live": "false",
    }
    return f"{texts['url'].rstrip('/')}/logs?{_query(asked)}"


def _query(asked: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items() if value)


def _word(text: str) -> str:
    """Of a search: quoted, so that nothing in it is read as a sign of the search."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
