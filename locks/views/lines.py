"""Who deploys now and who waits behind, pair by pair."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from locks import queries
from locks.commands import claim_revoke, ticket_withdraw
from locks.tables.lines import job_row, line_rows
from portal.accounts.viewer import by_of
from portal.kit.answers import told
from portal.kit.clock import database_now
from portal.kit.live import live

MOST_JOBS = 100


@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    by = by_of(request)

    def context() -> dict[str, Any]:
        jobs = [job_row(each) for each in queries.pending_or_misplaced(by)[:MOST_JOBS]]
        return {"lines": line_rows(queries.standing(by), by, database_now()), "jobs": jobs}

    return live(request, "locks/waiting.html", context, beat=queries.line_beat())


@require_POST
def claim_revocation(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    claim = queries.claim(by, public_id)
    say = f"{claim.holder_name} is told to stop deploying {claim.where}."
    return told(request, lambda: claim_revoke(claim, by=by), reverse("locks:waiting"), say)


@require_POST
def ticket_withdrawal(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    ticket = queries.ticket(by, public_id)
    say = f"{ticket.holder_name} waits for {ticket.where} no more."
    return told(request, lambda: ticket_withdraw(ticket, by=by), reverse("locks:waiting"), say)
