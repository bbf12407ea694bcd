from typing import Any

from django.db import models
from django.db.models import F, Q

from portal.audit.nouns import Noun


class TierLimits(models.Model):
    """What may be done to the environments of a tier, where an administrator has decided otherwise than the portal."""

    tier = models.CharField(max_length=20, unique=True)
    default = models.DurationField()
    greatest = models.DurationField()
    open_ended = models.BooleanField()
    shortest_reason = models.PositiveIntegerField()
    two_people = models.BooleanField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name_plural = "tier limits"
        constraints = [
            models.CheckConstraint(name="limits_default_within_greatest", condition=Q(default__lte=F("greatest")))
        ]

    def __str__(self) -> str:
        return f"limits of {self.tier}"

    def noun(self) -> Noun:
        return Noun("tier_limits", self.tier, str(self))

    def facts(self) -> dict[str, Any]:
        return {
            "default_minutes": int(self.default.total_seconds() // 60),
            "greatest_minutes": int(self.greatest.total_seconds() // 60),
            "open_ended": self.open_ended,
            "shortest_reason": self.shortest_reason,
            "two_people": self.two_people,
        }
