from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from catalog.models import Entity
from deployments.health.states import State
from portal.audit.nouns import Noun
from portal.kit.clock import iso
from portal.kit.ids import uuid7


class Standing(models.Model):
    """The health of one service in one environment: the worst that its probes say, in one row to join.

    After `stale_after` it says nothing any more: unknown, since then. `state` is paused where all probes are.
    """

    service = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    environment = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=12, choices=State.choices, default=State.UNKNOWN)
    since = models.DateTimeField(db_default=Now())
    checked_at = models.DateTimeField(null=True)
    stale_after = models.DateTimeField(null=True)
    run_version = models.CharField(max_length=300, blank=True)
    version_at = models.DateTimeField(null=True)
    # Whether our own prober asks any of them.
    is_polled = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "environment"], name="health_standing_once")]
        indexes = [models.Index(fields=["environment"], name="health_standing_place")]

    def __str__(self) -> str:
        return f"{self.state} since {iso(self.since)}"


class Maintenance(models.Model):
    """A window in which probes go on and nobody is alerted. It covers a probe, a place, or everything.

    Without keys it covers everything, and says so: `everything` is not implied by what has been deleted.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    everything = models.BooleanField(default=False)
    probe = models.ForeignKey("health.Probe", null=True, on_delete=models.CASCADE, related_name="+")
    service = models.ForeignKey(Entity, null=True, on_delete=models.CASCADE, related_name="+")
    environment = models.ForeignKey(Entity, null=True, on_delete=models.CASCADE, related_name="+")
    covers = models.TextField()  # in words
    reason = models.TextField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    # When it was looked at what is still bad after its end.
    settled_at = models.DateTimeField(null=True, editable=False)
    made_by = models.CharField(max_length=254)
    holder_key = models.CharField(max_length=60)

    class Meta:
        verbose_name_plural = "maintenance"
        constraints = [
            models.CheckConstraint(
                name="maintenance_has_one_scope",
                condition=(
                    Q(everything=True, probe=None, service=None, environment=None)
                    | Q(everything=False, probe__isnull=False, service=None, environment=None)
                    | Q(everything=False, probe=None, service__isnull=False)
                    | Q(everything=False, probe=None, environment__isnull=False)
                ),
            ),
            models.CheckConstraint(name="maintenance_ends_after_start", condition=Q(ends_at__gt=models.F("starts_at"))),
        ]
        indexes = [models.Index(fields=["ends_at"], name="maintenance_end")]

    def __str__(self) -> str:
        return f"maintenance of {self.covers}"

    def is_on(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at

    def noun(self) -> Noun:
        """With the place that it names: who may not see that is not told of it."""
        probe = self.probe
        service, environment = (each.identifier if each else "" for each in (self.service, self.environment))
        return Noun(
            "maintenance",
            str(self.public_id),
            self.covers,
            blueprint=probe.entity_blueprint if probe else "",
            entity=probe.entity_identifier if probe else "",
            service=probe.service_identifier if probe else service,
            environment=probe.environment_identifier if probe else environment,
        )

    def facts(self) -> dict[str, Any]:
        return {
            "covers": self.covers,
            "reason": self.reason,
            "starts_at": iso(self.starts_at),
            "ends_at": iso(self.ends_at),
            "by": self.made_by,
        }


class Prober(models.Model):
    """A process that probes, by the name of its machine. One that cannot reach its references is down, not the world."""

    name = models.CharField(max_length=200, unique=True)
    up = models.BooleanField(default=True)
    since = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    reason = models.TextField(blank=True)
    lag_ms = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.name

    def noun(self) -> Noun:
        return Noun("prober", self.name, self.name)

    def facts(self) -> dict[str, Any]:
        return {"state": "up" if self.up else "down", "since": iso(self.since), "reason": self.reason or None}
