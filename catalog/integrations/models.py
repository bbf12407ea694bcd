from typing import Any

from django.db import models
from django.db.models.functions import Now

from portal.audit.nouns import Noun
from portal.kit.ids import uuid7

Json = dict[str, Any]


class Integration(models.Model):
    """A program that keeps part of the catalog in step with a source: its mapping, and how its last resync went."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    # What the compatible API calls installationId.
    identifier = models.CharField(max_length=250, unique=True)
    title = models.CharField(max_length=250, blank=True)
    app_type = models.CharField(max_length=250, blank=True)
    version = models.CharField(max_length=100, blank=True)
    config = models.JSONField(default=dict, blank=True)
    # What else it says of itself, kept as it was sent: it compares this at every start and sends again what differs.
    extra = models.JSONField(default=dict, blank=True)
    resync_state = models.JSONField(default=dict, blank=True)
    # When somebody last asked it to resync; it looks at this between its rounds.
    resync_asked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=254, editable=False)
    # Of its settings, not of its resyncs: exporters read it to see whether to start anew.
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_by = models.CharField(max_length=254, editable=False)

    class Meta:
        ordering = ["identifier"]

    def __str__(self) -> str:
        return self.title or self.identifier

    def noun(self) -> Noun:
        return Noun("integration", self.identifier, str(self))

    def facts(self) -> Json:
        return {
            "installationId": self.identifier,
            "title": self.title or None,
            "installationAppType": self.app_type,
            "version": self.version,
            "config": self.config,
            **self.extra,
        }


class Kind(models.Model):
    """A kind of thing that the source has, with the latest few raw examples, secrets masked by the sender."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="kinds")
    name = models.CharField(max_length=250)
    examples = models.JSONField(default=list)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["integration", "name"], name="integration_kind_once")]

    def __str__(self) -> str:
        return self.name


class Sync(models.Model):
    """One kind in one resync: its state and counts, as the integration tells them while it runs."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="syncs")
    event_id = models.CharField(max_length=250)
    kind = models.CharField(max_length=250)
    state = models.CharField(max_length=50, blank=True)
    metrics = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["integration", "event_id", "kind"], name="integration_sync_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.event_id}"


class LogLine(models.Model):
    """What the integration wrote to its log."""

    class Level(models.TextChoices):
        DEBUG = "DEBUG"
        INFO = "INFO"
        WARNING = "WARNING"
        ERROR = "ERROR"
        FATAL = "FATAL"

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    level = models.CharField(max_length=10, choices=Level)
    message = models.TextField()
    event_id = models.CharField(max_length=250, blank=True)
    extra = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["integration", "at", "id"], name="integration_log_by_time"),
            models.Index(fields=["integration", "id"], name="integration_log_by_id"),
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.message[:80]}"
