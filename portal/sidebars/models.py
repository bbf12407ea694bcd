from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now

from portal.audit.nouns import Noun

Json = dict[str, Any]

SIDEBAR = "catalog"  # the only one there is
HOME = "$home"


class Item(models.Model):
    """A page, or a folder of them. `definition` is kept as it was sent, widgets and all.

    `after` is the name of the item that it was put behind; the order is worked out from that.
    """

    class Kind(models.TextChoices):
        PAGE = "page"
        FOLDER = "folder"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    identifier = models.CharField(max_length=200, unique=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="items")
    after = models.CharField(max_length=200, blank=True)
    definition = models.JSONField(encoder=DjangoJSONEncoder)
    permissions = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=254)
    updated_at = models.DateTimeField(db_default=Now())
    updated_by = models.CharField(max_length=254)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.definition.get("title") or self.identifier)

    def noun(self) -> Noun:
        return Noun(self.kind, self.identifier, str(self), blueprint=str(self.definition.get("blueprint") or ""))

    def facts(self) -> Json:
        return {**self.as_sent, "permissions": self.permissions}

    @property
    def as_sent(self) -> Json:
        """The definition with its place; what is unset is left out."""
        place = {"parent": self.parent.identifier if self.parent else "", "after": self.after}
        return {**self.definition, **{name: value for name, value in place.items() if value}}

    @property
    def is_listed(self) -> bool:
        """Whether it stands in the sidebar: pages of one entity and the home page do not."""
        if self.kind == self.Kind.FOLDER:
            return True
        return (
            self.definition.get("type") not in ("home", "entity") and self.definition.get("showInSidebar") is not False
        )
