from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max, Q, QuerySet

from catalog import permissions as catalog_permissions
from catalog.models import Blueprint, Entity
from portal.accounts.policy import allows, require
from portal.actions import permissions
from portal.actions.forges import Job
from portal.actions.models import Action, Approval, Run, RunLog
from portal.audit import queries as audit
from portal.audit.models import Event
from portal.kit.by import By
from portal.kit.errors import Invalid, Missing
from portal.kit.masks import without_secrets

Json = dict[str, Any]


def actions(by: By) -> QuerySet[Action]:
    require(by, "action.read")
    return Action.objects.order_by("identifier")


def action(by: By, identifier: str) -> Action:
    found = actions(by).filter(identifier=identifier).first()
    if found is None:
        raise Missing(f'Action with identifier "{identifier}" was not found')
    return found


def fault(by: By, action: Action) -> str:
    """Why it did not run, the last time: it may hold what an entity says, so it is for those who may change the action."""
    return action.fault if allows(by.actor, "action.write", blueprint=action.blueprint) else ""


def definition(by: By, action: Action) -> Json:
    """What was sent; with whole addresses and headers of what it calls for those who may change it."""
    whole = action.as_sent
    return whole if allows(by.actor, "action.write", blueprint=action.blueprint) else without_secrets(whole) or {}


def about(rows: QuerySet[Action], *, identifiers: Collection[str] = (), **wanted: Any) -> QuerySet[Action]:
    """Those of a kind: `type`, `operations`, `blueprints`, `events`, `followed` (actions whose runs start them), `published`."""
    if identifiers:
        rows = rows.filter(identifier__in=identifiers)
    if wanted.get("type"):
        rows = rows.filter(definition__trigger__type=wanted["type"])
    if wanted.get("operations"):
        rows = rows.filter(definition__trigger__operation__in=wanted["operations"])
    if wanted.get("blueprints"):
        named = wanted["blueprints"]
        rows = rows.filter(
            Q(definition__trigger__blueprintIdentifier__in=named)
            | Q(definition__trigger__event__blueprintIdentifier__in=named)
        )
    if wanted.get("events"):
        rows = rows.filter(definition__trigger__event__type__in=wanted["events"])
    if wanted.get("followed"):
        rows = rows.filter(definition__trigger__event__actionIdentifier__in=wanted["followed"])
    if wanted.get("published") is not None:
        shown = Q(definition__publish=True) | Q(definition__publish__isnull=True)
        rows = rows.filter(shown if wanted["published"] else Q(definition__publish=False))
    return rows


@dataclass(frozen=True)
class Wanted:
    """Which runs: what is empty does not matter."""

    action: str = ""
    blueprint: str = ""
    entity: str = ""
    statuses: Collection[str] = ()
    email: str = ""
    creator: str = ""  # an actor's key
    external_id: str = ""
    sources: Collection[str] = field(default_factory=tuple)


def runs(by: By, wanted: Wanted = Wanted()) -> QuerySet[Run]:  # noqa: B008 - it is frozen
    """Those the viewer may see, newest first."""
    found = readable(by, Run.objects.all())
    if wanted.action:
        gone = Q(action=None, about__action__identifier=wanted.action)
        found = found.filter(Q(action__identifier=wanted.action) | gone)
    if wanted.sources:
        found = found.filter(source__in=wanted.sources)
    if wanted.statuses:
        found = found.filter(status__in=wanted.statuses)
    if wanted.email:
        found = found.filter(creator_email__iexact=wanted.email)
    named = {"blueprint": wanted.blueprint, "entity": wanted.entity, "creator_key": wanted.creator}
    named["external_id"] = wanted.external_id
    return (
        found.filter(**{name: value for name, value in named.items() if value})
        .prefetch_related("approvals")
        .order_by("-id")
    )


def run(by: By, public_id: str) -> Run:
    found = readable(by, Run.objects.select_related("action")).filter(public_id=public_id).first()
    if found is None:
        raise Missing(f'Run with identifier "{public_id}" was not found')
    return found


def run_to_report(by: By, public_id: str) -> Run:
    """For a command that checks by itself who may report on it. A program without the right hears of no run."""
    if not by.actor.is_person:
        require(by, "run.report")
    found = Run.objects.select_related("action").filter(public_id=public_id).first()
    if found is None:
        raise Missing(f'Run with identifier "{public_id}" was not found')
    return found


def run_in_progress(public_id: str) -> Run:
    """The run that somebody says a change belongs to. Raises Missing, or Invalid when nothing belongs to it any more, or yet."""
    found = Run.objects.filter(public_id=public_id).first()
    if found is None:
        raise Missing(f'Run with identifier "{public_id}" was not found')
    if found.status != Run.Status.IN_PROGRESS:
        raise Invalid.at("run_id", f"the run is not in progress but {found.get_status_display()}")
    return found


