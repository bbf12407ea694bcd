"""The part of a form that says what is covered: a lock's, a freeze's."""

from typing import Any

from django import forms

from catalog.builtin import TIERS
from locks import queries, scopes
from locks.models import Effect, ScopeKind
from locks.scopes import Scope
from portal.kit.by import By

SCOPES = [
    (ScopeKind.PAIR, "Service in an environment"),
    (ScopeKind.SERVICE, "Service"),
    (ScopeKind.ENVIRONMENT, "Environment"),
    (ScopeKind.TEAM, "Team"),
    (ScopeKind.TIER, "Tier"),
    (ScopeKind.EVERYTHING, "Everything"),
]
NEEDS = {
    "pair": ("service", "environment"),
    "service": ("service",),
    "environment": ("environment",),
    "team": ("team",),
    "tier": ("tier",),
    "everything": (),
}
EFFECTS = [
    (Effect.BLOCK, "Everybody"),
    (Effect.BLOCK_AUTOMATION, "CI only, people may deploy"),
    (Effect.WARN, "Nobody, it only warns"),
]


class ScopeForm(forms.Form):
    """What the chosen scope has no place for is left out, so that changing one's mind is no error."""

    scope_label = ""

    scope = forms.ChoiceField(choices=SCOPES, initial=ScopeKind.PAIR, widget=forms.RadioSelect)
    service = forms.CharField(
        required=False, max_length=1000, widget=forms.TextInput(attrs={"list": "lock-services", "autocomplete": "off"})
    )
    environment = forms.ChoiceField(required=False)
    tier = forms.ChoiceField(required=False, choices=[("", "Choose a tier"), *((each, each) for each in TIERS)])
    team = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, by: By, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.names = queries.scope_names(by)
        self.fields["scope"].label = self.scope_label
        choose = [("", "Choose an environment")]
        self.fields["environment"].choices = choose + [(name, name) for name in self.names.environments]  # type: ignore[attr-defined]
        self.fields["team"].choices = [("", "Choose a team")] + [(name, name) for name in self.names.teams]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in NEEDS.get(data.get("scope", ""), ()):
            if not data.get(name) and name not in self.errors:
                self.add_error(name, f"Name the {name}.")
        return data

    def scope_named(self) -> Scope:
        return _scope(self.cleaned_data)


def draft(data: Any) -> Scope | None:
    """The scope of a form that is still being filled in, or None while it names too little."""
    kind = data.get("scope") or ScopeKind.PAIR
    if any(not data.get(name) for name in NEEDS.get(kind, ())):
        return None
    return _scope({**{name: data.get(name, "") for name in NEEDS.get(kind, ())}, "scope": kind})


def _scope(data: dict[str, Any]) -> Scope:
    kind = data.get("scope") or ""
    return scopes.named(kind, **{name: data.get(name) or "" for name in NEEDS.get(kind, ())})
