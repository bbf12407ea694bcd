from typing import Any

from django.db import models

from portal.audit.nouns import Noun
from portal.kit.ids import uuid7


class LogSource(models.Model):
    """Where a kind of traces of a place is looked at, and how to get there: by a preset, or by a template of an address."""

    class Kind(models.TextChoices):
        APPLICATION = "application", "Application logs"
        PLATFORM = "platform", "Platform logs"
        ERRORS = "errors", "Errors"
        SESSIONS = "sessions", "Sessions"
        TRACES = "traces", "Traces"
        CI = "ci", "CI"
        METRICS = "metrics", "Metrics"

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    icon = models.CharField(max_length=60, blank=True)
    preset = models.CharField(max_length=40, blank=True)
    template = models.CharField(max_length=2000, blank=True)
    # What the preset takes, where it is not what the preset says itself.
    parameters = models.JSONField(default=dict, blank=True)
    is_on = models.BooleanField(default=True, db_default=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name

    def noun(self) -> Noun:
        return Noun("log_source", str(self.public_id), self.name)

    def facts(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "icon": self.icon,
            "preset": self.preset or None,
            "template": self.template or None,
            "parameters": self.parameters,
            "is_on": self.is_on,
        }
