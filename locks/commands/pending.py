"""Jobs of GitHub Actions that wait at the gate: answered at once where it is open, else when it opens."""

from django.db import transaction

from catalog import queries as catalog
from catalog.queries import Place
from locks import queries, scopes
from locks.commands.gate import keep
from locks.decisions import Decision
from locks.models import PendingDeployment
from locks.models.pending import github
from locks.protection import Asked
from locks.runs import Run
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By, system
from portal.kit.clock import database_now, iso
from portal.kit.errors import Conflict, Missing, PortalError
from portal.kit.locking import advisory_lock, retried

State = PendingDeployment.State


@retried
@transaction.atomic
def pending_deployment_take(asked: Asked) -> PendingDeployment:
    """Answers, or keeps it waiting. What names no place of the catalog is rejected. The same delivery again is the same."""
    by = github(asked.installation, "api")
    require(by, "claim.hold")
    advisory_lock("pending deployment", asked.delivery)
    known = PendingDeployment.objects.filter(delivery=asked.delivery).first()
    if known:
        return known
    pending = PendingDeployment(
        delivery=asked.delivery,
        installation=asked.installation,
        repository=asked.repository,
        run=asked.run,
        run_url=f"{asked.repository_url}/actions/runs/{asked.run}"[:2000],
        environment_name=asked.environment_name,
        commit=asked.commit,
        ref=asked.ref,
        asked_by=asked.asked_by,
        asked_at=database_now(),
    )
    try:
        place = scopes.hold(_place_of(asked))
    except PortalError as fault:
        _answer(pending, State.REJECTED, fault.message, by)
    else:
        pending.service_id, pending.service_identifier = place.service_id, place.service
        pending.environment_id, pending.environment_identifier = place.environment_id, place.environment
        _weigh(pending, place, by)
    return pending


def _place_of(asked: Asked) -> Place:
    """Of the services that have this repository, the only one; where there are several, GitHub's environment is called
    service/environment. Raises Missing or Conflict."""
    names = catalog.services_of_repository(asked.repository_url)
    if not names:
        raise Missing(
            f"No service of the catalog has the repository {asked.repository_url}. Set the property “repository” of the "
            "service to that address."
        )
    named = max((each for each in names if asked.environment_name.startswith(f"{each}/")), key=len, default="")
    if named:
        return catalog.place(named, asked.environment_name.removeprefix(f"{named}/"))
    if len(names) > 1:
        raise Conflict(
            f"The repository holds several services: {', '.join(names[:5])}. Call the environment on GitHub by both, such "
            f"as {names[0]}/{asked.environment_name}."
        )
    return catalog.place(names[0], asked.environment_name)


def pending_deployments_advance() -> int:
    """All that wait, in the order in which they came; how many."""
    keys = list(PendingDeployment.objects.filter(state=State.WAITING).order_by("id").values_list("pk", flat=True))
    for key in keys:
        pending_deployment_advance(key)
    return len(keys)


@retried
@transaction.atomic
def pending_deployment_advance(key: int) -> None:
    """Answers it when the gate has opened, when its place is gone, or when GitHub has given it up. The gate is asked again."""
    pending = PendingDeployment.objects.get(pk=key)
    place = _place_as_it_is(pending)
    place = scopes.hold(place) if place else None
    pending = PendingDeployment.objects.select_for_update().get(pk=key)
    if pending.state != State.WAITING:
        return
    if pending.asked_at + PendingDeployment.LIFE <= database_now():
        _answer(pending, State.EXPIRED, "GitHub gave it up: it waited for 30 days.", system("clock"))
    elif place is None:
        _answer(pending, State.REJECTED, f"{pending.where} is no longer in the catalog.", system("clock"))
    else:
        _weigh(pending, place, system("clock"))


def _place_as_it_is(pending: PendingDeployment) -> Place | None:
    if pending.service_id is None or pending.environment_id is None:
        return None
    return catalog.place_by_keys(pending.service_id, pending.environment_id)


def _weigh(pending: PendingDeployment, place: Place, by: By) -> None:
    """The pair is held. It waits on in silence when what it waits for is what GitHub was told."""
    decision = queries.decide(place, by=pending.by("api"))
    if not decision.stops:
        keep(decision, commit=pending.commit, run=Run(pending.run_key, pending.run_url), by=pending.by("api"))
        return _answer(pending, State.APPROVED, decision.message, by)
    held_by = _bars(decision)
    if pending.held_by == held_by or pending.comments >= PendingDeployment.MOST_COMMENTS:
        return
    before = pending.facts() if pending.pk else None
    pending.held_by, pending.message, pending.comments = held_by, decision.message, pending.comments + 1
    pending.save()
    keep(decision, commit=pending.commit, run=Run(pending.run_key, pending.run_url), by=pending.by("api"))
    record("pending_deployment.held", pending.noun(), by=by, before=before, after=pending.facts())


def _bars(decision: Decision) -> list[str]:
    """What it waits for, and until when. Who else deploys is one thing, however many they are."""
    if not decision.denies:
        return ["others"]
    return sorted(f"{each.public_id} {iso(each.expires_at) or ''}" for each in decision.denying)


def _answer(pending: PendingDeployment, state: str, message: str, by: By) -> None:
    before = pending.facts() if pending.pk else None
    pending.state, pending.message, pending.answered_at = state, message, database_now()
    pending.save()
    record(f"pending_deployment.{state}", pending.noun(), by=by, before=before, after=pending.facts())
