from django.contrib.postgres.fields import ArrayField
from django.db import models

from deployments.models.deployments import DeploymentConfig


class DeploymentDay(models.Model):
    """What the deployments of one pair on one day of UTC came to, of those that are no longer kept whole.

    `counts` by status, kind and gate; `keys` what each of the four keys made of them: how many by the reason for which
    they are left out, the empty one for those that count, and how many failed. The lengths are seconds, each of them:
    so medians stay what they were.
    """

    config = models.ForeignKey(DeploymentConfig, null=True, on_delete=models.SET_NULL, related_name="days")
    service_identifier = models.CharField(max_length=1000)
    environment_identifier = models.CharField(max_length=1000)
    day = models.DateField()
    total = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    keys = models.JSONField(default=dict)
    leads = ArrayField(models.FloatField(), default=list)
    mended = ArrayField(models.FloatField(), default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["config", "day"], name="deployment_day_once")]
        indexes = [models.Index(fields=["day"], name="deployment_day")]

    def __str__(self) -> str:
        return f"{self.service_identifier} in {self.environment_identifier} on {self.day}"


class Ran(models.Model):
    """What succeeded on a pair before, of deployments that are no longer kept: what comes again later is a rollback."""

    config = models.ForeignKey(DeploymentConfig, on_delete=models.CASCADE, related_name="+")
    version = models.CharField(max_length=300, blank=True)
    commit = models.CharField(max_length=100, blank=True)
    first_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["config", "version", "commit"], name="ran_once")]
        indexes = [models.Index(fields=["config", "commit"], name="ran_commit")]

    def __str__(self) -> str:
        return self.version or self.commit
