"""The one way to create, override, merge, replace or patch entities, whatever the door."""

import logging
from collections.abc import Iterator, Sequence

from django.db import DatabaseError, IntegrityError, transaction

from catalog import kinds, queries
from catalog.commands.batch import Written, written
from catalog.commands.lookups import settled
from catalog.models import Entity
from catalog.wishes import Wish
from portal.kit.by import By
from portal.kit.database import cannot_hold, is_lost
from portal.kit.errors import Conflict, Invalid, PortalError
from portal.kit.locking import Moved, is_victim, retried

logger = logging.getLogger(__name__)

BUSY = "busy"


@retried
@transaction.atomic
def entity_write(wish: Wish, *, by: By) -> Entity:
    """One entity. The kind's owner may take the write over; live properties go to their owner's command."""
    return _one(settled(wish, by=by), by).entity


@transaction.atomic
def entity_store(wish: Wish, *, by: By, event: bool = True, checked: bool = True) -> Entity:
    """Stores it as it is wished, without asking the kind's owner.

    `event=False` is for an owner that records an event of its own for this noun; `checked=False` for what the
    portal itself writes, which no rule that people add to a blueprint may stop.
    """
    return _stored(wish, by, event=event, checked=checked).entity


def entities_write(wishes: Sequence[Wish], *, dry: bool = False, by: By) -> list[Written | PortalError]:
    """Each wish by itself, in order: what is wrong with one does not touch another. `dry` writes nothing.

    Wishes that do not depend on each other are written together, in a fixed number of statements.
    """
    plain = [_settled(wish, by) for wish in wishes]
    fates: dict[int, Written | PortalError] = {n: each for n, each in enumerate(plain) if isinstance(each, PortalError)}
    for group in _groups({n: each for n, each in enumerate(plain) if isinstance(each, Wish)}):
        fates |= zip(group, _fates(list(group.values()), dry, by), strict=True)
    return [fates[n] for n in range(len(wishes))]


def _settled(wish: Wish, by: By) -> Wish | PortalError:
    try:
        return settled(wish, by=by)
    except PortalError as error:
        return error


def _groups(wishes: dict[int, Wish]) -> Iterator[dict[int, Wish]]:
    """A group ends where a wish is for an entity that the group names already, as its own or as a target."""
    group: dict[int, Wish] = {}
    named: set[str] = set()
    for number, wish in wishes.items():
        owned = kinds.kind(wish.blueprint)
        alone = bool(owned and owned.write)
        last = next(reversed(group.values())) if group else wish
        if group and (alone or wish.identifier in named or wish.blueprint != last.blueprint):
            yield group
            group, named = {}, set()
        group[number] = wish
        named |= {wish.identifier, *(each for targets in wish.relations.values() for each in targets)} - {""}
        if alone:
            yield group
            group, named = {}, set()
    if group:
        yield group


def _fates(group: list[Wish], dry: bool, by: By) -> list[Written | PortalError]:
    if len(group) > 1:
        try:
            return _together(group, dry, by)
        except (PortalError, DatabaseError) as error:
            if is_lost(error) and not is_victim(error):
                raise
            # One of them cannot be stored. Which one shows when each goes by itself.
    return [_fate(wish, dry, by) for wish in group]


@retried
@transaction.atomic
def _together(group: list[Wish], dry: bool, by: By) -> list[Written | PortalError]:
    fates = written(group, by=by)
    if dry:
        transaction.set_rollback(True)
    return fates


def _fate(wish: Wish, dry: bool, by: By) -> Written | PortalError:
    try:
        return _alone(wish, dry, by)
    except PortalError as error:
        return error
    except DatabaseError as error:
        return _fault(error)


@retried
@transaction.atomic
def _alone(wish: Wish, dry: bool, by: By) -> Written:
    done = _one(wish, by)
    if dry:
        transaction.set_rollback(True)
    return done


def _one(wish: Wish, by: By) -> Written:
    kind = kinds.kind(wish.blueprint)
    if kind and kind.write:
        known = bool(wish.identifier) and queries.exists(wish.blueprint, wish.identifier)
        entity = kind.write(wish, by)
        if entity is not None:
            return Written(entity, not known)
    return _stored(wish, by)


def _stored(wish: Wish, by: By, *, event: bool = True, checked: bool = True) -> Written:
    try:
        (done,) = written([wish], by=by, event=event, checked=checked)
    except IntegrityError as taken:
        if getattr(getattr(taken.__cause__, "diag", None), "constraint_name", "") != "entity_once":
            raise
        if not wish.rename:
            raise Moved("Somebody has made it meanwhile.") from taken
        raise Conflict(f'Entity with identifier "{wish.rename}" already exists', code="identifier_taken") from taken
    if isinstance(done, PortalError):
        raise done
    return done


def _fault(error: DatabaseError) -> PortalError:
    """What a database's fault says to the one whose entity it was."""
    if cannot_hold(error):
        return Invalid("A value is too long, too large or malformed.")
    if is_victim(error):
        return Conflict("Too many wrote the same thing at once. Send this one again.", code=BUSY)
    if is_lost(error):
        raise error
    logger.error("An entity could not be written", exc_info=error)
    return PortalError("The portal made a mistake. It is in its log.", code="internal_error")
