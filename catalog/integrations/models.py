from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

from portal.audit.nouns import Noun
from portal.kit.ids import uuid7

Json = dict[str, Any]

SHARE = 0.9


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
    # Where each kind's incremental sync stands, by kind and index.
    cursors = models.JSONField(default=dict, blank=True)
    # When it last said anything, to the minute.
    heard_at = models.DateTimeField(null=True, blank=True)
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

    def get_absolute_url(self) -> str:
        return reverse("integrations:integration", args=[self.public_id])

    def noun(self) -> Noun:
        return Noun("integration", self.identifier, str(self), is_watched=bool(self.changes_to))

    @property
    def changes_to(self) -> str:
        """The address that is told when it is to resync, where it waits for that instead of asking."""
        destination = self.extra.get("changelogDestination") or {}
        return str(destination.get("url") or "") if destination.get("type") == "WEBHOOK" else ""

    @property
    def share(self) -> float:
        """Of what it owns, how much it may delete in one reconciliation."""
        return float(self.config.get("entityDeletionThreshold", SHARE))

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


class Tally(models.Model):
    """What became of the entities of one blueprint that it sent in one resync. Who names no resync has one each hour."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="tallies")
    resync = models.CharField(max_length=250)
    blueprint = models.CharField(max_length=100)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    same = models.PositiveIntegerField(default=0)
    deleted = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    began_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "tallies"
        constraints = [models.UniqueConstraint(fields=["integration", "resync", "blueprint"], name="tally_once")]

    def __str__(self) -> str:
        return f"{self.blueprint} in {self.resync}"


class Fault(models.Model):
    """An entity that it sent and that was refused."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="faults")
    at = models.DateTimeField()
    resync = models.CharField(max_length=250)
    blueprint = models.CharField(max_length=100)
    identifier = models.TextField(blank=True)
    status = models.PositiveSmallIntegerField()
    message = models.TextField()
    # As it was sent; null where it was too large to be kept.
    payload = models.JSONField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["integration", "id"], name="integration_fault_by_id")]

    def __str__(self) -> str:
        return f"{self.identifier} of {self.blueprint}: {self.message[:80]}"


class Removal(models.Model):
    """What an integration deletes in one reconciliation. What is more than its share is held until a person decides."""

    class State(models.TextChoices):
        GOING = "going", "within its share"
        HELD = "held", "held"
        APPROVED = "approved", "being deleted"
        DONE = "done", "deleted"
        REFUSED = "refused", "refused"

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="removals")
    resync = models.CharField(max_length=250, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.GOING)
    began_at = models.DateTimeField()
    # How many it owned then, and how many are gone since.
    owned = models.PositiveIntegerField()
    gone = models.PositiveIntegerField(default=0)
    # Some of it was too much: all that comes after is held with it.
    is_over = models.BooleanField(default=False)
    held_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=254, blank=True)
    decider = models.CharField(max_length=60, blank=True)  # the actor's key
    # What went is put back from its newest event on: the key of the last that was looked at, null until somebody asks.
    undone_to = models.BigIntegerField(null=True)
    undone_by = models.CharField(max_length=254, blank=True)
    undoer = models.CharField(max_length=60, blank=True)
    undone_at = models.DateTimeField(null=True)
    restored = models.PositiveIntegerField(default=0)
    unrestored = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["integration"], condition=models.Q(state="held"), name="removal_held_once")
        ]
        indexes = [models.Index(fields=["integration", "id"], name="removal_by_id")]

    def __str__(self) -> str:
        return f"{self.gone} of {self.owned} entities of {self.integration_id}"


class Deed(models.Model):
    """A request that deleted entities in a removal: its events keep what they were."""

    removal = models.ForeignKey(Removal, on_delete=models.CASCADE, related_name="deeds")
    trace = models.UUIDField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["removal", "trace"], name="removal_deed_once")]

    def __str__(self) -> str:
        return str(self.trace)


class Held(models.Model):
    """An entity whose deletion waits; without an identifier all of the blueprint's, and perhaps the blueprint itself."""

    removal = models.ForeignKey(Removal, on_delete=models.CASCADE, related_name="held")
    at = models.DateTimeField()
    blueprint = models.CharField(max_length=100)
    identifier = models.CharField(max_length=1000, blank=True)
    dependents = models.BooleanField(default=False)
    itself = models.BooleanField(default=False)
    # Why it was not deleted when somebody had approved it.
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "held"
        constraints = [
            models.UniqueConstraint(fields=["removal", "blueprint", "identifier"], name="removal_held_entity_once")
        ]

    def __str__(self) -> str:
        return f"{self.identifier or 'all'} of {self.blueprint}"
