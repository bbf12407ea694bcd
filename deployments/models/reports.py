from typing import Any

from django.db import models
from django.db.models.functions import Now

from deployments.models.deployments import Deployment
from portal.audit.nouns import Noun
from portal.kit.ids import uuid7


class ReportRequest(models.Model):
    """A report that came with an Idempotency-Key, so that the same request again has the same answer."""

    actor_key = models.CharField(max_length=60)
    key = models.CharField(max_length=255)
    body = models.JSONField()
    at = models.DateTimeField(db_default=Now())
    deployment = models.ForeignKey(Deployment, null=True, on_delete=models.SET_NULL, related_name="+")
    inbox_item = models.ForeignKey("InboxItem", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["actor_key", "key"], name="report_request_once")]

    def __str__(self) -> str:
        return self.key


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
