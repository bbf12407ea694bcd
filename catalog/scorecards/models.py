from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

from catalog.models import Blueprint, Entity
from portal.audit.nouns import Noun

Json = dict[str, Any]

# From the worst; an entity starts at the first. Without levels of its own a scorecard has these.
LEVELS = [
    {"title": "Basic", "color": "paleBlue"},
    {"title": "Bronze", "color": "bronze"},
    {"title": "Silver", "color": "silver"},
    {"title": "Gold", "color": "gold"},
]


class Scorecard(models.Model):
    """What is expected of the entities of a blueprint, level by level. Definitions are kept as clients send them."""

    blueprint = models.ForeignKey(Blueprint, on_delete=models.CASCADE, related_name="scorecards")
    identifier = models.CharField(max_length=100)
    title = models.CharField(max_length=100)
    # Which entities are judged at all; None: every one.
    filter = models.JSONField(null=True, blank=True)
    # Empty where the client named none.
    levels = models.JSONField(default=list, blank=True)
    rules = models.JSONField(default=list)
    extra = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=254, editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_by = models.CharField(max_length=254, editable=False)
    # The entity of `_scorecard` that stands for it.
    entity = models.OneToOneField(
        Entity, null=True, editable=False, on_delete=models.SET_NULL, related_name="scorecard"
    )
    # When a worker last compared all entities, and whether the definition is another one since.
    compared_at = models.DateTimeField(null=True, editable=False)
    is_stale = models.BooleanField(default=True, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["blueprint", "identifier"], name="scorecard_once")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("scorecards:scorecard_detail", args=[self.pk])

    def noun(self) -> Noun:
        blueprint = self.blueprint.identifier
        return Noun("scorecard", f"{blueprint}/{self.identifier}", self.title, blueprint=blueprint)

    def facts(self) -> Json:
        return {
            **self.extra,
            "identifier": self.identifier,
            "title": self.title,
            **({"filter": self.filter} if self.filter else {}),
            **({"levels": self.levels} if self.levels else {}),
            "rules": self.rules,
        }

    @property
    def ladder(self) -> list[str]:
        """Titles of its levels, from the worst."""
        return [each["title"] for each in self.levels or LEVELS]

    def colour(self, level: str) -> str:
        return next((each.get("color", "") for each in self.levels or LEVELS if each["title"] == level), "")


class Standing(models.Model):
    """How an entity stood when a worker last looked; no reader judges by it."""

    scorecard = models.ForeignKey(Scorecard, on_delete=models.CASCADE, related_name="standings")
    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="standings")
    # Empty: the filter leaves it out.
    level = models.CharField(max_length=100, blank=True)
    passed = models.JSONField(default=dict)
    since = models.DateTimeField()
    # When each rule last gave another answer.
    flipped = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scorecard", "entity"], name="standing_once")]

    def __str__(self) -> str:
        return f"{self.entity_id}: {self.level}"


class Day(models.Model):
    """How many entities stood at each level at the end of a day, as far as it has gone; of UTC."""

    scorecard = models.ForeignKey(Scorecard, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    levels = models.JSONField(default=dict)

    class Meta:
        ordering = ["day"]
        constraints = [models.UniqueConstraint(fields=["scorecard", "day"], name="day_once")]

    def __str__(self) -> str:
        return f"{self.scorecard_id} on {self.day}"


class RuleRow(models.Model):
    """A rule of a scorecard as the entity of `_rule` that stands for it."""

    # None: the rule is gone. Nobody sees it or its results any more, and the workers take them away.
    scorecard = models.ForeignKey(Scorecard, null=True, on_delete=models.SET_NULL, related_name="rows")
    identifier = models.CharField(max_length=100)
    entity = models.OneToOneField(Entity, on_delete=models.CASCADE, related_name="rule_row")
    # Of entities with keys up to this one no answer was missing when it was last looked.
    laid_to = models.BigIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scorecard", "identifier"], name="rule_row_once")]

    def __str__(self) -> str:
        return self.identifier


class Answer(models.Model):
    """Of which rule and which entity an entity of `_rule_result` tells. What it tells is asked when it is read."""

    row = models.OneToOneField(Entity, on_delete=models.CASCADE, related_name="answer")
    rule = models.ForeignKey(RuleRow, on_delete=models.CASCADE, related_name="answers", db_index=False)
    target = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="answers")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "target"], name="answer_once")]

    def __str__(self) -> str:
        return f"{self.rule_id} of {self.target_id}"
