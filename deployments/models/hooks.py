from typing import Any

from django.db import models
from django.db.models import Value
from django.db.models.functions import Now

from portal.audit.nouns import Noun
from portal.kit.by import Actor, By
from portal.kit.ids import random_text


def new_key() -> str:
    return random_text(32)


class Hook(models.Model):
    """An address that a forge, a pipeline or a tool sends its deployments to, in its own words."""

    class Kind(models.TextChoices):
        GITHUB = "github", "GitHub: deployment, deployment_status, workflow_run"
        GITLAB = "gitlab", "GitLab: deployment events"
        CDEVENTS = "cdevents", "CDEvents: service deployed, upgraded, rolled back, removed"
        SIGNED = "signed", "Reports as /v1/deployments takes them, signed with a secret"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    enabled = models.BooleanField(default=True)
    secret = models.TextField(editable=False)
    # The address is unguessable; what comes to it is signed all the same.
    key = models.CharField(max_length=64, unique=True, default=new_key, editable=False)
    creates_services = models.BooleanField(
        "makes unknown services",
        default=False,
        help_text="A service that it names and the catalog does not know is made; otherwise its reports wait in the inbox.",
    )
    # Of workflow runs, which name no environment: the workflow's name, and where it deploys to.
    workflows = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    def noun(self) -> Noun:
        return Noun("hook", str(self.pk), self.name)

    def facts(self) -> dict[str, Any]:
        """Without the secret: events keep this for ever."""
        return {
            "name": self.name,
            "kind": self.kind,
            "enabled": self.enabled,
            "creates_services": self.creates_services,
            "workflows": self.workflows,
        }

    @property
    def path(self) -> str:
        return f"/v1/hooks/{self.key}"

    def by(self) -> By:
        """Who reports what it brings: the hook, in its own name. It may report, and nothing else."""
        scopes = frozenset({"report"})
        actor = Actor("credential", f"hook:{self.pk}", self.name, scopes=scopes, makes_services=self.creates_services)
        return By(actor, "api", agent=f"hook/{self.kind}")
