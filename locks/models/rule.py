from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, Upper
from django.urls import reverse

from catalog.models import Entity
from locks.models.lock import Lock
from locks.models.scoped import Effect, Pass, ScopeKind
from portal.audit.nouns import Noun
from portal.kit.ids import uuid7


class LockRule(models.Model):
    """Takes a lock by itself when a place's health turns bad. An empty list of where it holds is everywhere."""

    class On(models.TextChoices):
        VERDICT = "verdict", "a deployment's watch has failed"
        FAILING = "failing", "a probe fails, or is down"
        DOWN = "down", "a probe is down"

    # How wide its locks are.
    SCOPES: ClassVar = [ScopeKind.PAIR, ScopeKind.SERVICE, ScopeKind.ENVIRONMENT]

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    name = models.CharField(max_length=100)
    on = ArrayField(models.CharField(max_length=10, choices=On.choices))
    tiers = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    teams = ArrayField(models.CharField(max_length=1000), default=list, blank=True)
    services = ArrayField(models.CharField(max_length=1000), default=list, blank=True)
    environments = ArrayField(models.CharField(max_length=1000), default=list, blank=True)
    scope = models.CharField(max_length=12, choices=ScopeKind.choices, default=ScopeKind.PAIR)
    effect = models.CharField(max_length=16, choices=Effect.choices, default=Effect.BLOCK)
    lets_rollbacks = models.BooleanField(default=True)
    healthy_for = models.DurationField()
    at_most = models.DurationField()
    reason = models.CharField(max_length=500)
    dry_run = models.BooleanField(default=True)
    enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(Upper("name"), name="lock_rule_name"),
            models.CheckConstraint(
                name="lock_rule_scope",
                condition=Q(scope__in=[ScopeKind.PAIR, ScopeKind.SERVICE, ScopeKind.ENVIRONMENT]),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def allows(self) -> list[str]:
        return [Pass.ROLLBACK] if self.lets_rollbacks else []

    @property
    def key(self) -> str:
        """By which its locks know their holder."""
        return f"rule:{self.public_id}"

    def get_absolute_url(self) -> str:
        return reverse("locks:rule_detail", args=[self.public_id])

    def noun(self) -> Noun:
        return Noun("lock_rule", str(self.public_id), self.name)

    def facts(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "on": sorted(self.on),
            "tiers": self.tiers,
            "teams": self.teams,
            "services": self.services,
            "environments": self.environments,
            "scope": self.scope,
            "effect": self.effect,
            "lets_rollbacks": self.lets_rollbacks,
            "healthy_for_seconds": int(self.healthy_for.total_seconds()),
            "at_most_seconds": int(self.at_most.total_seconds()),
            "reason": self.reason,
            "dry_run": self.dry_run,
            "enabled": self.enabled,
        }


class HeardProbe(models.Model):
    """What was last heard of a probe of a place: whether the place is well is asked of these.

    `event` is the key of the event that said it. `unwell_since` is when it was healthy last; None while it is.
    """

    probe = models.CharField(max_length=64, unique=True)
    service = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    environment = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=20)
    paused = models.BooleanField(default=False)
    since = models.DateTimeField()
    unwell_since = models.DateTimeField(null=True)
    event = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["service", "environment"], name="heard_probe_place")]

    def __str__(self) -> str:
        return f"{self.probe} {self.state}"


class RuleHold(models.Model):
    """The time for which a rule holds a scope: by `lock`, or only in a dry run.

    `release_at` is when it lets go if the place stays as well as it is; None while it is not well. `until` is when it
    lets go in any case; a lock's own end counts where there is one.
    """

    rule = models.ForeignKey(LockRule, null=True, on_delete=models.SET_NULL, related_name="holds")
    lock = models.OneToOneField(Lock, null=True, on_delete=models.CASCADE, related_name="hold")
    cover = models.TextField()
    covers = models.TextField()
    reason = models.TextField()
    healthy_for = models.DurationField()
    began_at = models.DateTimeField()
    until = models.DateTimeField()
    release_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_because = models.TextField(blank=True)
    by_hand = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "cover"], name="rule_hold_once", condition=Q(ended_at=None, lock__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["rule", "cover"], name="rule_trial_once", condition=Q(ended_at=None, lock__isnull=True)
            ),
        ]
        indexes = [
            models.Index(fields=["release_at"], name="rule_hold_due", condition=Q(ended_at=None)),
            models.Index(fields=["rule", "-id"], name="rule_hold_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} of {self.covers}"

    @property
    def dry(self) -> bool:
        return self.lock_id is None

    @property
    def end(self) -> datetime | None:
        """When it lets go in any case; None when somebody has made its lock an open-ended one."""
        return self.lock.expires_at if self.lock else self.until

    def is_on(self, at: datetime) -> bool:
        if self.ended_at:
            return False
        return self.lock.is_active(at) if self.lock else at < self.until


class Evidence(models.Model):
    """What a rule acted upon, once for each thing that happened; with the values that made it fail."""

    class Outcome(models.TextChoices):
        HELD = "held", "held the place"
        JOINED = "joined", "held already"
        LET_BE = "let_be", "somebody had released the lock"

    # A deleted rule leaves its locks, and what they wait for.
    rule = models.ForeignKey(LockRule, null=True, on_delete=models.SET_NULL, related_name="evidence")
    hold = models.ForeignKey(RuleHold, null=True, on_delete=models.CASCADE, related_name="evidence")
    key = models.CharField(max_length=120)
    # The deployment or the probe that it is about, by its public id.
    subject = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField()
    service = models.ForeignKey(Entity, null=True, on_delete=models.SET_NULL, related_name="+")
    service_identifier = models.CharField(max_length=1000)
    environment = models.ForeignKey(Entity, null=True, on_delete=models.SET_NULL, related_name="+")
    environment_identifier = models.CharField(max_length=1000)
    reason = models.TextField()
    values = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [models.UniqueConstraint(fields=["rule", "key"], name="evidence_once")]
        indexes = [models.Index(fields=["rule", "-id"], name="evidence_newest")]

    def __str__(self) -> str:
        return self.key

    @property
    def is_verdict(self) -> bool:
        return self.key.startswith("watch:")
