from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Cast, Coalesce, Concat

from catalog.models import Entity


class ScopeKind(models.TextChoices):
    """From the most particular to the widest."""

    PAIR = "pair", "one service in one environment"
    SERVICE = "service", "one service everywhere"
    ENVIRONMENT = "environment", "one environment"
    TEAM = "team", "all services of a team"
    TIER = "tier", "all environments of a tier"
    EVERYTHING = "everything", "everything"


class Effect(models.TextChoices):
    BLOCK = "block", "blocks everyone"
    BLOCK_AUTOMATION = "block_automation", "blocks automation, people may go on"
    WARN = "warn", "warns"


class Pass(models.TextChoices):
    """Who is let through all the same."""

    ROLLBACK = "rollback", "rollbacks"
    HOLDER = "holder", "its holder, in person"


def _text(value: str) -> Value:
    return Value(value, models.TextField())


def _text_of(key: str) -> Coalesce:
    return Coalesce(Cast(key, models.TextField()), _text(""))


class Scoped(models.Model):
    """Something that covers a scope. The keys decide, the texts remember: what has lost its entity covers nothing."""

    scope_kind = models.CharField(max_length=12, choices=ScopeKind.choices)
    service = models.ForeignKey(Entity, null=True, on_delete=models.SET_NULL, related_name="+")
    service_identifier = models.CharField(max_length=1000, blank=True)
    environment = models.ForeignKey(Entity, null=True, on_delete=models.SET_NULL, related_name="+")
    environment_identifier = models.CharField(max_length=1000, blank=True)
    tier = models.CharField(max_length=20, blank=True)
    team = models.CharField(max_length=1000, blank=True)
    # What a place is looked up by: one key for each scope that holds it (`covers_of`).
    cover = models.GeneratedField(
        expression=Concat(
            Cast("scope_kind", models.TextField()),
            _text(":"),
            _text_of("service_id"),
            _text(":"),
            _text_of("environment_id"),
            _text(":"),
            Cast("tier", models.TextField()),
            Cast("team", models.TextField()),
        ),
        output_field=models.TextField(),
        db_persist=True,
    )
    effect = models.CharField(max_length=16, choices=Effect.choices, default=Effect.BLOCK)
    allows = ArrayField(models.CharField(max_length=10, choices=Pass.choices), default=list, blank=True)
    holder_kind = models.CharField(max_length=12)
    holder_key = models.CharField(max_length=60)
    holder_name = models.CharField(max_length=254)

    class Meta:
        abstract = True

    @property
    def covers(self) -> str:
        """What it covers, in words."""
        return {
            "pair": f"{self.service_identifier} in {self.environment_identifier}",
            "service": f"{self.service_identifier} everywhere",
            "environment": f"all of {self.environment_identifier}",
            "team": f"the services of {self.team}",
            "tier": f"every {self.tier} environment",
            "everything": "everything",
        }[self.scope_kind]

    def owner_teams(self) -> list[str]:
        """Teams whose members may end it beside the holder."""
        teams = [self.team] if self.team else []
        for entity in (self.service, self.environment):
            teams += entity.team if entity else []
        return teams

    def scope_facts(self) -> dict[str, Any]:
        return {
            "scope": self.scope_kind,
            "service": self.service_identifier or None,
            "environment": self.environment_identifier or None,
            "tier": self.tier or None,
            "team": self.team or None,
        }


def cover(
    kind: str, service: int | None = None, environment: int | None = None, *, tier: str = "", team: str = ""
) -> str:
    """The same key as the column `cover`."""
    return f"{kind}:{service or ''}:{environment or ''}:{tier}{team}"


def scope_whole(name: str) -> models.CheckConstraint:
    """An absent service never widens a scope: each kind has exactly the fields that it needs."""
    return models.CheckConstraint(
        name=name,
        condition=(
            (Q(scope_kind__in=["pair", "service"]) & ~Q(service_identifier=""))
            | (~Q(scope_kind__in=["pair", "service"]) & Q(service_identifier="", service=None))
        )
        & (
            (Q(scope_kind__in=["pair", "environment"]) & ~Q(environment_identifier=""))
            | (~Q(scope_kind__in=["pair", "environment"]) & Q(environment_identifier="", environment=None))
        )
        & ((Q(scope_kind="tier") & ~Q(tier="")) | (~Q(scope_kind="tier") & Q(tier="")))
        & ((Q(scope_kind="team") & ~Q(team="")) | (~Q(scope_kind="team") & Q(team=""))),
    )
