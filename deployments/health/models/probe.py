from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from catalog.models import Entity
from deployments.health.states import State
from portal.audit.nouns import Noun
from portal.kit.ids import uuid7
from portal.kit.masks import HIDDEN

Json = dict[str, Any]

# How long a result says anything: so many intervals, and no less than this.
HELD = 3
SHORTEST_HOLD = timedelta(seconds=60)


class Kind(models.TextChoices):
    HTTP = "http"
    TCP = "tcp"
    HEARTBEAT = "heartbeat"  # the service calls us
    OUTSIDE = "outside"  # somebody else probes it, and tells us


POLLED = (Kind.HTTP.value, Kind.TCP.value)


def held_for(interval: int, grace: float | None) -> timedelta:
    """How long a result says anything, of a probe that asks every `interval` seconds."""
    return max(HELD * timedelta(seconds=interval), SHORTEST_HOLD) + timedelta(seconds=grace or 0)


class Probe(models.Model):
    """Asks one thing of a service in an environment, or of any entity: again and again.

    The keys decide, the texts remember. `state` is the verdict over its results; what an instant makes of it
    (stale, paused, maintenance, prober_down) is reckoned on read.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    service = models.ForeignKey(Entity, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    service_identifier = models.CharField(max_length=1000, blank=True)
    environment = models.ForeignKey(Entity, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    environment_identifier = models.CharField(max_length=1000, blank=True)
    entity = models.ForeignKey(Entity, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    entity_blueprint = models.CharField(max_length=100, blank=True)
    entity_identifier = models.CharField(max_length=1000, blank=True)
    # What `specs` has checked. The values of headers are secrets: they stand sealed beside it.
    spec = models.JSONField(default=dict)
    headers = models.TextField(blank=True)
    token_hash = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001
    host = models.CharField(max_length=255, blank=True, editable=False)
    interval = models.PositiveIntegerField(default=60)  # seconds
    timeout = models.FloatField(default=5.0)  # seconds
    failure_threshold = models.PositiveSmallIntegerField(default=3)
    recovery_threshold = models.PositiveSmallIntegerField(default=2)
    paused = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=254)

    state = models.CharField(max_length=12, choices=State.choices, default=State.UNKNOWN, editable=False)
    since = models.DateTimeField(db_default=Now(), editable=False)
    reason = models.TextField(blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    ms = models.PositiveIntegerField(null=True, editable=False)
    run_version = models.CharField(max_length=300, blank=True, editable=False)
    # Results before it are of what it asked before.
    judged_from = models.DateTimeField(db_default=Now(), editable=False)
    # While somebody watches a deployment it is asked more often.
    hurry_until = models.DateTimeField(null=True, editable=False)

    # Hours before it are in summaries.
    summed_until = models.DateTimeField(null=True, editable=False)

    due_at = models.DateTimeField(null=True, editable=False)
    lease = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="probe_has_one_place",
                condition=(
                    Q(service_id__isnull=False, environment_id__isnull=False, entity_id=None)
                    | Q(service_id=None, environment_id=None, entity_id__isnull=False)
                ),
            ),
            models.CheckConstraint(name="probe_times_out_in_time", condition=Q(timeout__lt=models.F("interval"))),
            models.UniqueConstraint(
                fields=["service", "environment", "name"], name="probe_of_place_once", condition=Q(entity=None)
            ),
            models.UniqueConstraint(
                fields=["entity", "name"], name="probe_of_entity_once", condition=Q(entity__isnull=False)
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="probe_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["host"], name="probe_leased", condition=Q(lease__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.where}: {self.name}"

    @property
    def where(self) -> str:
        if self.entity_identifier:
            return self.entity_identifier
        return f"{self.service_identifier} in {self.environment_identifier}"

    @property
    def is_polled(self) -> bool:
        """Whether our own prober asks; what comes to us by itself does not depend on its network."""
        return self.kind in POLLED

    @property
    def hold(self) -> timedelta:
        """How long the last result says anything."""
        return held_for(self.interval, self.spec.get("grace"))

    @property
    def stale_after(self) -> datetime | None:
        return self.checked_at + self.hold if self.checked_at else None

    def owner_teams(self) -> list[str]:
        return [team for each in (self.service, self.environment, self.entity) if each for team in each.team]

    def noun(self) -> Noun:
        return Noun(
            "probe",
            str(self.public_id),
            str(self),
            blueprint=self.entity_blueprint,
            entity=self.entity_identifier,
            service=self.service_identifier,
            environment=self.environment_identifier,
        )

    def facts(self) -> Json:
        return {
            "name": self.name,
            "kind": self.kind,
            "service": self.service_identifier or None,
            "environment": self.environment_identifier or None,
            "blueprint": self.entity_blueprint or None,
            "entity": self.entity_identifier or None,
            "spec": self.spec | ({"headers": dict.fromkeys(self.spec["headers"], HIDDEN)} if self.spec.get("headers") else {}),
            "interval": self.interval,
            "timeout": self.timeout,
            "failure_threshold": self.failure_threshold,
            "recovery_threshold": self.recovery_threshold,
            "paused": self.paused,
        }  # fmt: skip

    objects: ClassVar[Any] = models.Manager()
