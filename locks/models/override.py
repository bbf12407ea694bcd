from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from catalog.models import Entity
from portal.audit.nouns import Noun
from portal.kit.clock import iso
from portal.kit.ids import uuid7


class Override(models.Model):
    """Break-glass: lets one commit pass the locks and freezes that it names, in one place, a few times, for a short while."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    service = models.ForeignKey(Entity, null=True, on_delete=models.SET_NULL, related_name="+")
    service_identifier = models.CharField(max_length=1000)
    environment = models.ForeignKey(Entity, null=True, on_delete=models.SET_NULL, related_name="+")
    environment_identifier = models.CharField(max_length=1000)
    commit = models.CharField(max_length=100)
    # Of locks and freezes; others that come later are not passed.
    passes = ArrayField(models.UUIDField())
    reason = models.TextField()
    link = models.URLField(max_length=2000, blank=True)
    holder_kind = models.CharField(max_length=12)
    holder_key = models.CharField(max_length=60)
    holder_name = models.CharField(max_length=254)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    max_uses = models.PositiveIntegerField(default=1)
    needs_approval = models.BooleanField()
    approved_at = models.DateTimeField(null=True)
    approver_key = models.CharField(max_length=60, blank=True)
    approver_name = models.CharField(max_length=254, blank=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.CharField(max_length=254, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="override_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(name="override_names_a_commit", condition=~Q(commit="")),
            models.CheckConstraint(name="override_used_at_least_once", condition=Q(max_uses__gt=0)),
        ]
        indexes = [models.Index(fields=["service", "environment", "-id"], name="override_place")]

    def __str__(self) -> str:
        return f"override for {self.where}"

    @property
    def where(self) -> str:
        return f"{self.service_identifier} in {self.environment_identifier}"

    def owner_teams(self) -> list[str]:
        """Those who may approve or withdraw it."""
        return [team for each in (self.service, self.environment) if each for team in each.team]

    def fault(self, at: datetime) -> str:
        """Why it opens nothing now; empty when it may."""
        if self.withdrawn_at:
            return f"it was withdrawn by {self.withdrawn_by}"
        if self.expires_at <= at:
            return "it has run out"
        if self.needs_approval and not self.approved_at:
            return "a second person has to approve it first"
        return ""

    def noun(self) -> Noun:
        return Noun(
            "override",
            str(self.public_id),
            self.where,
            service=self.service_identifier,
            environment=self.environment_identifier,
        )

    def facts(self) -> dict[str, Any]:
        return {
            "service": self.service_identifier,
            "environment": self.environment_identifier,
            "commit": self.commit,
            "passes": [str(each) for each in self.passes],
            "reason": self.reason,
            "link": self.link or None,
            "holder": self.holder_name,
            "expires_at": iso(self.expires_at),
            "max_uses": self.max_uses,
            "needs_approval": self.needs_approval,
            "approved_at": iso(self.approved_at),
            "approver": self.approver_name or None,
            "withdrawn_at": iso(self.withdrawn_at),
            "withdrawn_by": self.withdrawn_by or None,
        }


class OverrideUse(models.Model):
    """One run went through. The same run asking again is the same use."""

    override = models.ForeignKey(Override, on_delete=models.CASCADE, related_name="uses")
    run = models.CharField(max_length=600)
    run_url = models.CharField(max_length=2000, blank=True)
    at = models.DateTimeField()

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["override", "run"], name="override_use_once_a_run")]

    def __str__(self) -> str:
        return f"use of {self.override} by {self.run}"


class BreakGlassCode(models.Model):
    """A single-use code for one environment, issued for the day when the portal cannot be asked. Only its hash is kept."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    environment = models.ForeignKey(Entity, null=True, on_delete=models.SET_NULL, related_name="+")
    environment_identifier = models.CharField(max_length=1000)
    hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8)
    issued_by = models.CharField(max_length=254)
    issued_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"code …{self.hint} for {self.environment_identifier}"

    def noun(self) -> Noun:
        return Noun("break_glass_code", str(self.public_id), str(self), environment=self.environment_identifier)

    def facts(self) -> dict[str, Any]:
        return {
            "environment": self.environment_identifier,
            "hint": self.hint,
            "issued_by": self.issued_by,
            "expires_at": iso(self.expires_at),
            "revoked_at": iso(self.revoked_at),
        }


class BreakGlassUse(models.Model):
    """A deployment that could not ask and went on with a code, as it was told afterwards. `verdict` says what to make of it."""

    class Verdict(models.TextChoices):
        SOUND = "sound", "a code that was good, used once"
        REUSED = "reused", "a code that had been used before"
        UNKNOWN = "unknown", "no code of ours"
        STALE = "stale", "a code that had run out or was revoked"
        ELSEWHERE = "elsewhere", "a code of another environment"

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    code = models.ForeignKey(BreakGlassCode, null=True, on_delete=models.SET_NULL, related_name="uses")
    hash = models.CharField(max_length=64)
    service_identifier = models.CharField(max_length=1000)
    environment_identifier = models.CharField(max_length=1000)
    commit = models.CharField(max_length=100, blank=True)
    run = models.CharField(max_length=600)
    run_url = models.CharField(max_length=2000, blank=True)
    reason = models.TextField()
    used_at = models.DateTimeField()
    reported_at = models.DateTimeField(db_default=Now())
    reported_by = models.CharField(max_length=254)
    verdict = models.CharField(max_length=10, choices=Verdict.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hash", "run"], name="break_glass_once_a_run")]
        indexes = [models.Index(fields=["-id"], name="break_glass_newest")]

    def __str__(self) -> str:
        return f"break-glass of {self.service_identifier} in {self.environment_identifier}"

    def noun(self) -> Noun:
        return Noun(
            "break_glass_use",
            str(self.public_id),
            str(self),
            service=self.service_identifier,
            environment=self.environment_identifier,
        )

    def facts(self) -> dict[str, Any]:
        return {
            "service": self.service_identifier,
            "environment": self.environment_identifier,
            "code": f"…{self.code.hint}" if self.code else None,
            "commit": self.commit or None,
            "run": self.run,
            "run_url": self.run_url or None,
            "reason": self.reason,
            "used_at": iso(self.used_at),
            "reported_by": self.reported_by,
            "verdict": self.verdict,
        }
