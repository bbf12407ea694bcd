from datetime import timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from portal.audit.nouns import Noun
from portal.kit.clock import in_words
from portal.kit.masks import host_only

Json = dict[str, Any]

PHASES = ("provision", "sleep", "wake", "teardown", "verify")


class Template(models.Model):
    """What environments can be asked for: who makes them, by which steps, and how long they live.

    `spec` is `{"url"?, "list"?, "provision": [step], "sleep"?: [step], "wake"?: [step], "teardown": [step],
    "verify": step}`; a step is `{"name", "timeout"? (seconds), ...}` with what its provider needs beside.
    """

    class Provider(models.TextChoices):
        WEBHOOK = "webhook", "a signed webhook"
        GITHUB = "github", "a GitHub workflow"
        LOCAL = "local", "a command on the portal's machine"
        DEMO = "demo", "the provider of the demo"

    identifier = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    enabled = models.BooleanField(default=True)
    provider = models.CharField(max_length=10, choices=Provider.choices)
    spec = models.JSONField(default=dict)
    # What calls are signed with. Sealed.
    secret = models.TextField(blank=True, editable=False)
    # As a blueprint declares properties: {"properties": {name: definition}, "required": [name]}.
    inputs = models.JSONField(default=dict, blank=True)
    default_ttl = models.DurationField(default=timedelta(hours=8))
    # No single stretch is longer, whether asked for at first or by an extension.
    greatest_ttl = models.DurationField(default=timedelta(days=3))
    # Of the whole life: beyond the first an extension needs a reason, beyond the second there is none.
    soft_cap = models.DurationField(default=timedelta(days=7))
    hard_cap = models.DurationField(default=timedelta(days=30))
    # Hours of the owner's day in which nothing runs out: {"from": "09:00", "to": "18:00", "days": [0, 1, 2, 3, 4]}.
    quiet_hours = models.JSONField(default=dict, blank=True)
    # Who may ask for one: members of these teams, everybody where there are none.
    teams = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    # {team: {"most"?, "default_ttl"?, "greatest_ttl"?}}, lengths as 90m, 8h or 3d.
    team_limits = models.JSONField(default=dict, blank=True)
    most_per_owner = models.PositiveIntegerField(null=True, blank=True)
    cost_per_hour = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    closes_with_pr = models.BooleanField("torn down when its pull request closes", default=True)
    # Tries of one step before somebody is told.
    tries = models.PositiveIntegerField(default=5)
    # Between the two questions whether it is really gone.
    verify_pause = models.DurationField(default=timedelta(seconds=30))
    # Nothing younger is ever taken for an orphan.
    orphan_grace = models.DurationField(default=timedelta(hours=1))
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["title", "id"]
        constraints = [
            models.CheckConstraint(
                name="template_lengths",
                condition=Q(default_ttl__gt=timedelta(0))
                & Q(default_ttl__lte=F("greatest_ttl"))
                & Q(greatest_ttl__lte=F("hard_cap"))
                & Q(soft_cap__lte=F("hard_cap")),
            )
        ]

    def __str__(self) -> str:
        return self.title

    def noun(self) -> Noun:
        return Noun("environment_template", self.identifier, self.title)

    def facts(self) -> Json:
        """Without the secret, and of each address its host: events keep this for ever, for everybody."""
        lengths = ("default_ttl", "greatest_ttl", "soft_cap", "hard_cap", "verify_pause", "orphan_grace")
        same = "identifier title description enabled provider inputs quiet_hours teams team_limits".split()
        same += ["most_per_owner", "closes_with_pr", "tries"]
        return {
            **{name: getattr(self, name) for name in same},
            **{name: in_words(getattr(self, name)) for name in lengths},
            "spec": _told(self.spec),
            "cost_per_hour": None if self.cost_per_hour is None else str(self.cost_per_hour),
            "secret": "kept" if self.secret else None,
        }

    @property
    def can_sleep(self) -> bool:
        return bool(self.spec.get("sleep")) and bool(self.spec.get("wake"))

    def steps(self, phase: str) -> list[Json]:
        """Of one phase, in order."""
        found = self.spec.get(phase) or []
        return [found] if isinstance(found, dict) else list(found)

    def step(self, phase: str, name: str) -> Json:
        """As it is described now; one that is no longer described is empty."""
        return next((each for each in self.steps(phase) if each.get("name") == name), {})


def _told(spec: Any) -> Any:
    if isinstance(spec, dict):
        return {name: _told(each) for name, each in spec.items()}
    if isinstance(spec, list):
        return [_told(each) for each in spec]
    return host_only(spec) if isinstance(spec, str) and spec.startswith(("http://", "https://")) else spec
