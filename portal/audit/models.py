import math
from datetime import timedelta
from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Now

from portal.kit.ids import uuid7


class Event(models.Model):
    """One noun changed. Written by `record()` in the change's own transaction; never altered."""

    public_id = models.UUIDField(default=uuid7, unique=True)
    at = models.DateTimeField(db_default=Now())
    name = models.CharField(max_length=60)
    noun = models.CharField(max_length=40)
    noun_id = models.CharField(max_length=1000)
    title = models.TextField(blank=True)
    blueprint = models.CharField(max_length=100, blank=True)
    entity = models.CharField(max_length=1000, blank=True)
    service = models.CharField(max_length=1000, blank=True)
    environment = models.CharField(max_length=1000, blank=True)
    actor_kind = models.CharField(max_length=12)
    actor_key = models.CharField(max_length=60)
    actor_name = models.CharField(max_length=254)
    door = models.CharField(max_length=10)
    trace = models.UUIDField()
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    payload = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    # What its noun knew when it was recorded, for those who subscribe.
    is_watched = False

    class Meta:
        indexes = [
            BrinIndex(fields=["at"], name="event_at"),
            models.Index(fields=["noun", "noun_id", "id"], name="event_noun"),
            models.Index(fields=["blueprint", "entity", "id"], name="event_entity", condition=~Q(blueprint="")),
            models.Index(fields=["service", "environment", "id"], name="event_place", condition=~Q(service="")),
            models.Index(fields=["trace"], name="event_trace"),
            models.Index(
                KeyTransform("runId", "payload"), F("id"), name="event_run", condition=Q(payload__has_key="runId")
            ),
            models.Index(
                fields=["id"], name="event_failure", condition=Q(name__in=["webhook.failed", "webhook.refused"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.title}"

    @property
    def stream(self) -> str:
        return f"{self.noun}:{self.noun_id}"


class Pause(models.Model):
    """A subscriber whose receiver has asked all of its deliveries to wait, or does not answer any."""

    subscriber = models.CharField(max_length=60, unique=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.subscriber} until {self.until}"


class Delivery(models.Model):
    """An event owed to one subscriber; where that tells many, to one `target` of its."""

    class State(models.TextChoices):
        PENDING = "pending"
        SENDING = "sending"
        DONE = "done"
        PARKED = "parked"

    UNFINISHED: ClassVar = [State.PENDING, State.SENDING]
    LEASE: ClassVar = timedelta(seconds=15)  # renewed while the handler is at work

    # By the monotonic clock of the process that has claimed it.
    held_until = math.inf

    public_id = models.UUIDField(default=uuid7, unique=True)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    subscriber = models.CharField(max_length=60)
    # A channel, an address or a person; empty for those that have one receiver.
    target = models.TextField(blank=True, default="", db_default="")
    stream = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True)
    last_error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)
    result = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["event", "subscriber", "target"], name="delivery_once")]
        indexes = [
            models.Index(fields=["due_at", "id"], name="delivery_next", condition=Q(state__in=["pending", "sending"])),
            models.Index(fields=["subscriber", "stream"], name="delivery_sending", condition=Q(state="sending")),
            models.Index(
                fields=["subscriber", "stream", "id"],
                name="delivery_stream",
                condition=Q(state__in=["pending", "sending"]),
            ),
            models.Index(fields=["stream", "id"], name="delivery_changelog", condition=Q(subscriber="changelog")),
            models.Index(fields=["id"], name="delivery_told", condition=~Q(target="")),
            models.Index(fields=["stream", "id"], name="delivery_told_stream", condition=~Q(target="")),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.subscriber}"
