"""What an answer in HTTP and JSON means, whoever gave it."""

import json
from collections.abc import Iterator
from typing import Any

from deployments.environments.providers import Answer, Call, CannotList, Found
from portal.kit.clock import instant
from portal.kit.errors import Invalid
from portal.kit.jsontext import storable

Json = dict[str, Any]

STATES = ("done", "failed", "gone", "present", "waiting")
# Another try would be answered the same.
HOPELESS = (400, 401, 403, 405, 413, 422)
SAID = 300


def read(status: int, body: bytes, call: Call) -> Answer:
    """2xx is done, 202 not yet, 404 and 410 gone, where it was to go. A body may say more, and says it in `state`.

    To a verification a 2xx means that it is there, unless the body says `"present": false`.
    """
    told = _object(body)
    if status in (404, 410):
        ending = call.phase in ("teardown", "verify")
        return Answer(
            "gone" if ending else "failed", error="" if ending else f"It answered {status}.", output=_text(told)
        )
    if not 200 <= status < 300:
        error = str(told.get("error") or told.get("message") or body[:SAID].decode(errors="replace"))
        return Answer("failed", error=f"It answered {status}: {error[:SAID]}", hopeless=status in HOPELESS)
    if status == 202:
        return _whole("waiting", told)
    if call.phase == "verify":
        return Answer("gone" if told.get("present") is False else "present", output=_text(told))
    state = told.get("state", "done")
    return _whole(state, told) if state in STATES else Answer("failed", error=f"It answered the state {state!r}.")


def reported(told: Any, call_phase: str) -> tuple[Answer, int]:
    """The body of a callback, `{"state", "fence", "output"?, "error"?, "resources"?, "address"?}`. Raises Invalid."""
    if not isinstance(told, dict):
        raise Invalid.at("body", "must be an object")
    if told.get("state") not in STATES:
        raise Invalid.at("state", f"must be one of {', '.join(STATES)}")
    fence = told.get("fence")
    if type(fence) is not int or not 0 <= fence < 2**63:
        raise Invalid.at("fence", "must be the number that the call had")
    return _whole(told["state"], told), fence


def found(told: Any) -> Iterator[Found]:
    """Of `{"resources": [{"label", "since"?, "detail"?}]}`. Raises CannotList for anything else."""
    rows = storable(told.get("resources")) if isinstance(told, dict) else None
    if not isinstance(rows, list):
        raise CannotList("The answer has no list of resources.")
    for row in rows:
        label = row.get("label") if isinstance(row, dict) else None
        if not isinstance(label, str) or not label or len(label) > 200:
            raise CannotList("A resource in the answer has no label.")
        try:
            since = instant(row["since"], "since") if row.get("since") else None
        except Invalid as odd:
            raise CannotList(odd.message) from odd
        yield Found(label, since, str(row.get("detail") or ""))


def _whole(state: Any, told: Json) -> Answer:
    resources, after = told.get("resources"), told.get("after")
    is_list = isinstance(resources, list) and all(isinstance(each, dict) for each in resources)
    address = told.get("address")
    return Answer(
        state,
        output=_text(told),
        error=str(told.get("error") or ""),
        resources=resources if is_list else None,
        address=address if isinstance(address, str) and address.startswith(("http://", "https://")) else "",
        ticket={"url": told["status_url"]} if isinstance(told.get("status_url"), str) else {},
        after=float(after) if isinstance(after, int | float) and 0 < after < 3600 else 10.0,
    )


def _text(told: Json) -> str:
    return str(told.get("output") or "")


def _object(body: bytes) -> Json:
    try:
        told = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        return {}
    return storable(told) if isinstance(told, dict) else {}
