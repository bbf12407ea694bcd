from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from portal.audit.nouns import Noun
from portal.kit.ids import uuid7

Json = dict[str, Any]


class Import(models.Model):
    """The import of an organisation: asked for by somebody, done by the workers, a page or a repository at a time.

    `cursor` says what comes next, so that whoever takes it up goes on from there; `due_at` when, `held_until` until
    when a worker has it. A `preview` writes nothing.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILURE = "failure"
        CANCELLED = "cancelled"

    UNFINISHED: ClassVar = [State.PENDING, State.RUNNING]

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    organization = models.CharField(max_length=100)
    preview = models.BooleanField(default=False)
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    cursor = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    report = models.JSONField(default=list)
    reason = models.TextField(blank=True)  # why it waits, or failed
    attempts = models.PositiveIntegerField(default=0)
    # A token for this import alone, until it has ended; empty: the portal's.
    sealed_token = models.TextField(blank=True, editable=False)
    due_at = models.DateTimeField(db_default=Now())
    held_until = models.DateTimeField(null=True)
    actor_kind = models.CharField(max_length=12)
    actor_key = models.CharField(max_length=60)
    actor_name = models.CharField(max_length=254)
    door = models.CharField(max_length=10)
    trace = models.UUIDField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], name="github_import_once", condition=Q(state__in=["pending", "running"])
            )
        ]

    def __str__(self) -> str:
        return f"{'Look at' if self.preview else 'Import of'} {self.organization}"

    def noun(self) -> Noun:
        return Noun("github_import", str(self.public_id), str(self))

    def facts(self) -> Json:
        return {"organization": self.organization, "preview": self.preview, "state": self.state, "counts": self.counts}

    @property
    def is_over(self) -> bool:
        return self.state not in self.UNFINISHED
