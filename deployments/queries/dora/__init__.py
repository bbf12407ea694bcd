from deployments.queries.dora.definitions import (
    DEFINITIONS,
    OF_COMMITS,
    VERSION,
    Definition,
    length_bucket,
    rate_bucket,
)
from deployments.queries.dora.facts import KEYS, Judged, judged
from deployments.queries.dora.leads import Change, Lead, leads
from deployments.queries.dora.numbers import Found, Lengths, Numbers, Week, bucket, dora
from deployments.queries.dora.rows import Edge, Row, edge, page_of, rows_of, with_deployments
from deployments.queries.dora.scope import DAYS, Scope, Span, of_scope

__all__ = [
    "DAYS",
    "Change",
    "Lead",
    "DEFINITIONS",
    "KEYS",
    "OF_COMMITS",
    "VERSION",
    "Definition",
    "Edge",
    "Found",
    "Judged",
    "Lengths",
    "Numbers",
    "Row",
    "Scope",
    "Span",
    "Week",
    "bucket",
    "dora",
    "edge",
    "judged",
    "leads",
    "length_bucket",
    "of_scope",
    "rate_bucket",
    "page_of",
    "rows_of",
    "with_deployments",
]
