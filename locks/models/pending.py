from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from catalog.models import Entity
from portal.audit.nouns import Noun
from portal.kit.by import Actor, By, Door
from portal.kit.clock import iso
from portal.kit.ids import uuid7


class PendingDeployment(models.Model):
    """A job of GitHub Actions that waits at the gate, because its environment has the portal as a protection rule.

    The keys decide, the texts remember; without a place it was rejected, and says why.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        APPROVED = "approved"
        REJECTED = "rejected"
        EXPIRED = "expired"

    # GitHub fails a job that nobody has answered for so long.
    LIFE: ClassVar = timedelta(days=30)
    # GitHub takes ten comments for each; what comes with the answer is not one of them.
    MOST_COMMENTS: ClassVar = 10

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    # GitHub's name for its message: the same again is not taken twice.
    delivery = models.CharField(max_length=100, unique=True)
    installation = models.BigIntegerField()
    repository = models.CharField(max_length=300)
    run = models.BigIntegerField()
    run_url = models.CharField(max_length=2000)
    environment_name = models.CharField(max_length=1000)
    commit = models.CharField(max_length=100, blank=True)
    ref = models.CharField(max_length=1000, blank=True)
    asked_by = models.CharField(max_length=254, blank=True)
    service = models.ForeignKey(Entity, null=True, on_delete=models.SET_NULL, related_name="+")
    service_identifier = models.CharField(max_length=1000, blank=True)
    environment = models.ForeignKey(Entity, null=True, on_delete=models.SET_NULL, related_name="+")
    environment_identifier = models.CharField(max_length=1000, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    message = models.TextField(blank=True)
    # What it waits for, as far as GitHub was told.
    held_by = ArrayField(models.CharField(max_length=100), default=list)
    comments = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField(db_default=Now())
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="pending_deployment_answered_once",
                condition=Q(state="waiting", answered_at=None) | (~Q(state="waiting") & Q(answered_at__isnull=False)),
            ),
        ]
        indexes = [models.Index(fields=["id"], name="pending_deployment_waiting", condition=Q(state="waiting"))]

    def __str__(self) -> str:
        return f"{self.repository} to {self.environment_name}"

    @property
    def where(self) -> str:
        if not self.service_identifier:
            return str(self)
        return f"{self.service_identifier} in {self.environment_identifier}"

    @property
    def run_key(self) -> str:
        """As the run's own reports name it. GitHub does not say which attempt it is."""
        return f"github:{self.run}:1"

    def by(self, door: Door) -> By:
        """Who asks, as the gate sees it: automation that may ask and nothing else."""
        return github(self.installation, door)

    def noun(self) -> Noun:
        return Noun(
            "pending_deployment",
            str(self.public_id),
            self.where,
            service=self.service_identifier,
            environment=self.environment_identifier,
        )

    def facts(self) -> dict[str, Any]:
        return {
            "repository": self.repository,
            "environment_name": self.environment_name,
            "service": self.service_identifier or None,
            "environment": self.environment_identifier or None,
            "run": self.run,
            "run_url": self.run_url,
            "commit": self.commit or None,
            "ref": self.ref or None,
            "asked_by": self.asked_by or None,
            "state": self.state,
            "message": self.message,
            "asked_at": iso(self.asked_at),
            "answered_at": iso(self.answered_at),
        }


def github(installation: int, door: Door) -> By:
    actor = Actor("credential", f"github:{installation}", "GitHub", scopes=frozenset({"gate"}))
    return By(actor, door)
