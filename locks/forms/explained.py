from dataclasses import dataclass
from typing import Any

from django import forms

from catalog import queries as catalog
from locks import queries
from locks.decisions import Decision
from locks.forms.locks import HERE, INSTANTS
from locks.queries import AUTOMATION, Reason
from portal.kit.by import Actor, By
from portal.kit.clock import database_now
from portal.kit.errors import PortalError
from portal.kit.forms import refuse, zone_name


@dataclass(frozen=True)
class Explained:
    decision: Decision
    reasons: list[Reason]
    as_who: str


class ExplainedForm(forms.Form):
    """One question to the gate. It asks and keeps nothing."""

    service = forms.CharField(
        max_length=1000,
        widget=forms.TextInput(attrs={"list": "services", "autocomplete": "off"}),
        error_messages={"required": "Name the service."},
    )
    environment = forms.ChoiceField(error_messages={"required": "Name the environment."})
    intent = forms.ChoiceField(choices=[("deploy", "Deploy"), ("rollback", "Roll back")], initial="deploy")
    who = forms.ChoiceField(label="As", choices=[("me", "me"), ("ci", "CI")], initial="me")
    at = forms.DateTimeField(required=False, widget=HERE, input_formats=INSTANTS)

    def __init__(self, *args: Any, by: By, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.names = queries.scope_names(by)
        self.fields["environment"].choices = [(name, name) for name in self.names.environments]  # type: ignore[attr-defined]
        self.fields["at"].label = f"At ({zone_name()}), now if empty"
        for name in ("intent", "who"):
            self.fields[name].required = False

    def answer(self) -> Explained | None:
        """None with the error on this form."""
        data = self.cleaned_data
        by = By(_ci(), self.by.door) if data["who"] == "ci" else self.by
        try:
            place = catalog.place(data["service"], data["environment"])
            at, intent = data["at"] or database_now(), data["intent"] or "deploy"
            decision = queries.decide(place, by=by, intent=intent, now=at)
            reasons = queries.explain(place, by=by, viewer=self.by, intent=intent, now=at)
        except PortalError as error:
            refuse(self, error)
            return None
        return Explained(decision, reasons, "CI" if data["who"] == "ci" else self.by.actor.name)


def _ci() -> Actor:
    return Actor("credential", AUTOMATION.key, AUTOMATION.name, scopes=frozenset({"gate"}))
