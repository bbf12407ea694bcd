from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.urls import reverse

from catalog.models import Entity
from portal.audit.nouns import Noun
from portal.kit.clock import iso
from portal.kit.ids import uuid7


class Status(models.TextChoices):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    ROLLED_BACK = "rolled_back"


# How far a deployment has come. It only ever goes up; what stands on one level excludes each other.
LEVEL = {
    Status.PENDING: 0,
    Status.IN_PROGRESS: 1,
    Status.SUCCESS: 2,
    Status.FAILURE: 2,
    Status.CANCELLED: 2,
    Status.ROLLED_BACK: 3,
}
OVER = 2  # the level of an end


class DeploymentConfig(models.Model):
    """One service in one environment: what is live there now. `current` and `latest` are recomputed from the rows."""

    entity = models.OneToOneField(Entity, on_delete=models.CASCADE, related_name="deployment_config")
    service = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="configs_of_service", db_index=False)
    environment = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="configs_of_environment")
    current = models.ForeignKey("Deployment", null=True, on_delete=models.SET_NULL, related_name="+")
    latest = models.ForeignKey("Deployment", null=True, on_delete=models.SET_NULL, related_name="+")

    latest_begun: datetime | None = None  # when `latest` began, where that was read with it
    is_probed = False  # whether something asks after its health, where that was read with it

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "environment"], name="config_once")]

    def __str__(self) -> str:
        return self.entity.identifier

    def noun(self) -> Noun:
        return Noun(
            "deployment_config",
            self.entity.identifier,
            f"{self.service.identifier} in {self.environment.identifier}",
            blueprint="deploymentConfig",
            entity=self.entity.identifier,
            service=self.service.identifier,
            environment=self.environment.identifier,
        )

    def facts(self) -> dict[str, Any]:
        """What is live, for the event of its change."""
        live = self.current
        if live is None:
            return {"version": None, "commit": None, "deployment": None}
        return {
            "version": live.version or None,
            "commit": live.commit or None,
            "deployment": str(live.public_id),
            "deployed_at": iso(live.finished_at),
            "deployed_by": live.actor or None,
        }

    def get_absolute_url(self) -> str:
        return reverse("catalog:entity_detail", args=["deploymentConfig", self.entity.identifier])


def begun() -> Coalesce:
    """As `Deployment.begun_at`."""
    return Coalesce("started_at", "finished_at", "reported_at")


def happened() -> Coalesce:
    """As `Deployment.happened_at`."""
    return Coalesce("finished_at", "started_at", "reported_at")


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def by_finish(self) -> "DeploymentQuerySet":
        """The one that finished last first; ties go to the greater fence, then to the greater run. The first success is current."""
        return self.order_by(
            F("finished_at").desc(nulls_last=True),
            F("fence").desc(nulls_last=True),
            "-provider",
            "-run",
            "-attempt",
            "-id",
        )

    def by_start(self) -> "DeploymentQuerySet":
        """The one that was begun last first, whatever became of it."""
        return self.order_by(begun().desc(), "-provider", "-run", "-attempt", "-id")


class Gate(models.TextChoices):
    """How a deployment passed the gate, if it did."""

    CLAIM = "claim"
    RECEIPT = "receipt"
    UNGATED = "ungated"


