from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from portal.kit.ids import uuid7


class KeptDecision(models.Model):
    """What the gate answered: every refusal, and every answer that led to a claim. Who asked, for what, what it saw."""

    class Outcome(models.TextChoices):
        ALLOW = "allow"
        WARN = "warn"
        DENY = "deny"
        WAIT = "wait"

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    at = models.DateTimeField()
    outcome = models.CharField(max_length=5, choices=Outcome.choices, default=Outcome.DENY)
    service_identifier = models.CharField(max_length=1000)
    environment_identifier = models.CharField(max_length=1000)
    intent = models.CharField(max_length=10)
    commit = models.CharField(max_length=100, blank=True)
    run = models.CharField(max_length=500, blank=True)
    run_url = models.CharField(max_length=2000, blank=True, default="", db_default="")
    actor_name = models.CharField(max_length=254)
    actor_key = models.CharField(max_length=60)
    door = models.CharField(max_length=10)
    message = models.TextField()
    lock_ids = ArrayField(models.UUIDField(), default=list)
    freeze_ids = ArrayField(models.UUIDField(), default=list)
    next_open_at = models.DateTimeField(null=True)
    override = models.ForeignKey("locks.Override", null=True, on_delete=models.SET_NULL, related_name="+")
    policy = models.CharField(max_length=20, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["-id"], name="denial_newest"),
            GinIndex(fields=["lock_ids"], name="decision_locks"),
            models.Index(fields=["service_identifier", "environment_identifier", "-id"], name="decision_place"),
        ]

    def __str__(self) -> str:
        return self.message
