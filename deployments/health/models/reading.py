from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from deployments.health.models.probe import Probe
from deployments.health.states import Level, Outcome, State, level_of
from portal.kit.clock import iso
from portal.kit.ids import uuid7


class Reading(models.Model):
    """One result, at its own time: when it was asked for, whenever it came. `key`: the sender's own name of it."""

    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="readings")
    at = models.DateTimeField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    answered = models.BooleanField(default=True)
    ms = models.PositiveIntegerField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    reason = models.TextField(blank=True)
    values = models.JSONField(default=dict)
    run_version = models.CharField(max_length=300, blank=True)
    key = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["probe", "key"], name="reading_once", condition=~Q(key=""))]
        indexes = [models.Index(fields=["probe", "-at"], name="reading_newest")]

    def __str__(self) -> str:
        return f"{self.outcome} at {iso(self.at)}"

    @property
    def level(self) -> Level | None:
        return level_of(self.outcome, self.answered)


class Flip(models.Model):
    """The verdict changed: told by the event `probe.flipped` of the same transaction. `values` made it so."""

    public_id = models.UUIDField(default=uuid7, unique=True)
    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="flips")
    from_state = models.CharField(max_length=12, choices=State.choices)
    to_state = models.CharField(max_length=12, choices=State.choices)
    at = models.DateTimeField()
    told_at = models.DateTimeField(db_default=Now())
    reason = models.TextField(blank=True)
    values: Any = models.JSONField(default=dict)
    run_version = models.CharField(max_length=300, blank=True)
    muted = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["probe", "-at"], name="flip_newest"),
            models.Index(fields=["-at"], name="flip_at"),
        ]

    def __str__(self) -> str:
        return f"{self.from_state} to {self.to_state} at {iso(self.at)}"


class Summary(models.Model):
    """What the readings of one hour or one day came to (`figures.Figures`), for when they are kept no longer."""

    class Span(models.TextChoices):
        HOUR = "hour"
        DAY = "day"

    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="summaries")
    span = models.CharField(max_length=4, choices=Span.choices)
    at = models.DateTimeField()
    counts = models.JSONField(default=dict)
    lasted = models.JSONField(default=dict)
    histogram = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["probe", "span", "at"], name="summary_once")]
        indexes = [models.Index(fields=["span", "at"], name="summary_at")]

    def __str__(self) -> str:
        return f"{self.span} of {iso(self.at)}"
