"""Posting what happened to an address that somebody gave, for a delivery."""

import json
from collections.abc import Callable
from typing import Any

from portal.audit.leases import must_hold
from portal.audit.models import Delivery
from portal.audit.subscribers import Hopeless, RetryLater
from portal.kit import outgoing

Json = dict[str, Any]

# Statuses that another attempt may change.
AGAIN = {408, 423, 425, 429}
LONGEST_WAIT = 3600.0  # seconds that a receiver may ask for


def post(delivery: Delivery, url: str, said: Json, sign: Callable[[bytes], dict[str, str]]) -> Json:
    """POSTs `said` as compact JSON; the receiver knows a repeat by the delivery's id in a header.

    Answers `{"status", "ms"}`. Raises RetryLater, or Hopeless when another attempt would change nothing.
    """
    raw = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Portcullis",
        "X-Portcullis-Delivery": str(delivery.public_id),
    }
    must_hold(delivery)
    try:
        answer = outgoing.post(url, raw, headers | sign(raw))
    except outgoing.NotAllowed as reason:
        raise Hopeless(str(reason)) from reason
    except outgoing.NoAnswer as reason:
        raise RetryLater(str(reason)) from reason
    if 200 <= answer.status < 300:
        return {"status": answer.status, "ms": round(answer.seconds * 1000)}
    raise _reason(answer)


def _reason(answer: outgoing.Answer) -> Exception:
    if answer.status >= 500 or answer.status in AGAIN:
        after = None if answer.retry_after is None else min(answer.retry_after, LONGEST_WAIT)
        return RetryLater(f"The receiver answered {answer.status}.", after)
    if 300 <= answer.status < 400:
        return Hopeless(
            f"The receiver answered {answer.status}: redirects are not followed. Give the address it moved to."
        )
    return Hopeless(f"The receiver answered {answer.status}.")
