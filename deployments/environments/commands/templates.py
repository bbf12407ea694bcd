"""Templates: made, changed and taken away by administrators."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog.schema.identifiers import check_identifier
from deployments.environments import providers, specs, terms
from deployments.environments.models import Template
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.clock import LONGEST, duration, in_words
from portal.kit.database import taken
from portal.kit.errors import Conflict, Invalid
from portal.kit.seal import seal

Json = dict[str, Any]

LENGTHS = ("default_ttl", "greatest_ttl", "soft_cap", "hard_cap", "verify_pause", "orphan_grace")
TEXTS = {"title": 100, "description": 500}
SHORTEST_SECRET = 16
SHORTEST_GRACE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
MOST_TRIES = 50
FIELDS = frozenset(
    "identifier title description enabled provider spec inputs quiet_hours teams team_limits most_per_owner "
    "cost_per_hour closes_with_pr tries".split()
) | set(LENGTHS)


@transaction.atomic
def template_create(wished: Json, *, secret: str = "", by: By) -> Template:
    """`wished` holds fields of Template; lengths are timedeltas or texts such as 8h. Raises Invalid with its fault."""
    require(by, "environment_template.write")
    template = Template()
    _fill(template, wished, secret)
    _save(template)
    record("environment_template.created", template.noun(), by=by, after=template.facts())
    return template


@transaction.atomic
def template_update(template: Template, wished: Json, *, secret: str = "", by: By) -> Template:
    """What it says of steps holds for what begins from now on; the caps of those that are here stay theirs."""
    require(by, "environment_template.write")
    template = Template.objects.select_for_update().get(pk=template.pk)
    before, identifier, spec = template.facts(), template.identifier, template.spec
    _fill(template, wished, secret)
    if template.identifier != identifier:
        raise Invalid.at("identifier", "stays as it is: environments and events name it")
    after = template.facts()
    if after != before or template.spec != spec or secret:
        template.updated_at = timezone.now()
        _save(template)
        payload = {"secret": "changed"} if secret else {}
        record("environment_template.updated", template.noun(), by=by, before=before, after=after, payload=payload)
    return template


@transaction.atomic
def template_delete(template: Template, *, by: By) -> None:
    """Conflict while any environment, or a tombstone, is of it: switch it off instead."""
    require(by, "environment_template.write")
    template = Template.objects.select_for_update().get(pk=template.pk)
    if template.environments.exists():
        raise Conflict(f"There are environments of {template}. Switch it off instead.", code="template_in_use")
    record("environment_template.deleted", template.noun(), by=by, before=template.facts())
    template.delete()


def _fill(template: Template, wished: Json, secret: str) -> None:
    unknown = sorted(wished.keys() - FIELDS)
    if unknown:
        raise Invalid.at(unknown[0], "is nothing that a template has")
    for name, value in wished.items():
        setattr(template, name, _length(value, name) if name in LENGTHS else value)
    check_identifier(template.identifier, "identifier", longest=100)
    for name, longest in TEXTS.items():
        text = getattr(template, name)
        if not isinstance(text, str) or len(text.strip()) > longest or (name == "title" and not text.strip()):
            raise Invalid.at(name, f"must be a text of at most {longest} characters")
    if template.provider not in Template.Provider.values:
        raise Invalid.at("provider", f"must be one of {', '.join(Template.Provider.values)}")
    if not isinstance(template.tries, int) or not 1 <= template.tries <= MOST_TRIES:
        raise Invalid.at("tries", f"must be a whole number from 1 to {MOST_TRIES}")
    template.spec = specs.check_spec(template.spec)
    template.inputs = specs.check_declared(template.inputs)
    template.quiet_hours = terms.check_quiet_hours(template.quiet_hours)
    if secret:
        if len(secret) < SHORTEST_SECRET:
            raise Invalid.at("secret", f"must be of {SHORTEST_SECRET} characters or more")
        template.secret = seal(secret)
    _check_lengths(template)
    _check_limits(template)
    providers.named(template.provider).check(template)


def _length(value: Any, path: str) -> timedelta:
    return value if isinstance(value, timedelta) else duration(value, path)


def _check_lengths(template: Template) -> None:
    for name in LENGTHS:
        if not timedelta(0) <= getattr(template, name) <= LONGEST:
            raise Invalid.at(name, f"must be from 0 to {LONGEST.days} days")
    if template.default_ttl < terms.SHORTEST:
        raise Invalid.at("default_ttl", f"must be {in_words(terms.SHORTEST)} or longer")
    if template.verify_pause > LONGEST_PAUSE:
        raise Invalid.at("verify_pause", f"must be {in_words(LONGEST_PAUSE)} or less")
    for less, more in (("default_ttl", "greatest_ttl"), ("greatest_ttl", "hard_cap"), ("soft_cap", "hard_cap")):
        if getattr(template, less) > getattr(template, more):
            raise Invalid.at(less, f"must not be longer than {more}, {in_words(getattr(template, more))}")
    if template.orphan_grace < SHORTEST_GRACE:
        raise Invalid.at("orphan_grace", f"must be {in_words(SHORTEST_GRACE)} or longer")


def _check_limits(template: Template) -> None:
    most = template.most_per_owner
    if most is not None and (type(most) is not int or not 0 <= most < 100_000):
        raise Invalid.at("most_per_owner", "must be a whole number, or nothing")
    if not isinstance(template.teams, list) or any(not isinstance(each, str) for each in template.teams):
        raise Invalid.at("teams", "must be a list of teams")
    if not isinstance(template.team_limits, dict):
        raise Invalid.at("team_limits", "must lead from a team to its limits")
    for team, limits in template.team_limits.items():
        path = f"team_limits.{team}"
        if not isinstance(limits, dict) or limits.keys() - {"most", "default_ttl", "greatest_ttl"}:
            raise Invalid.at(path, "may have most, default_ttl and greatest_ttl")
        most = limits.get("most")
        if most is not None and (type(most) is not int or not 0 <= most < 100_000):
            raise Invalid.at(f"{path}.most", "must be a whole number")
        for name in ("default_ttl", "greatest_ttl"):
            if name in limits and not terms.SHORTEST <= duration(limits[name], f"{path}.{name}") <= template.hard_cap:
                raise Invalid.at(f"{path}.{name}", f"must lie between 5 min and {in_words(template.hard_cap)}")


def _save(template: Template) -> None:
    with taken("identifier", f"There is a template called “{template.identifier}” already."):
        template.save()
