from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog.models import Blueprint
from catalog.schema.validate import check_shape
from catalog.scorecards import queries
from catalog.scorecards.commands.rows import rows_forget, rows_keep
from catalog.scorecards.models import Scorecard
from catalog.scorecards.queries.rows import RESULT
from catalog.scorecards.shapes import COLUMNS, LIST, check, check_once, columns_of
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid
from portal.kit.locking import advisory_lock

Json = dict[str, Any]


@transaction.atomic
def scorecard_create(blueprint: Blueprint, definition: Json, *, by: By) -> Scorecard:
    require(by, "scorecard.write", blueprint=blueprint.identifier)
    if blueprint.identifier == RESULT:
        raise Conflict(
            "Results of rules are not judged in turn: each would have a result of its own, without end.",
            code="protected",
        )
    check(definition)
    queries.require_sight(by, blueprint, definition)
    scorecard, is_new = Scorecard.objects.get_or_create(
        blueprint=blueprint,
        identifier=definition["identifier"],
        defaults={"created_by": by.actor.name, "updated_by": by.actor.name, **columns_of(definition)},
    )
    if not is_new:
        raise Conflict(f'Scorecard with identifier "{scorecard.identifier}" already exists', code="identifier_taken")
    record("scorecard.created", scorecard.noun(), by=by, after=scorecard.facts())
    rows_keep(scorecard, by=by)
    return scorecard


@transaction.atomic
def scorecard_update(scorecard: Scorecard, definition: Json, *, partial: bool = False, by: By) -> Scorecard:
    """Sets the whole definition, or its top-level keys that are given when `partial`. Nothing changed is no event."""
    require(by, "scorecard.write", blueprint=scorecard.blueprint.identifier)
    scorecard = queries.scorecard(scorecard.blueprint, scorecard.identifier, held=True)
    before = scorecard.facts()
    wished = before | definition if partial else {"identifier": scorecard.identifier} | definition
    check(wished)
    queries.require_sight(by, scorecard.blueprint, wished, before=before)
    if wished["identifier"] != scorecard.identifier:
        raise Invalid.at("identifier", "a scorecard keeps its identifier")
    for name, value in columns_of(wished).items():
        setattr(scorecard, name, value)
    after = scorecard.facts()
    if after != before:
        scorecard.updated_at, scorecard.updated_by, scorecard.is_stale = timezone.now(), by.actor.name, True
        scorecard.save(update_fields=[*COLUMNS[1:], "extra", "updated_at", "updated_by", "is_stale"])
        rows_keep(scorecard, by=by)
        record("scorecard.updated", scorecard.noun(), by=by, before=before, after=after)
    return scorecard


@transaction.atomic
def scorecard_delete(scorecard: Scorecard, *, by: By) -> None:
    require(by, "scorecard.write", blueprint=scorecard.blueprint.identifier)
    scorecard = queries.scorecard(scorecard.blueprint, scorecard.identifier, held=True)
    record("scorecard.deleted", scorecard.noun(), by=by, before=scorecard.facts())
    rows_forget(scorecard, by)
    scorecard.delete()


@transaction.atomic
def scorecards_replace(blueprint: Blueprint, definitions: list[Json], *, by: By) -> list[Scorecard]:
    """These and no others: one event for each that is made, changed or goes. All or nothing."""
    require(by, "scorecard.write", blueprint=blueprint.identifier)
    check_shape(LIST, definitions)
    check_once([each.get("identifier", "") for each in definitions], "{}.identifier")
    advisory_lock("scorecards", blueprint.identifier)  # one list at a time
    there = {each.identifier: each for each in queries.scorecards(by, blueprint)}
    kept: dict[str, Scorecard] = {}
    for n, definition in enumerate(definitions):
        old = there.get(definition.get("identifier", ""))
        try:
            made = scorecard_update(old, definition, by=by) if old else scorecard_create(blueprint, definition, by=by)
        except Invalid as fault:
            raise Invalid.of([each | {"path": f"{n}.{each['path']}"} for each in fault.details["errors"]]) from fault
        kept[made.identifier] = made
    for identifier, old in there.items():
        if identifier not in kept:
            scorecard_delete(old, by=by)
    return list(kept.values())
