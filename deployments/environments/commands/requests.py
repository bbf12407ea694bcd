"""Environments that somebody asks for."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from catalog import queries as catalog
from catalog.commands import entity_store
from catalog.models import Entity
from catalog.wishes import Wish, checked
from deployments.environments import rounds, specs, terms
from deployments.environments.commands.told import tell
from deployments.environments.models import Environment, Template
from portal.accounts.models import Team, User
from portal.accounts.policy import require
from portal.accounts.queries import user_of
from portal.kit.by import By, trusted
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid, Refused
from portal.kit.ids import random_text
from portal.kit.locking import advisory_lock, retried

Json = dict[str, Any]

LONGEST_NAME = 200
LINK = re.compile(r"https?://[^\s<>|]{1,980}")


@retried
@transaction.atomic
def environment_request(
    template: Template,
    *,
    name: str = "",
    ttl: timedelta | None = None,
    owner: User | None = None,
    fallback_owner: User | None = None,
    team: str = "",
    inputs: Json | None = None,
    reason: str = "",
    pr_url: str = "",
    recreated_from: Environment | None = None,
    now: datetime | None = None,
    by: By,
) -> Environment:
    """Makes it, with the catalog's entity, and has it provisioned. Its time runs from now on.

    Without an owner it is the person who asks; without a team his only one. Raises Refused, Invalid, or Conflict
    where the name is taken or there are as many as the template allows.
    """
    require(by, "environment.request")
    template = Template.objects.get(pk=template.pk)
    team = _team(team, by)
    _check_template(template, team, by)
    owner = owner or user_of(by.actor.key)
    for path, person in (("owner", owner), ("fallback_owner", fallback_owner)):
        if person and not person.is_active:
            raise Invalid.at(path, f"{person} is not active any more")
    if owner and by.actor.is_person and not by.actor.is_admin and by.actor.key != f"user:{owner.pk}":
        raise Refused(f"{by.actor.name} may not ask for an environment in the name of {owner}.")
    given = specs.given_inputs(template.inputs, {} if inputs is None else inputs)
    pr_url = _link(pr_url)
    reason = reason.strip()
    if len(reason) > terms.LONGEST_REASON:
        raise Invalid.at("reason", "keep it within 2,000 characters")
    now = now or database_now()
    end = terms.first_end(template, team, ttl, now)
    advisory_lock("environments of", str(template.pk))
    _check_number(template, owner, team)
    name = _name(name, template)
    environment = Environment(
        entity=entity_for(name, team, by),
        name=name,
        template=template,
        owner=owner,
        owner_name=str(owner or ""),
        fallback_owner=fallback_owner,
        team=team,
        requested_key=by.actor.key,
        requested_by=by.actor.name,
        reason=reason,
        inputs=given,
        pr_url=pr_url,
        requested_at=now,
        state_at=now,
        armed_at=now,
        expires_at=end,
        hard_until=now + template.hard_cap,
        recreated_from=recreated_from,
    )
    rounds.arm(environment, now)
    environment.save()
    rounds.begin(environment, Environment.Phase.PROVISION, now)
    environment.save(update_fields=["phase", "round", "work_at"])
    tell("environment.requested", environment, by=by)
    return environment


def environment_recreate(
    environment: Environment, *, ttl: timedelta | None = None, now: datetime | None = None, by: By
) -> Environment:
    """Another one like one that is gone: of the same name where that is free, with the same inputs.

    Who asks is its owner; a program that asks leaves it to whom it belonged. Raises Conflict while the old one lives.
    """
    if environment.is_living:
        raise Conflict(f"{environment} is still here: {environment.get_state_display()}.", code="living_environment")
    person = user_of(by.actor.key)
    former = environment.owner if environment.owner and environment.owner.is_active else None
    declared = environment.template.inputs.get("properties") or {}
    return environment_request(
        environment.template,
        name=environment.name,
        ttl=ttl,
        owner=person or former,
        fallback_owner=environment.fallback_owner,
        team=environment.team if _may_name(environment.team, by) else "",
        inputs={name: value for name, value in environment.inputs.items() if name in declared},
        reason=f"Recreated: {environment.reason}"[: terms.LONGEST_REASON] if environment.reason else "",
        pr_url=environment.pr_url,
        recreated_from=environment,
        now=now,
        by=by,
    )


def _team(name: str, by: By) -> str:
    if name:
        if not Team.objects.filter(identifier=name).exists():
            raise Invalid.at("team", f"there is no team {name}")
        if not _may_name(name, by):
            raise Refused(f"{by.actor.name} is no member of the team {name}.")
        return name
    return next(iter(by.actor.teams)) if len(by.actor.teams) == 1 else ""


def _may_name(team: str, by: By) -> bool:
    return not by.actor.is_person or by.actor.is_admin or team in by.actor.teams


def _check_template(template: Template, team: str, by: By) -> None:
    if not template.enabled:
        raise Conflict(f"{template} is switched off.", code="template_off")
    if not template.teams or by.actor.is_admin:
        return
    own = by.actor.teams if by.actor.is_person else {team}
    if own.isdisjoint(template.teams):
        raise Refused(f"{by.actor.name} may not ask for {template}: the teams {', '.join(template.teams)} may.")


def _check_number(template: Template, owner: User | None, team: str) -> None:
    """The caller holds the template's number."""
    living = template.environments.filter(pk__in=Environment.objects.living().values("pk"))
    most = template.most_per_owner
    if owner and most is not None and living.filter(owner=owner).count() >= most:
        raise Conflict(f"{owner} has {most} of {template} already, and no more are allowed.", code="too_many")
    most = (template.team_limits.get(team) or {}).get("most")
    if most is not None and living.filter(team=team).count() >= most:
        raise Conflict(f"The team {team} has {most} of {template} already, and no more are allowed.", code="too_many")


def _name(name: str, template: Template) -> str:
    name = name.strip()
    if not name:
        return f"{template.identifier[:100]}-{random_text(6).lower()}"
    if len(name) > LONGEST_NAME:
        raise Invalid.at("name", f"must be {LONGEST_NAME} characters or fewer")
    return checked(name)


def entity_for(name: str, team: str, by: By) -> Entity:
    """The catalog's environment. One that a former environment left behind is taken again, no other."""
    if catalog.exists("environment", name):
        left = Environment.objects.filter(name=name, entity__identifier=name, state=Environment.State.TORN_DOWN)
        if Environment.objects.living().filter(name=name).exists() or not left.exists():
            raise Conflict(f"There is an environment called “{name}” already.", code="identifier_taken")
    wish = Wish(
        "environment",
        name,
        "merge",
        team=(team,) if team else (),
        properties={"tier": "development"},
        given=frozenset({"team", "properties"}),
    )
    return entity_store(wish, by=trusted(by), checked=False)


def _link(url: str) -> str:
    url = url.strip().rstrip("/")
    if url and not LINK.fullmatch(url):
        raise Invalid.at("pr_url", "must start with https:// or http://, without blanks, |, < and >")
    return url
