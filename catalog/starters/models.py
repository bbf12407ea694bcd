from typing import Any

from django.db import models
from django.db.models.functions import Now

from portal.audit.nouns import Noun

Json = dict[str, Any]


class Brought(models.Model):
    """What a starter brought into this catalog, so that it can be told from what was here, and taken out again.

    `parts`: `[{"what", "blueprint", "name", "definition"}]`, as they were when they came.
    """

    starter = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=100)
    parts = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=254, editable=False)

    class Meta:
        verbose_name_plural = "brought"
        ordering = ["starter"]

    def __str__(self) -> str:
        return self.title

    def noun(self) -> Noun:
        return Noun("starter", self.starter, self.title)

    def facts(self) -> Json:
        return {"parts": [" ".join(filter(None, (p["what"], p["blueprint"], p["name"]))) for p in self.parts]}
