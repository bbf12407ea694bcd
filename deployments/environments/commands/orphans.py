"""What a look at a provider found: resources without a record, and records without resources. Suspects first; people decide."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from deployments.environments import rounds, terms
from deployments.environments.commands.brake import brake, sweep_close
from deployments.environments.commands.lives import held, require_change
from deployments.environments.commands.requests import entity_for
from deployments.environments.commands.told import tell
from deployments.environments.models import Environment, Sighting, State, Sweep, Template
from deployments.environments.providers import Found
from portal.accounts.queries import user_of
from portal.kit.by import By, system
from portal.kit.clock import database_now
from portal.kit.errors import Conflict
from portal.kit.locking import advisory_lock, retried

Kind = Sighting.Kind
SEEN = "A resource is there that no environment has."
UNSEEN = "Its provider does not know of it any more."


def sightings_take(template: Template, found: Sequence[Found], *, asked: datetime, now: datetime | None = None) -> int:
    """Of what was there at `asked`. What is odd for longer than the grace time is suspected; how many anew.

    What has become right again is no suspect any more, but for a resource that never had a record: that is for people.
    """
    now = now or database_now()
    odd = _noted(template, found, asked, now)
    suspects = _suspects(template, [each for each in odd if now - each.since >= template.orphan_grace], now)
    if not suspects:
        sweep_close(Sweep.Kind.ORPHANS)
        return 0
    free = set(brake([each for each, _ in suspects], now, Sweep.Kind.ORPHANS))
    return sum(_suspect(each.pk, why, now) for each, why in suspects if each.pk in free)


@retried
@transaction.atomic
def _noted(template: Template, found: Sequence[Found], asked: datetime, now: datetime) -> list[Sighting]:
    """What is odd, since when: the younger of the first look and what the provider says."""
    advisory_lock("sightings of", str(template.pk))
    there = {each.label: each for each in found}
    odd = {(label, Kind.EXTRA): there[label] for label in there.keys() - _labels(template, asked)}
    odd |= {(label, Kind.MISSING): Found(label) for label in _settled(template, asked) - there.keys()}
    known = {(each.label, Kind(each.kind)): each for each in template.sightings.all()}
    for gone in known.keys() - odd.keys():
        known[gone].delete()
        _cleared(template, *gone, now)
    for key, each in odd.items():
        row = known.get(key) or Sighting(template=template, label=key[0], kind=key[1], since=now)
        row.since = max(row.since, min(each.since, now)) if each.since else row.since
        row.last_at, row.detail = now, each.detail[:2000]
        row.save()
        known[key] = row
    return [known[key] for key in sorted(odd)]


def _labels(template: Template, asked: datetime) -> set[str]:
    """Of those that may have resources: all but tombstones from before the look."""
    gone = Q(state=State.TORN_DOWN, torn_down_at__lt=asked) | Q(state=State.ORPHAN_SUSPECTED, resting=State.TORN_DOWN)
    # Two templates may share a provider: what another has is its own affair.
    rows = Environment.objects.exclude(gone & Q(template=template))
    return {str(each) for each in rows.values_list("public_id", flat=True)}


def _settled(template: Template, asked: datetime) -> set[str]:
    """Of those that should have some: ready or asleep since before the look, and nobody at work on them."""
    resting = [State.READY, State.ASLEEP]
    rows = template.environments.filter(Q(state__in=resting) | Q(resting__in=resting), phase="", state_at__lt=asked)
    return {str(each) for each in rows.filter(ready_at__lt=asked).values_list("public_id", flat=True)}


def _suspects(template: Template, odd: Sequence[Sighting], now: datetime) -> list[tuple[Environment, str]]:
    """With why; those that are suspected already are none. A resource without any record gets one."""
    rows = {str(each.public_id): each for each in template.environments.filter(public_id__in=_ids(odd))}
    suspects = []
    for each in odd:
        row = rows.get(each.label)
        if row is None and each.kind == Kind.EXTRA and _ids([each]):
            row = _record_of(template, UUID(each.label), now)
        if row and row.state != State.ORPHAN_SUSPECTED:
            suspects.append((row, f"{SEEN} {each.detail}".strip() if each.kind == Kind.EXTRA else UNSEEN))
    return suspects


def _ids(odd: Sequence[Sighting]) -> list[UUID]:
    found = []
    for each in odd:
        try:
            found.append(UUID(each.label))
        except ValueError:
            continue
    return found


@retried
@transaction.atomic
def _record_of(template: Template, public_id: UUID, now: datetime) -> Environment | None:
    """For a resource that carries a label of the portal and that it does not know: it is nobody's. None where another
    template has it."""
    advisory_lock("sightings of", str(template.pk))
    if Environment.objects.filter(public_id=public_id).exists():
        return None
    environment: Environment = Environment.objects.create(
        public_id=public_id,
        name=f"orphan-{str(public_id)[-12:]}",
        template=template,
        requested_key="",
        requested_by="",
        state=State.ORPHAN_SUSPECTED,
        resting=State.TORN_DOWN,
        suspicion=SEEN,
        state_at=now,
        requested_at=now,
        expires_at=now + template.hard_cap,
        hard_until=now + template.hard_cap,
    )
    tell("environment.orphan_suspected", environment, by=system("clock"), why=SEEN)
    return environment


@retried
@transaction.atomic
def _suspect(pk: int, why: str, now: datetime) -> bool:
    environment = held(Environment(pk=pk))
    expected = [State.READY, State.ASLEEP] if why == UNSEEN else [State.TORN_DOWN]
    if environment.state not in expected or environment.phase:
        return False
    before = environment.facts()
    environment.resting, environment.state, environment.state_at = environment.state, State.ORPHAN_SUSPECTED, now
    environment.suspicion = why
    rounds.arm(environment, now)
    if environment.resting == State.TORN_DOWN:
        environment.next_at = None
    environment.save()
    tell("environment.orphan_suspected", environment, by=system("clock"), before=before, why=why)
    return True


def _cleared(template: Template, label: str, kind: Kind, now: datetime) -> None:
    """It has become right by itself. One that was never verified to be gone stays a suspect."""
    if not _ids([Sighting(label=label)]):
        return
    rows = template.environments.filter(public_id=label, state=State.ORPHAN_SUSPECTED)
    was = Q(resting=State.TORN_DOWN, torn_down_at__isnull=False) if kind == Kind.EXTRA else ~Q(resting=State.TORN_DOWN)
    for pk in rows.filter(was).values_list("pk", flat=True):
        _acquit(held(Environment(pk=pk)), now, by=system("clock"))


@retried
@transaction.atomic
def orphan_keep(environment: Environment, *, now: datetime | None = None, by: By) -> Environment:
    """It is no orphan: one of ours goes on as it was; a resource without a record becomes an environment of who decides.

    The other decision is `environment_teardown`. Raises Conflict for one that is not suspected.
    """
    environment = held(environment)
    require_change(by, environment)
    now = now or database_now()
    if environment.state != State.ORPHAN_SUSPECTED:
        raise Conflict(f"{environment} is not suspected to be an orphan.", code="not_suspected")
    if environment.resting == State.TORN_DOWN:
        _adopt(environment, now, by)
    else:
        _acquit(environment, now, by=by)
    environment.template.sightings.filter(label=environment.label).delete()
    return environment


def _acquit(environment: Environment, now: datetime, *, by: By) -> None:
    before = environment.facts()
    rounds.back(environment, now)
    rounds.arm(environment, now)
    environment.save()
    tell("environment.acquitted", environment, by=by, before=before)


def _adopt(environment: Environment, now: datetime, by: By) -> None:
    """With a new life, as if it had been asked for now."""
    before, template = environment.facts(), environment.template
    environment.owner = user_of(by.actor.key)
    environment.owner_name = str(environment.owner or "")
    environment.requested_key, environment.requested_by = by.actor.key, by.actor.name
    environment.entity = entity_for(environment.name, environment.team, by)
    rounds.back(environment, now)
    environment.state, environment.torn_down_at, environment.teardown_at = State.READY, None, None
    environment.ready_at = environment.awake_since = environment.requested_at = environment.armed_at = now
    environment.hard_until = now + template.hard_cap
    environment.pinned_until = None
    environment.expires_at = terms.first_end(template, environment.team, None, now)
    rounds.arm(environment, now)
    environment.save()
    tell("environment.adopted", environment, by=by, before=before)
