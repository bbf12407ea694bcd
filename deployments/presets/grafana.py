"""Grafana's Explore: panes as JSON in the address.

grafana.com/docs/grafana/latest/explore/ (“Generate Explore URLs from external tools”): `schemaVersion=1`, `orgId`, and
`panes`, an object of panes with their data source, queries and range; a range is given in milliseconds, as texts.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from deployments.presets.spans import Span

Texts = Mapping[str, str]


def explore(texts: Texts, span: Span) -> str:
    """A query in whatever language the data source speaks."""
    return _explore(texts, span, {"expr": texts["query"]}, texts["type"])


def loki(texts: Texts, span: Span) -> str:
    """LogQL: the query that is given, or all lines of a service by the label `service_name`."""
    query = texts["query"] or "{service_name=" + _quoted(texts["service"]) + "}"
    return _explore(texts, span, {"expr": query}, "loki")


def tempo(texts: Texts, span: Span) -> str:
    """TraceQL: the query that is given, or all traces of a service."""
    query = texts["query"] or "{ resource.service.name = " + _quoted(texts["service"]) + " }"
    return _explore(texts, span, {"queryType": "traceql", "query": query}, "tempo")


def _explore(texts: Texts, span: Span, query: dict[str, str], kind: str) -> str:
    source = {"type": kind, "uid": texts["datasource"]}
    pane = {
        "datasource": texts["datasource"],
        "queries": [{"refId": "A", "datasource": source, **query}],
        "range": {"from": str(span.since_ms), "to": str(span.until_ms)},
    }
    base, org = texts["url"].rstrip("/"), quote(texts["org"], safe="")
    return f"{base}/explore?schemaVersion=1&panes={quote(_json({'a': pane}), safe='')}&orgId={org}"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _quoted(text: str) -> str:
    """A text of LogQL and TraceQL, which quote as Go does."""
    return json.dumps(text, ensure_ascii=False)
