from typing import Any

from django import forms

from catalog import queries as catalog
from catalog.queries import Place
from locks import queries
from locks.commands import override_ask
from locks.decisions import Bar
from locks.models import Effect, Lock, Override
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.clock import duration
from portal.kit.errors import PortalError, Refused
from portal.kit.forms import refuse

LIVES = [("30m", "30 min"), ("1h", "1 h"), ("2h", "2 h"), ("4h", "4 h")]


class OverrideForm(forms.Form):
    """Once the place is named, what stops there is offered by name: an override passes nothing else. A warning stops
    nobody.
    """

    service = forms.CharField(
        max_length=1000, widget=forms.TextInput(attrs={"list": "services", "autocomplete": "off"})
    )
    environment = forms.ChoiceField()
    passes = forms.MultipleChoiceField(label="It may pass", required=False, widget=forms.CheckboxSelectMultiple)
    commit = forms.CharField(
        max_length=100,
        error_messages={"required": "Name the commit that may pass: the override is good for no other."},
    )
    reason = forms.CharField(
        max_length=2000, error_messages={"required": "Say why it cannot wait: whoever approves it reads that."}
    )
    life = forms.ChoiceField(label="For", choices=LIVES, initial="30m")
    max_uses = forms.IntegerField(label="Runs it lets through", min_value=1, max_value=10, initial=1)

    def __init__(self, *args: Any, by: By, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.names = queries.scope_names(by)
        self.fields["environment"].choices = [(name, name) for name in self.names.environments]  # type: ignore[attr-defined]
        self.place = self._place()
        self.stops = self._stops()
        self.fields["passes"].choices = [(str(bar.public_id), _named(bar)) for bar in self.stops]  # type: ignore[attr-defined]
        if not self.is_bound:
            self.initial["passes"] = [str(bar.public_id) for bar in self.stops]

    def _place(self) -> Place | None:
        named = self.data if self.is_bound else self.initial
        self.unknown = ""
        if not named.get("service"):
            return None
        try:
            return catalog.place(named["service"], named.get("environment", ""))
        except PortalError as error:
            self.unknown = error.message
            return None

    def _stops(self) -> list[Bar]:
        if self.place is None:
            return []
        decision = queries.decide(self.place, by=self.by)
        bars: list[Bar] = [*decision.locks, *decision.freezes]
        return [bar for bar in bars if bar.effect != Effect.WARN]

    @property
    def refusal(self) -> str:
        """Why he may not ask for it there, told before he fills it in."""
        try:
            require(self.by, "override.ask", teams=self.place.teams if self.place else ())
        except Refused as error:
            return error.message if self.place else ""
        return ""

    def ask(self) -> Override | None:
        """None with the errors on this form."""
        data = self.cleaned_data
        try:
            return override_ask(
                self.place or catalog.place(data["service"], data["environment"]),
                data["passes"],
                commit=data["commit"].strip(),
                reason=data["reason"],
                life=duration(data["life"], "duration"),
                max_uses=data["max_uses"],
                by=self.by,
            )
        except PortalError as error:
            refuse(self, error, {"duration": "life"})
            return None


def _named(bar: Bar) -> str:
    return f"{'Lock' if isinstance(bar, Lock) else 'Freeze'} of {bar.covers}, by {bar.holder_name}: {bar.reason}"
