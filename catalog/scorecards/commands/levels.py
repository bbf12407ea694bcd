"""A worker compares how entities stand with how they stood, and tells of each level that changed, once.

Readers never ask what is kept here: they judge for themselves. It is what was, for events and for the course of time.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count

from catalog.models import Entity
from catalog.scorecards import queries
from catalog.scorecards.commands.rows import altered, results_laid, results_lay
from catalog.scorecards.models import Day, Scorecard, Standing
from portal.audit.models import Event
from portal.audit.nouns import Noun
from portal.audit.record import Entry, record_many
from portal.kit.by import system
from portal.kit.clock import database_now, iso
from portal.kit.locking import advisory_lock, alone, retried

Json = dict[str, Any]

CHUNK = 500
AT_ONCE = 100_000  # results that one look lays, in a few seconds
# What was written lately is looked at each time; everything, since a level may follow from a neighbour or from the
# time of day, once in a while.
LATELY = timedelta(minutes=2)
WHOLE_AFTER = timedelta(minutes=5)
NOBODY = "not judged"


def levels_compare(*, now: datetime | None = None) -> int:
    """Answers how many levels changed. Another worker that is at it already leaves the work to it."""
    now = now or database_now()
    with alone("levels") as first:
        if not first:
            return 0
        scorecards = list(Scorecard.objects.order_by("pk"))
        changed = sum(_one(each, now) for each in scorecards)
        whole = [each.pk for each in scorecards if _is_whole(each, now)]
        results_lay(most=AT_ONCE, anew=whole)
        results_laid(anew=whole)
        return changed


def _is_whole(scorecard: Scorecard, now: datetime) -> bool:
    """Whether all of its entities are looked at this time."""
    return scorecard.is_stale or scorecard.compared_at is None or scorecard.compared_at <= now - WHOLE_AFTER


def _one(scorecard: Scorecard, now: datetime) -> int:
    whole = _is_whole(scorecard, now)
    rows = Entity.objects.filter(blueprint=scorecard.blueprint_id)
    rows = rows if whole else rows.filter(updated_at__gte=now - LATELY)
    changed = sum(chunk_compare(scorecard.pk, keys, now=now) for keys in _chunks(rows))
    if whole:
        _finish(scorecard, now)
    return changed


def _chunks(rows: Any) -> Iterator[list[int]]:
    last = 0
    while keys := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        yield keys
        last = keys[-1]


@retried
@transaction.atomic
def chunk_compare(scorecard: int, keys: Sequence[int], *, now: datetime) -> int:
    """Some entities by one scorecard: whoever else compares them waits here, and finds nothing left to tell."""
    advisory_lock("levels", str(scorecard))
    judge = Scorecard.objects.select_related("blueprint").filter(pk=scorecard).first()
    if judge is None:
        return 0
    rows = Entity.objects.filter(pk__in=keys, blueprint=judge.blueprint_id).prefetch_related("blueprint")
    entities = list(rows.order_by("pk"))
    stood = {each.entity_id: each for each in Standing.objects.filter(scorecard=judge, entity__in=entities)}
    fresh, moved, changed = [], [], []
    for entity, level, passed in _judged(judge, entities):
        was = stood.get(entity.pk)
        if was is None:
            flipped = dict.fromkeys(passed, iso(now))
            fresh.append(
                Standing(scorecard=judge, entity=entity, level=level, passed=passed, since=now, flipped=flipped)
            )
        elif (was.level, was.passed) != (level, passed):
            if was.level != level:
                changed.append((entity, _change(judge, was, level, passed)))
                was.since = now
            was.flipped |= {rule: iso(now) for rule, ok in passed.items() if was.passed.get(rule) != ok}
            was.level, was.passed = level, passed
            moved.append(was)
    Standing.objects.bulk_create(fresh)
    Standing.objects.bulk_update(moved, ["level", "passed", "since", "flipped"], batch_size=CHUNK)
    _tell(judge, changed)
    altered([each.entity_id for each in moved])
    return len(changed)


def _judged(judge: Scorecard, entities: Sequence[Entity]) -> Iterator[tuple[Entity, str, dict[str, bool]]]:
    """Each with its level and what it passes; without either where the filter leaves it out."""
    found = queries.judged([judge], entities)
    for entity in entities:
        for result in found.get(entity.pk, []):
            rules = [rule["identifier"] for rule in judge.rules]
            yield entity, result.level, dict(zip(rules, result.passed, strict=True))
            break
        else:
            yield entity, "", {}


def _change(judge: Scorecard, was: Standing, level: str, passed: dict[str, bool]) -> Json:
    rules = [
        {
            "identifier": rule["identifier"],
            "title": rule["title"],
            "level": rule["level"],
            "from": _status(was.passed.get(rule["identifier"])),
            "to": _status(passed.get(rule["identifier"])),
        }
        for rule in judge.rules
        if was.passed.get(rule["identifier"]) != passed.get(rule["identifier"])
    ]
    return {"from": was.level or None, "to": level or None, "rules": rules}


def _status(passed: bool | None) -> str | None:
    return None if passed is None else "SUCCESS" if passed else "FAILURE"


def _tell(judge: Scorecard, changed: Sequence[tuple[Entity, Json]]) -> None:
    if not changed:
        return
    causes = _causes(judge, [entity for entity, _ in changed])
    entries = [_entry(judge, entity, change, causes.get(entity.identifier)) for entity, change in changed]
    record_many(entries, by=system("scorecards"))


def _entry(judge: Scorecard, entity: Entity, change: Json, cause: Event | None) -> Entry:
    blueprint = judge.blueprint.identifier
    noun = Noun(
        "scorecard",
        f"{blueprint}/{judge.identifier}/{entity.identifier}"[:1000],
        f"{entity} from {change['from'] or NOBODY} to {change['to'] or NOBODY} by {judge.title}",
        blueprint=blueprint,
        entity=entity.identifier,
        service=entity.identifier if blueprint == "service" else "",
    )
    flips = {name: {each["title"]: each[name] for each in change["rules"]} for name in ("from", "to")}
    return Entry(
        "scorecard.level_changed",
        noun,
        before={"level": change["from"], "rules": flips["from"]},
        after={"level": change["to"], "rules": flips["to"]},
        payload={
            "scorecard": judge.identifier,
            "scorecardTitle": judge.title,
            "blueprint": blueprint,
            "entity": entity.identifier,
            **change,
            "cause": _told(cause),
        },
    )


def _told(cause: Event | None) -> Json | None:
    if cause is None:
        return None
    by = {"kind": cause.actor_kind, "name": cause.actor_name}
    return {"event": str(cause.public_id), "name": cause.name, "by": by, "door": cause.door, "at": iso(cause.at)}


def _causes(judge: Scorecard, entities: Sequence[Entity]) -> dict[str, Event]:
    """The last thing that happened to each since all were compared, or to the scorecard if that was later.

    Nothing where none is: then it came from a neighbour, or with time.
    """
    since = (judge.compared_at or judge.created_at) - LATELY
    names = [each.identifier for each in entities]
    own = Event.objects.filter(blueprint=judge.blueprint.identifier, entity__in=names, at__gte=since)
    found = {each.entity: each for each in own.order_by("entity", "-id").distinct("entity")}
    found = {name: each for name, each in found.items() if each.name != "scorecard.level_changed"}
    noun = judge.noun()
    defined = Event.objects.filter(noun=noun.kind, noun_id=noun.id, at__gte=since).order_by("-id").first()
    if defined is None or not judge.is_stale:
        return found
    return {name: each if (each := found.get(name)) and each.pk > defined.pk else defined for name in names}


def _finish(scorecard: Scorecard, now: datetime) -> None:
    """Unless somebody has changed the scorecard meanwhile: then all are compared again."""
    rows = Scorecard.objects.filter(pk=scorecard.pk, updated_at=scorecard.updated_at)
    if not rows.update(compared_at=now, is_stale=False):
        return
    counted = Standing.objects.filter(scorecard=scorecard).order_by().values_list("level").annotate(Count("pk"))
    Day.objects.bulk_create(
        [Day(scorecard=scorecard, day=now.date(), levels=dict(counted))],
        update_conflicts=True,
        unique_fields=["scorecard", "day"],
        update_fields=["levels"],
    )
