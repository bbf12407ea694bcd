from django.db.models import QuerySet

from deployments.environments.models import Template
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Missing


def templates(by: By, *, usable: bool = False) -> QuerySet[Template]:
    """`usable`: those that are on and that he may ask for."""
    require(by, "environment.read")
    found = Template.objects.order_by("title", "id")
    if not usable:
        return found
    found = found.filter(enabled=True)
    if by.actor.is_admin or not by.actor.is_person:
        return found
    return found.filter(teams=[]) | found.filter(teams__overlap=sorted(by.actor.teams))


def template(by: By, identifier: str) -> Template:
    found = templates(by).filter(identifier=identifier).first()
    if found is None:
        raise Missing(f"There is no template called “{identifier}”.")
    return found
