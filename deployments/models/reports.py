from typing import Any, ClassVar

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.urls import reverse

from deployments.models.deployments import Deployment
from deployments.models.hooks import Hook
from portal.audit.nouns import Noun
from portal.kit.ids import uuid7


class ReportRequest(models.Model):
    """What came to a door of deployments, and what became of it: the ingest log.

    With an Idempotency-Key the same request again has the same answer. What is refused is kept as well.
    """

    class Door(models.TextChoices):
        REPORT = "report"
        BATCH = "batch"
        WEBHOOK = "webhook"
        ENTITY = "entity"

    class Outcome(models.TextChoices):
        WAITING = "waiting"  # a payload that no worker has read yet
        CREATED = "created"
        ADVANCED = "advanced"
        REPEATED = "repeated"
        LATE = "late"  # long after it happened, or a lower status after a higher one
        CONFLICTING = "conflicting"
        REFUSED = "refused"
        INBOX = "inbox"
        IGNORED = "ignored"  # it tells of no deployment

    # What goes as it should; the rest is what people look for.
    USUAL: ClassVar = (Outcome.CREATED.value, Outcome.ADVANCED.value, Outcome.REPEATED.value)
    LONGEST_NAME: ClassVar = 200  # an index takes no more

    actor_key = models.CharField(max_length=60)
    sender = models.CharField(max_length=254, db_default="")
    door = models.CharField(max_length=10, choices=Door.choices, db_default=Door.REPORT)
    # Null counts as no key at all: any number of rows may have none.
    key = models.CharField(max_length=255, null=True)  # noqa: DJ001
    # None where it was too large to keep, or could not be read.
    body = models.JSONField(null=True)
    headers = models.JSONField(db_default=Value({}, models.JSONField()))
    at = models.DateTimeField(db_default=Now())
    service = models.CharField(max_length=LONGEST_NAME, db_default="")
    environment = models.CharField(max_length=LONGEST_NAME, db_default="")
    outcome = models.CharField(max_length=12, choices=Outcome.choices, db_default="")
    is_backfill = models.BooleanField(db_default=False)
    # Seconds between what it tells of and its arrival, where that is long.
    late_by = models.BigIntegerField(null=True)
    # Of one that was not taken: status, error, message, details.
    answer = models.JSONField(null=True)
    # Of a payload: which hook it came to.
    hook = models.ForeignKey(Hook, null=True, on_delete=models.SET_NULL, related_name="+")
    deployment = models.ForeignKey(Deployment, null=True, on_delete=models.SET_NULL, related_name="+")
    inbox_item = models.ForeignKey("InboxItem", null=True, on_delete=models.SET_NULL, related_name="+")
    replayed_at = models.DateTimeField(null=True)
    replayed_by = models.CharField(max_length=254, db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["actor_key", "key"], name="report_request_once")]
        indexes = [
            models.Index(fields=["service", "id"], name="report_request_service"),
            models.Index(
                fields=["outcome", "id"],
                name="report_request_unusual",
                condition=~Q(outcome__in=["", "created", "advanced", "repeated"]),
            ),
        ]

    def __str__(self) -> str:
        return f"report of {self.service or 'nothing'} in {self.environment or 'nothing'}"

    def noun(self) -> Noun:
        return Noun("report_request", str(self.pk), str(self), service=self.service, environment=self.environment)

    def facts(self) -> dict[str, Any]:
        return {"outcome": self.outcome, "door": self.door, "sender": self.sender, "answer": self.answer}

    def get_absolute_url(self) -> str:
        return reverse("deployments:arrival", args=[self.pk])


class InboxItem(models.Model):
    """A report whose names the catalog does not know. It is kept until somebody places or drops it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        PLACED = "placed"
        DROPPED = "dropped"

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    service = models.CharField(max_length=1000)
    environment = models.CharField(max_length=1000)
    body = models.JSONField()
    problem = models.TextField()
    nearest = models.JSONField(default=list)
    reported_by = models.CharField(max_length=254)
    deployment = models.ForeignKey(Deployment, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"report of {self.service} in {self.environment}"

    def noun(self) -> Noun:
        # Unknown names may be of any length; an event's index is not.
        service, environment = self.service[:200], self.environment[:200]
        return Noun("inbox_item", str(self.public_id), str(self), service=service, environment=environment)

    def facts(self) -> dict[str, Any]:
        return {"state": self.state, "service": self.service, "environment": self.environment, "problem": self.problem}
