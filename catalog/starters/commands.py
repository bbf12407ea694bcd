"""A starter is imported, and taken out again: each one command, one transaction, all or nothing."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from catalog.commands import blueprints_import, entity_write, view_save
from catalog.models import Blueprint
from catalog.scorecards.commands import scorecard_create, scorecard_update
from catalog.scorecards.models import Scorecard
from catalog.starters import removal, shelf
from catalog.starters.changes import Change, assembled, changes
from catalog.starters.models import Brought
from catalog.starters.queries import catalog_of
from catalog.starters.shelf import Starter
from catalog.wishes import parse
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Missing
from portal.kit.locking import advisory_lock, retried

Json = dict[str, Any]


@dataclass(frozen=True)
class Imported:
    """`done` came or was set; `left` is here otherwise and stays so."""

    done: list[Change]
    left: list[Change]


@retried
@transaction.atomic
def starter_import(identifier: str, *, examples: bool = False, overwrite: bool = False, by: By) -> Imported:
    """Adds what is not here. What is here otherwise stays, unless `overwrite` sets it as the starter has it.

    Again it changes nothing, and records nothing. Raises Missing for an unknown starter, Refused, Conflict.
    """
    require(by, "blueprint.write")
    starter = shelf.starter(identifier)
    _hold(starter)
    there = catalog_of([starter], examples=examples)
    told = changes(starter, there, examples=examples)
    words = {"new", "differs"} if overwrite else {"new"}
    done = [each for each in told if each.word in words]
    left = [each for each in told if each.word in {"differs", "taken"} and each not in done]
    if done:
        if definitions := assembled(starter, there, done):
            blueprints_import(definitions, by=by)
        for each in done:
            _follow(each, by)
        _note(starter, done, by)
    return Imported(done, left)


@retried
@transaction.atomic
def starter_remove(identifier: str, *, preview: bool = False, by: By) -> removal.Removed:
    """Takes out what is still as it came and holds nothing of anybody's; says what stays, and why.

    A preview does all of it and takes it back. Raises Missing where it was not imported.
    """
    require(by, "blueprint.write")
    starter = shelf.starter(identifier)
    _hold(starter)
    brought = Brought.objects.select_for_update().filter(starter=identifier).first()
    if brought is None:
        raise Missing(f"The starter “{starter.title}” was not imported here.")
    before = brought.facts()
    removed = removal.removed(brought.parts, by=by)
    if removed.gone:
        brought.parts = [each.part for each in removed.left if not each.forgotten]
        left = [f"{each.label}: {each.why}" for each in removed.left]
        after = brought.facts() if brought.parts else None
        record("starter.removed", brought.noun(), by=by, before=before, after=after, payload={"left": left})
        if brought.parts:
            brought.save(update_fields=["parts"])
        else:
            brought.delete()
    transaction.set_rollback(preview)
    return removed


def _hold(starter: Starter) -> None:
    """One who imports at a time; and nobody changes the blueprints meanwhile."""
    advisory_lock("starters")
    for name in sorted(starter.named):
        advisory_lock("schema", name)


def _follow(change: Change, by: By) -> None:
    """Whatever is no part of a blueprint's definition."""
    if change.what == "scorecard":
        blueprint = Blueprint.objects.get(identifier=change.blueprint)
        old = Scorecard.objects.select_related("blueprint").filter(blueprint=blueprint, identifier=change.name).first()
        if old:
            scorecard_update(old, change.wished, by=by)
        else:
            scorecard_create(blueprint, change.wished, by=by)
    elif change.what == "view":
        blueprint = Blueprint.objects.get(identifier=change.blueprint)
        view_save(blueprint, change.name, change.wished["query"], shared=True, by=by)
    elif change.what == "entity":
        entity_write(parse(change.blueprint, change.wished, mode="create"), by=by)


def _note(starter: Starter, done: list[Change], by: By) -> None:
    brought, is_new = Brought.objects.get_or_create(
        starter=starter.identifier, defaults={"title": starter.title, "created_by": by.actor.name}
    )
    before = None if is_new else brought.facts()
    # What was here before, and was set, is none that it brought.
    fresh = [each for each in done if each.word == "new"]
    parts = {(each["what"], each["blueprint"], each["name"]): each for each in brought.parts}
    parts |= {each.key: each.part for each in done if each in fresh or each.key in parts}
    brought.parts = list(parts.values())
    brought.save(update_fields=["parts"])
    record("starter.imported", brought.noun(), by=by, before=before, after=brought.facts())
