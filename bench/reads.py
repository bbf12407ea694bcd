"""What is asked of a catalog, and how it is asked over HTTP."""

import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from bench.load import request
from catalog.models import Entity

Next = Callable[[int], bytes]

LIFECYCLE = {"property": "lifecycle", "operator": "=", "value": "production"}
TIER = {"property": "tier", "operator": "=", "value": "internal"}
WORDS = ["invoice", "delivery", "retry", "checkout", "stock", "search", "address", "refund"]


def asks(token: str, session: str) -> dict[str, Next]:
    """Each named question, as the bytes of its n-th request. Pages are asked as a signed-in person, the rest with a token."""
    api = {"Authorization": f"Bearer {token}", "User-Agent": "bench"}
    person = {"Cookie": f"sessionid={session}"}
    some = random.Random(3).sample(
        list(Entity.objects.filter(blueprint__identifier="component").values_list("identifier", flat=True)[:50_000]),
        500,
    )
    entities = [request("GET", f"/v1/blueprints/component/entities/{quote(each, safe='')}", api) for each in some]
    return {
        "trivial view": lambda n: request("GET", "/v1/trivial", api),
        "entity by identifier": lambda n: entities[n % len(entities)],
        "50, filtered and sorted": _search(api, [LIFECYCLE, TIER]),
        "50, by owner": _search(api, [{"property": "$team", "operator": "=", "value": "payments"}]),
        "50, a range, sorted": _search(api, [{"property": "openIssues", "operator": ">", "value": 60}]),
        "full text, 50": lambda n: request("GET", f"/catalog/component/entities?q={WORDS[n % len(WORDS)]}", person),
        "table page": lambda n: request("GET", "/catalog/component/entities", person),
        "table page, sorted by a number": lambda n: request(
            "GET", "/catalog/component/entities?sort=-openIssues", person
        ),
        "table page, by a date, newest first": lambda n: request(
            "GET", "/catalog/component/entities?sort=-lastCommitAt", person
        ),
        "table page, filtered": lambda n: request(
            "GET", f"/catalog/component/entities?{_filter([LIFECYCLE, TIER])}", person
        ),
        "table page, grouped": lambda n: request("GET", "/catalog/component/entities?group=language", person),
        "table page, grouped and open": lambda n: request(
            "GET", "/catalog/component/entities?group=language&open=Go", person
        ),
        "table page, grouped and filtered": lambda n: request(
            "GET", f"/catalog/component/entities?group=language&{_filter([LIFECYCLE])}", person
        ),
        "spreads under the table": lambda n: request("GET", "/catalog/component/entities?part=spreads", person),
    }


def _search(api: dict[str, str], rules: list[dict[str, Any]]) -> Next:
    body = json.dumps({"query": {"combinator": "and", "rules": rules}, "limit": 50}).encode()
    wire = request("POST", "/v1/blueprints/component/entities/search?exclude_calculated_properties=true", api, body)
    return lambda n: wire


def _filter(rules: list[dict[str, str]]) -> str:
    """As the filter builder writes them."""
    return urlencode([(key, rule[key]) for rule in rules for key in ("property", "operator", "value")])