class Deployment(models.Model):
    """What one CI run did to one service in one environment."""

    class Kind(models.TextChoices):
        DEPLOY = "deploy"
        ROLLBACK = "rollback"
        CONFIG = "config"
        FLAG = "flag"

    # A changed setting or flag is history, not what is live.
    DEPLOYS: ClassVar = (Kind.DEPLOY.value, Kind.ROLLBACK.value)

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    entity = models.OneToOneField(Entity, null=True, on_delete=models.SET_NULL, related_name="deployment")
    # `deployment_history` begins with it.
    config = models.ForeignKey(
        DeploymentConfig, null=True, on_delete=models.SET_NULL, related_name="deployments", db_index=False
    )
    service_identifier = models.CharField(max_length=1000)
    environment_identifier = models.CharField(max_length=1000)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.DEPLOY)
    status = models.CharField(max_length=12, choices=Status.choices)
    version = models.CharField(max_length=300, blank=True)
    commit = models.CharField(max_length=100, blank=True)
    previous_commit = models.CharField(max_length=100, blank=True)
    ref = models.CharField(max_length=300, blank=True)
    message = models.TextField(blank=True)
    author = models.CharField(max_length=254, blank=True)
    actor = models.CharField(max_length=254, blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Whose instant `finished_at` is: 2 the one CI named for the end, 1 one named with a rollback, 0 the arrival here.
    finish_rank = models.PositiveSmallIntegerField(default=0)
    # Its entity is as a client wrote it, not a copy of this row.
    entity_is_clients = models.BooleanField(default=False)
    reported_at = models.DateTimeField(db_default=Now())
    provider = models.CharField(max_length=40, blank=True)
    run = models.CharField(max_length=500, blank=True)
    attempt = models.PositiveIntegerField(default=1)
    run_url = models.URLField(max_length=2000, blank=True)
    fence = models.BigIntegerField(null=True)
    decision = models.TextField(blank=True)
    gate = models.CharField(max_length=7, choices=Gate.choices, default=Gate.UNGATED, db_default=Gate.UNGATED)
    # The claim's id or the receipt's digest. Either lets one deployment through, not two.
    gate_proof = models.CharField(max_length=64, blank=True, default="", db_default="")
    artifact = models.CharField(max_length=500, blank=True)
    changes = models.JSONField(default=list)
    instances = models.JSONField(null=True)
    extra = models.JSONField(default=dict)
    reported_by = models.CharField(max_length=254, blank=True)
    # It is counted in a DeploymentDay already, and stays because the next one needs to know what was before it.
    rolled_up = models.BooleanField(default=False, db_default=False)

    objects: ClassVar[Any] = DeploymentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["config", "provider", "run", "attempt"], name="deployment_once", condition=~Q(run="")
            ),
            models.UniqueConstraint(fields=["gate_proof"], name="deployment_proof_once", condition=~Q(gate_proof="")),
        ]
        indexes = [
            models.Index(fields=["config", "-finished_at"], name="deployment_live", condition=Q(status="success")),
            # What ran on the pair before.
            models.Index(fields=["config", "commit"], name="deployment_ran_commit", condition=Q(status="success")),
            models.Index(fields=["config", "version"], name="deployment_ran_version", condition=Q(status="success")),
            models.Index(fields=["config", "-id"], name="deployment_history"),
            models.Index(F("config"), begun().desc(), name="deployment_begun"),
            models.Index(happened().desc(), F("id").desc(), name="deployment_happened"),
            models.Index(fields=["commit"], name="deployment_commit", condition=~Q(commit="")),
            models.Index(fields=["version"], name="deployment_version", condition=~Q(version="")),
        ]

    def __str__(self) -> str:
        return f"{self.service_identifier} {self.version or self.commit[:7]} to {self.environment_identifier}"

    def get_absolute_url(self) -> str:
        return reverse("deployments:deployment", args=[self.public_id])

    @property
    def begun_at(self) -> datetime:
        """Its beginning, or the first that is known of it."""
        return self.started_at or self.finished_at or self.reported_at

    @property
    def happened_at(self) -> datetime:
        """Its end, or its beginning while it has none."""
        return self.finished_at or self.started_at or self.reported_at

    @property
    def is_over(self) -> bool:
        return LEVEL[Status(self.status)] >= OVER

    def noun(self) -> Noun:
        return Noun(
            "deployment",
            str(self.public_id),
            str(self),
            blueprint="deployment",
            entity=self.entity.identifier if self.entity else "",
            service=self.service_identifier,
            environment=self.environment_identifier,
        )

    def facts(self) -> dict[str, Any]:
        return {
            "service": self.service_identifier,
            "environment": self.environment_identifier,
            "kind": self.kind,
            "status": self.status,
            "gate": self.gate,
            "version": self.version or None,
            "commit": self.commit or None,
            "previous_commit": self.previous_commit or None,
            "ref": self.ref or None,
            "message": self.message or None,
            "author": self.author or None,
            "actor": self.actor or None,
            "started_at": iso(self.started_at),
            "finished_at": iso(self.finished_at),
            "run_url": self.run_url or None,
            "artifact": self.artifact or None,
            "instances": self.instances,
        }
