from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from catalog.models import Entity
from portal.audit.nouns import Noun
from portal.kit.clock import iso
from portal.kit.ids import uuid7


class ScopeKind(models.TextChoices):
    """From the most particular to the widest."""

    PAIR = "pair", "one service in one environment"
    SERVICE = "service", "one service everywhere"
    ENVIRONMENT = "environment", "one environment"
    TEAM = "team", "all services of a team"
    TIER = "tier", "all environments of a tier"
    EVERYTHING = "everything", "everything"


class LockQuerySet(models.QuerySet["Lock"]):
    def active(self, at: datetime) -> "LockQuerySet":
        """Active is a predicate of the instant, half-open; no worker has to end a lock.

        A lock taken for now starts when it was made, even if the server's clock has since jumped back.
        """
        started = Q(starts_at__lte=at) | Q(starts_at__lte=F("created_at"))
        return self.filter(started, Q(expires_at=None) | Q(expires_at__gt=at), released_at=None)

    def ended(self, at: datetime) -> "LockQuerySet":
        return self.filter(Q(released_at__isnull=False) | Q(expires_at__lte=at))


class Lock(models.Model):
    """Keeps a scope from being deployed to. Never deleted, never overwritten: released, extended, or left to expire."""

    class Kind(models.TextChoices):
        MANUAL = "manual"
        INCIDENT = "incident"
        CANARY = "canary"
        ROLLBACK = "rollback"

    class Effect(models.TextChoices):
        BLOCK = "block", "blocks everyone"
        BLOCK_AUTOMATION = "block_automation", "blocks automation, people may go on"
        WARN = "warn", "warns"

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.MANUAL)
    effect = models.CharField(max_length=16, choices=Effect.choices, default=Effect.BLOCK)
    scope_kind = models.CharField(max_length=12, choices=ScopeKind.choices)
    # The keys decide, the texts remember: after an entity is gone its old locks cover nothing.
    service = models.ForeignKey(Entity, null=True, on_delete=models.SET_NULL, related_name="service_locks")
    service_identifier = models.CharField(max_length=1000, blank=True)
    environment = models.ForeignKey(Entity, null=True, on_delete=models.SET_NULL, related_name="environment_locks")
    environment_identifier = models.CharField(max_length=1000, blank=True)
    tier = models.CharField(max_length=20, blank=True)
    team = models.CharField(max_length=1000, blank=True)
    reason = models.TextField()
    link = models.URLField(max_length=2000, blank=True)
    holder_kind = models.CharField(max_length=12)
    holder_key = models.CharField(max_length=60)
    holder_name = models.CharField(max_length=254)
    automatic_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    starts_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    expiry_told_at = models.DateTimeField(null=True, editable=False)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=254, blank=True)
    release_reason = models.TextField(blank=True)

    objects: ClassVar[Any] = LockQuerySet.as_manager()

    class Meta:
        constraints = [
            # An absent service never widens a scope: each kind has exactly the fields that it needs.
            models.CheckConstraint(
                name="lock_scope_whole",
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
            ),
            models.CheckConstraint(name="lock_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="lock_ends_after_start", condition=Q(expires_at=None) | Q(expires_at__gt=F("starts_at"))
            ),
        ]
        indexes = [
            models.Index(fields=["service", "environment"], name="lock_live_place", condition=Q(released_at=None)),
            models.Index(fields=["expires_at"], name="lock_live_end", condition=Q(released_at=None)),
            models.Index(fields=["starts_at"], name="lock_live_start", condition=Q(released_at=None)),
            models.Index(
                fields=["expires_at"], name="lock_to_tell", condition=Q(released_at=None, expiry_told_at=None)
            ),
            models.Index(fields=["-id"], name="lock_newest"),
        ]

    def __str__(self) -> str:
        return f"lock of {self.covers}"

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

    def is_active(self, at: datetime) -> bool:
        """The same predicate as `LockQuerySet.active`."""
        started = self.starts_at <= max(at, self.created_at)
        return started and self.released_at is None and (self.expires_at is None or at < self.expires_at)

    def owner_teams(self) -> list[str]:
        """Teams whose members may release it beside the holder."""
        teams = [self.team] if self.team else []
        for entity in (self.service, self.environment):
            teams += entity.team if entity else []
        return teams

    def get_absolute_url(self) -> str:
        return reverse("locks:lock_detail", args=[self.public_id])

    def noun(self) -> Noun:
        return Noun(
            "lock",
            str(self.public_id),
            self.covers,
            service=self.service_identifier,
            environment=self.environment_identifier,
        )

    def facts(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "effect": self.effect,
            "scope": self.scope_kind,
            "service": self.service_identifier or None,
            "environment": self.environment_identifier or None,
            "tier": self.tier or None,
            "team": self.team or None,
            "reason": self.reason,
            "link": self.link or None,
            "holder": self.holder_name,
            "starts_at": iso(self.starts_at),
            "expires_at": iso(self.expires_at),
            "released_at": iso(self.released_at),
            "released_by": self.released_by or None,
            "release_reason": self.release_reason or None,
        }


class Denial(models.Model):
    """The gate said no: who asked, for what, and which locks stopped it."""

    at = models.DateTimeField()
    service_identifier = models.CharField(max_length=1000)
    environment_identifier = models.CharField(max_length=1000)
    intent = models.CharField(max_length=10)
    commit = models.CharField(max_length=100, blank=True)
    run = models.CharField(max_length=500, blank=True)
    actor_name = models.CharField(max_length=254)
    actor_key = models.CharField(max_length=60)
    door = models.CharField(max_length=10)
    message = models.TextField()
    lock_ids = ArrayField(models.UUIDField(), default=list)

    class Meta:
        indexes = [models.Index(fields=["-id"], name="denial_newest")]

    def __str__(self) -> str:
        return self.message