def readable(by: By, rows: QuerySet[Run]) -> QuerySet[Run]:
    """A private run is for administrators, for those who may approve it, and for who asked for it.

    So is one about an entity that not everybody may see, beside those who may.
    """
    require(by, "action.read")
    if by.actor.is_admin:
        return rows
    bounds = catalog_permissions.bounds_of_names(by)
    kept = Action.objects.filter(definition__allowAnyoneToViewRuns=False) if bounds is None else Action.objects.all()
    theirs = [each.pk for each in kept if permissions.may_approve(by.actor, each)]
    everybodys = Q(private=False) if bounds is None else Q(private=False) & bounds
    return rows.filter(everybodys | Q(creator_key=by.actor.key) | Q(action__in=theirs))


def logs(run: Run) -> QuerySet[RunLog]:
    """The oldest first."""
    return run.logs.order_by("id")


def approvals(run: Run) -> QuerySet[Approval]:
    return run.approvals.order_by("id")


def waiting_for(run: Run) -> list[tuple[str, str]]:
    """(key, name) of the people who may approve it and have not said anything yet."""
    if run.action is None or run.status != Run.Status.WAITING:
        return []
    said = set(run.approvals.values_list("actor_key", flat=True))
    people = permissions.approvers(run.action)
    return [(f"user:{each.pk}", str(each)) for each in people if f"user:{each.pk}" not in said]


def changes_of(run: Run) -> QuerySet[Event]:
    """What was written in its name, the newest first, whoever may see it."""
    return audit.of_run(audit.events(), run.public_id).exclude(noun="run")


def changes_seen(by: By, run: Run) -> QuerySet[Event]:
    """As `changes_of`, of the entities that the viewer may see."""
    return catalog_permissions.visible_events(by, changes_of(run))


@dataclass(frozen=True)
class Standing:
    """What is still there of what some runs are about."""

    blueprints: frozenset[str]
    entities: frozenset[tuple[str, str]]


def alone(run: Run, jobs: Sequence[Job]) -> Job | None:
    """Of the jobs that may be this run's the one that carries its id, or the only one left that could be nobody else's."""
    if named := next((each for each in jobs if each.named), None):
        return named
    others = Run.objects.filter(job__place=run.job["place"]).exclude(pk=run.pk)
    if others.filter(status=Run.Status.IN_PROGRESS, job__number__isnull=True).exists():
        return None
    taken = set(others.filter(job__number__in=[each.number for each in jobs]).values_list("job__number", flat=True))
    left = [each for each in jobs if each.number not in taken]
    return left[0] if len(left) == 1 else None


def standing(runs: Iterable[Run]) -> Standing:
    """Two queries, however many runs."""
    named = {(each.blueprint, each.entity) for each in runs if each.blueprint}
    blueprints = Blueprint.objects.filter(identifier__in={blueprint for blueprint, _ in named})
    rows = Entity.objects.filter(identifier__in={entity for _, entity in named if entity})
    rows = rows.filter(blueprint__identifier__in={blueprint for blueprint, _ in named})
    return Standing(
        frozenset(blueprints.values_list("identifier", flat=True)),
        frozenset(rows.values_list("blueprint__identifier", "identifier")),
    )


def for_entity(by: By, blueprint: str) -> list[Action]:
    """Those that somebody who looks at an entity of the blueprint may want, by title."""
    found = about(
        actions(by), type="self-service", blueprints=[blueprint], operations=["DAY-2", "DELETE"], published=True
    )
    return sorted(found, key=lambda action: action.title.casefold())


def last_runs(by: By, of: Sequence[Action]) -> dict[int, Run]:
    """By the key of the action, the newest run that the viewer may see."""
    newest = readable(by, Run.objects.filter(action__in=of)).order_by().values("action").annotate(last=Max("id"))
    found = Run.objects.filter(pk__in=[each["last"] for each in newest])
    return {run.action_id: run for run in found if run.action_id}


def beat(run: Run) -> str:
    """Changes with every line of its log and every change of it."""
    said = RunLog.objects.filter(run=run).aggregate(last=Max("id"))["last"]
    voted = Approval.objects.filter(run=run).aggregate(last=Max("id"))["last"]
    updated, status = Run.objects.values_list("updated_at", "status").get(pk=run.pk)
    written = changes_of(run).values_list("id", flat=True).first()
    return f"{said}-{voted}-{updated.isoformat()}-{status}-{written}"
