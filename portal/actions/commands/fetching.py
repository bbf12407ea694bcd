"""Programs outside that fetch runs and do their work: an agent in another network, an integration.

A run is offered to one of them for a while; who acknowledges it has it for good. What is not acknowledged in time
is offered again.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from catalog.schema.validate import check_shape
from portal.accounts.policy import require
from portal.actions.models import Run
from portal.actions.schema.reports import ACKNOWLEDGEMENT, CLAIM
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Missing

Json = dict[str, Any]

AGENT = "_PORT_EXEC_AGENT"  # the name under which the compatible agent asks for webhooks
LEASE = timedelta(minutes=1)


@transaction.atomic
def runs_claim(body: Json, *, by: By) -> list[Run]:
    """The oldest that nobody has taken, for whoever `installationId` names; two who ask at once get different ones.

    A lease is no change of the run, so no event tells it.
    """
    require(by, "run.fetch")
    check_shape(CLAIM, body)
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    offered = Run.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        free, _addressed(body), pending=True, status=Run.Status.IN_PROGRESS
    )
    runs = list(offered.order_by("id")[: body.get("limit", 10)])
    lease = timedelta(milliseconds=body["visibilityTimeoutMs"]) if "visibilityTimeoutMs" in body else LEASE
    for run in runs:
        run.claimed_until = now + lease
    Run.objects.bulk_update(runs, ["claimed_until"])
    return runs


@transaction.atomic
def runs_acknowledge(body: Json, *, by: By) -> int:
    """How many of `runIds` are this program's from now on. A single `runId` that is taken is a Conflict."""
    require(by, "run.fetch")
    check_shape(ACKNOWLEDGEMENT, body)
    wanted = body.get("runIds") or [body.get("runId", "")]
    known = Run.objects.select_for_update(of=("self",)).filter(public_id__in=wanted).order_by("id")
    runs = [run for run in known if run.pending and not run.is_over]
    if "runId" in body and not known:
        raise Missing(f'Run with identifier "{body["runId"]}" was not found')
    if "runId" in body and not runs:
        raise Conflict(f"The run {body['runId']} is taken already.", code="already_acknowledged")
    _take(runs, by)
    return len(runs)


def _addressed(body: Json) -> Q:
    """The agent takes webhooks; an integration what is addressed to it."""
    installation = body.get("installationId", "")
    if installation == AGENT or body.get("invocationMethod") == "WEBHOOK":
        return Q(definition__invocationMethod__type="WEBHOOK")
    return Q(
        definition__invocationMethod__type="INTEGRATION_ACTION",
        definition__invocationMethod__installationId=installation,
    )


def _take(runs: Sequence[Run], by: By) -> None:
    for run in runs:
        before = run.state()
        run.pending, run.claimed_until = False, None
        run.updated_at, run.updated_by = timezone.now(), by.actor.name
        run.save(update_fields=["pending", "claimed_until", "updated_at", "updated_by"])
        record(
            "run.updated",
            run.noun(),
            by=by,
            before=run.told(before),
            after=run.facts(),
            payload={"runId": run.public_id},
        )
