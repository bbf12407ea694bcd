from collections.abc import Sequence

from django.db import transaction

from catalog import compute, hooks, kinds, queries
from catalog.commands.blueprints.write import held
from catalog.models import Blueprint
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict


@transaction.atomic
def blueprint_delete(blueprint: Blueprint, *, by: By) -> None:
    """Refused for a kind, while it has entities, and while another blueprint points at it."""
    require(by, "blueprint.write", blueprint=blueprint.identifier)
    blueprint = held(blueprint.identifier)
    check_deletable(blueprint)
    _check_empty(blueprint)
    _delete(blueprint, by)
    compute.derive()


@transaction.atomic
def blueprints_delete(identifiers: Sequence[str], *, by: By) -> None:
    """All or none, and they may point at each other. Refused as one would be, for what is not among them."""
    for identifier in identifiers:
        require(by, "blueprint.write", blueprint=identifier)
    doomed = [held(identifier) for identifier in sorted(identifiers)]
    for each in doomed:
        check_deletable(each, among=identifiers)
        _check_empty(each)
    for each in doomed:
        _delete(each, by)
    compute.derive()


def _check_empty(blueprint: Blueprint) -> None:
    count = blueprint.entities.count()
    if count:
        raise Conflict(
            f"The blueprint “{blueprint.title}” still has {count} entities; delete them first.",
            code="has_dependents",
            entities=count,
        )


def _delete(blueprint: Blueprint, by: By) -> None:
    hooks.blueprint_going(blueprint, by)
    record("blueprint.deleted", blueprint.noun(), by=by, before=blueprint.facts())
    blueprint.delete()


def check_deletable(blueprint: Blueprint, *, among: Sequence[str] = ()) -> None:
    """Whatever speaks against it, its entities aside, and those that go with it."""
    if kinds.kind(blueprint.identifier):
        raise Conflict(f"The blueprint “{blueprint.title}” comes with the portal and stays.", code="protected")
    pointing = queries.blueprints_pointing_at(blueprint.identifier, *among)
    if pointing:
        raise Conflict(
            f"{len(pointing)} blueprints point at it with relations or count its entities: {', '.join(pointing)}. "
            "Remove these first.",
            code="has_dependents",
            blueprints=pointing,
        )
