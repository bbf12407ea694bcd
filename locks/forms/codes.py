from datetime import timedelta
from typing import Any

from django import forms

from catalog import queries as catalog
from locks import queries
from locks.commands import codes_issue
from locks.commands.overrides import MOST_CODES
from locks.models import BreakGlassCode
from portal.kit.by import By
from portal.kit.errors import PortalError
from portal.kit.forms import refuse

LIVES = [("30", "30 days"), ("90", "90 days"), ("180", "180 days"), ("365", "1 year")]
HOW_MANY = f"From 1 to {MOST_CODES} at a time."


class CodesForm(forms.Form):
    """Offers the environments that the one who asks may issue codes for."""

    environment = forms.ChoiceField()
    count = forms.IntegerField(
        label="How many",
        min_value=1,
        max_value=MOST_CODES,
        initial=1,
        error_messages=dict.fromkeys(("min_value", "max_value", "required", "invalid"), HOW_MANY),
    )
    life = forms.ChoiceField(label="Good for", choices=LIVES, initial="90")

    def __init__(self, *args: Any, by: By, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.names = queries.environments_for_codes(by)
        self.fields["environment"].choices = [(name, name) for name in self.names]  # type: ignore[attr-defined]

    def issue(self) -> list[tuple[BreakGlassCode, str]]:
        """Empty with the errors on this form."""
        data = self.cleaned_data
        try:
            environment = catalog.environment_named(data["environment"])
            return codes_issue(environment, count=data["count"], life=timedelta(days=int(data["life"])), by=self.by)
        except PortalError as error:
            refuse(self, error, {"duration": "life"})
            return []
