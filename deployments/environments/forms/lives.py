"""What people say about an environment that is here."""

from datetime import datetime
from typing import Any

from django import forms

from deployments.environments.commands import environment_extend, environment_pin, environment_teardown
from deployments.environments.models import Environment
from deployments.environments.terms import LONGEST_REASON
from portal.kit.by import By
from portal.kit.clock import duration
from portal.kit.errors import PortalError
from portal.kit.forms import refuse, zone_name

HERE = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
INSTANTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
LINE = forms.TextInput(attrs={"autocomplete": "off"})


class ExtensionForm(forms.Form):
    """From now on for `ttl`; beyond the template's soft cap with a reason."""

    ttl = forms.CharField(
        label="From now on for",
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "8h, 1d12h"}),
        error_messages={"required": "Say for how long, such as 8h or 2d."},
    )
    reason = forms.CharField(required=False, max_length=LONGEST_REASON, label="Why", widget=LINE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "extend_%s"} | kwargs)

    def extend(self, environment: Environment, *, by: By) -> Environment | None:
        """The environment, or None with what is wrong on the form."""
        try:
            ttl = duration(self.cleaned_data["ttl"], "ttl")
            return environment_extend(environment, ttl, reason=self.cleaned_data["reason"], by=by)
        except PortalError as error:
            refuse(self, error)
            return None


class PinForm(forms.Form):
    until = forms.DateTimeField(
        widget=HERE, input_formats=INSTANTS, error_messages={"required": "Say until when: a pin has an end."}
    )
    reason = forms.CharField(
        max_length=LONGEST_REASON, label="Why", widget=LINE, error_messages={"required": "Say why it has to stay."}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "pin_%s"} | kwargs)
        self.fields["until"].label = f"Until ({zone_name()})"

    def pin(self, environment: Environment, *, by: By) -> Environment | None:
        until: datetime = self.cleaned_data["until"]
        try:
            return environment_pin(environment, until, reason=self.cleaned_data["reason"], by=by)
        except PortalError as error:
            refuse(self, error)
            return None


class TeardownForm(forms.Form):
    reason = forms.CharField(required=False, max_length=LONGEST_REASON, label="Why", widget=LINE)

    def tear_down(self, environment: Environment, *, by: By) -> Environment | None:
        try:
            return environment_teardown(environment, reason=self.cleaned_data["reason"], by=by)
        except PortalError as error:
            refuse(self, error)
            return None
