from typing import Any

from django import forms

from catalog import kinds
from catalog.commands import blueprint_update
from catalog.models import Blueprint
from portal.kit.by import By
from portal.kit.errors import PortalError
from portal.kit.forms import refuse


class ChangelogForm(forms.Form):
    url = forms.CharField(
        max_length=2000,
        required=False,
        label="Address",
        widget=forms.URLInput(attrs={"placeholder": "https://changes.example.org/portcullis"}),
        help_text="Each change is sent there with a POST. Left empty, nothing is sent.",
    )

    def __init__(self, posted: Any, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        destination = blueprint.changelog_destination or {}
        super().__init__(posted, initial={"url": destination.get("url", "") if blueprint.is_watched else ""})

    def save(self, by: By) -> bool:
        """False when it was refused; the form says why."""
        url = self.cleaned_data["url"].strip()
        old = self.blueprint.changelog_destination or {}
        agent = {name: each for name, each in old.items() if name == "agent"} if self.blueprint.is_watched else {}
        if not url and old and not self.blueprint.is_watched:
            return True  # what other clients keep there is not this form's
        wished = {"type": "WEBHOOK", "url": url} | agent if url else None
        try:
            definition = kinds.definition_of(self.blueprint) | {"changelogDestination": wished}
            blueprint_update(self.blueprint, definition, by=by)
        except PortalError as error:
            refuse(self, error, {"changelogDestination.url": "url", "changelogDestination": "url"})
            return False
        return True
