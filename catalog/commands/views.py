from django.db import transaction

from catalog.models import Blueprint, View
from portal.accounts.models import User
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Invalid, Refused

LONGEST = 8000


@transaction.atomic
def view_save(blueprint: Blueprint, title: str, query: str, *, shared: bool, by: By) -> View:
    """Keeps it under its title, instead of what had the title before: one's own, or everybody's when `shared`."""
    require(by, "view.share" if shared else "view.keep", blueprint=blueprint.identifier)
    title = title.strip()
    if not title or len(title) > 100:
        raise Invalid.at("title", "give it a name of at most 100 characters")
    if len(query) > LONGEST:
        raise Invalid.at("query", "holds too much to be kept")
    owner = None if shared else _person(by)
    view, is_new = View.objects.select_for_update(of=("self",)).get_or_create(
        blueprint=blueprint, owner=owner, title=title, defaults={"query": query}
    )
    if is_new:
        record("view.created", view.noun(), by=by, after=view.facts())
    elif view.query != query:
        before = view.facts()
        view.query = query
        view.save(update_fields=["query"])
        record("view.updated", view.noun(), by=by, before=before, after=view.facts())
    return view


@transaction.atomic
def view_delete(view: View, *, by: By) -> None:
    if view.owner is None:
        require(by, "view.share", blueprint=view.blueprint.identifier)
    elif view.owner != _person(by):
        raise Refused(f"The view “{view.title}” is somebody else's.")
    record("view.deleted", view.noun(), by=by, before=view.facts())
    view.delete()


def _person(by: By) -> User:
    if not by.actor.is_person:
        raise Refused("Only people keep views.")
    return User.objects.get(pk=int(by.actor.key.removeprefix("user:")))
