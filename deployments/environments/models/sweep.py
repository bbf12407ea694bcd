from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from deployments.environments.models.template import Template
from portal.audit.nouns import Noun
from portal.kit.clock import iso
from portal.kit.ids import uuid7

Json = dict[str, Any]


class Sighting(models.Model):
    """What one look at a provider found, and since when: a resource without a record, or a record without resources."""

    class Kind(models.TextChoices):
        EXTRA = "extra", "a resource that no environment has"
        MISSING = "missing", "an environment without resources"

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="sightings")
    label = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # The younger of the first look and what the provider says.
    since = models.DateTimeField()
    last_at = models.DateTimeField()
    detail = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["template", "label", "kind"], name="sighting_once")]

    def __str__(self) -> str:
        return f"{self.label} of {self.template}"


class Sweep(models.Model):
    """A pass that would have taken too many at once. Nothing runs out by itself until an administrator lets it go on."""

    class State(models.TextChoices):
        BRAKED = "braked"
        RELEASED = "released"
        OVER = "over"  # what it held has been extended or is gone

    class Kind(models.TextChoices):
        ENDS = "ends", "environments that would be torn down"
        ORPHANS = "orphans", "environments that would be taken for orphans"

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.ENDS)
    at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=10, choices=State.choices, default=State.BRAKED)
    # Public ids of the environments, and how many lived then.
    held = models.JSONField(default=list)
    living = models.PositiveIntegerField(default=0)
    reason = models.TextField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=254, blank=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["kind"], name="sweep_one_braked", condition=Q(state="braked"))]

    def __str__(self) -> str:
        return f"sweep of {len(self.held)} environments"

    def noun(self) -> Noun:
        return Noun("sweep", str(self.public_id), str(self))

    def facts(self) -> Json:
        return {
            "kind": self.kind,
            "state": self.state,
            "held": len(self.held),
            "living": self.living,
            "reason": self.reason,
            "at": iso(self.at),
            "decided_by": self.decided_by or None,
        }
