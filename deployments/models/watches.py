from typing import Any, ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from deployments.models.deployments import Deployment, DeploymentConfig
from portal.audit.nouns import Noun
from portal.kit.clock import iso
from portal.kit.ids import uuid7


class Watch(models.Model):
    """A deployment under observation: what its place's probes find until `until`, against the hour before. Without a
    verdict it is open."""

    class Verdict(models.TextChoices):
        PASSED = "passed"
        FAILED = "failed"
        INCONCLUSIVE = "inconclusive"

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    deployment = models.OneToOneField(Deployment, on_delete=models.CASCADE, related_name="watch")
    config = models.ForeignKey(DeploymentConfig, null=True, on_delete=models.SET_NULL, related_name="+")
    opened_at = models.DateTimeField()
    until = models.DateTimeField()
    verdict = models.CharField(max_length=12, choices=Verdict.choices, blank=True)
    reason = models.TextField(blank=True)
    values = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    closed_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        verbose_name_plural = "watches"
        constraints = [
            models.UniqueConstraint(fields=["config"], name="watch_open_once", condition=Q(verdict="")),
            models.CheckConstraint(
                name="watch_closed_with_verdict",
                condition=Q(verdict="", closed_at=None) | ~Q(verdict="") & Q(closed_at__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["until"], name="watch_open", condition=Q(verdict=""))]

    def __str__(self) -> str:
        return f"watch of {self.deployment}"

    @property
    def is_open(self) -> bool:
        return not self.verdict

    def noun(self) -> Noun:
        of = self.deployment
        return Noun(
            "watch",
            str(self.public_id),
            str(of),
            service=of.service_identifier,
            environment=of.environment_identifier,
        )

    def facts(self) -> dict[str, Any]:
        return {
            "deployment": str(self.deployment.public_id),
            "state": self.verdict or "open",
            "opened_at": iso(self.opened_at),
            "until": iso(self.until),
            "closed_at": iso(self.closed_at),
            "verdict": self.verdict or None,
            "reason": self.reason or None,
            "values": self.values,
        }
