from datetime import datetime, timedelta
from typing import Any

from django import forms

from catalog.builtin import TIERS
from locks import limits, queries, scopes
from locks.commands import Until, lock_extend, lock_release, lock_take
from locks.models import Lock, ScopeKind
from locks.scopes import Scope
from portal.kit.by import By
from portal.kit.clock import database_now, duration, instant
from portal.kit.errors import Invalid, PortalError
from portal.kit.forms import refuse, zone_name

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
CUSTOM, OPEN = "custom", "open"
DURATIONS = [
    ("30m", "30 min"),
    ("1h", "1 h"),
    ("2h", "2 h"),
    ("4h", "4 h"),
    (CUSTOM, "Until…"),
    (OPEN, "Until released"),
]
EFFECTS = [
    (Lock.Effect.BLOCK, "Everybody"),
    (Lock.Effect.BLOCK_AUTOMATION, "CI only, people may deploy"),
    (Lock.Effect.WARN, "Nobody, it only warns"),
]
HERE = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
INSTANTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def until_label() -> str:
    """Names the time zone that an instant is typed in: the viewer's."""
    return f"Until ({zone_name()})"


def usual_duration(tier: str) -> str:
    """The choice of DURATIONS that the tier's default is, or comes next to."""
    return _nearest(limits.of(tier).default)


def _nearest(usual: timedelta) -> str:
    """Not longer, where there is no such choice."""
    return max(
        (value for value, _ in DURATIONS[:4] if duration(value, "duration") <= usual),
        key=lambda value: duration(value, "duration"),
        default=DURATIONS[0][0],
    )


class LockForm(forms.Form):
    """Takes a lock. What the chosen scope has no place for is left out, so that changing one's mind is no error."""

    scope = forms.ChoiceField(label="Lock", choices=SCOPES, initial=ScopeKind.PAIR, widget=forms.RadioSelect)
    service = forms.CharField(
        required=False, max_length=1000, widget=forms.TextInput(attrs={"list": "lock-services", "autocomplete": "off"})
    )
    environment = forms.ChoiceField(required=False)
    tier = forms.ChoiceField(required=False, choices=[("", "Choose a tier"), *((each, each) for each in TIERS)])
    team = forms.ChoiceField(required=False)
    reason = forms.CharField(
        max_length=2000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "What are you doing there?"}),
        error_messages={"required": "Say why: it is what everybody who is stopped will read."},
    )
    duration = forms.ChoiceField(
        label="For", choices=DURATIONS, initial=_nearest(limits.usual("production").default), widget=forms.RadioSelect
    )
    until = forms.DateTimeField(required=False, widget=HERE, input_formats=INSTANTS)
    effect = forms.ChoiceField(label="Stops", choices=EFFECTS, initial=Lock.Effect.BLOCK)
    link = forms.CharField(
        required=False, max_length=2000, widget=forms.URLInput(attrs={"placeholder": "https://"}),
        help_text="An incident, a ticket, a thread.",
    )  # fmt: skip

    def __init__(self, *args: Any, by: By, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.fields["until"].label = until_label()
        self.names = queries.scope_names(by)
        choose = [("", "Choose an environment")]
        self.fields["environment"].choices = choose + [(name, name) for name in self.names.environments]  # type: ignore[attr-defined]
        self.fields["team"].choices = [("", "Choose a team")] + [(name, name) for name in self.names.teams]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in NEEDS.get(data.get("scope", ""), ()):
            if not data.get(name) and name not in self.errors:
                self.add_error(name, f"Name the {name}.")
        if data.get("duration") == CUSTOM and not data.get("until") and "until" not in self.errors:
            self.add_error("until", "Say until when.")
        return data

    def scope_named(self) -> Scope:
        return _scope(self.cleaned_data)

    def take(self, *, steal: bool = False) -> Lock | None:
        """The lock, or None with the errors on this form. A Conflict is the view's: it knows how to go on."""
        data = self.cleaned_data
        try:
            return lock_take(
                self.scope_named(),
                reason=data["reason"],
                until=self._until(),
                link=data["link"].strip(),
                effect=data["effect"],
                steal=steal,
                by=self.by,
            )
        except PortalError as error:
            if error.code == "already_locked":
                raise
            refuse(self, error, {"until": "until" if data["duration"] == CUSTOM else "duration"})
            return None

    def _until(self) -> Until:
        chosen = self.cleaned_data["duration"]
        if chosen == OPEN:
            return None
        if chosen == CUSTOM:
            until: datetime = self.cleaned_data["until"]
            return until
        return database_now() + duration(chosen, "duration")


def _scope(data: dict[str, Any]) -> Scope:
    kind = data.get("scope") or ""
    return scopes.named(kind, **{name: data.get(name) or "" for name in NEEDS.get(kind, ())})


def draft(data: Any) -> Scope | None:
    """The scope of a form that is still being filled in, or None while it names too little."""
    kind = data.get("scope") or ScopeKind.PAIR
    if any(not data.get(name) for name in NEEDS.get(kind, ())):
        return None
    return _scope({**{name: data.get(name, "") for name in NEEDS.get(kind, ())}, "scope": kind})


class ReleaseForm(forms.Form):
    """`stranger`: who neither holds nor owns the lock, and so has to say why."""

    reason = forms.CharField(required=False, max_length=2000)

    def __init__(self, *args: Any, stranger: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = stranger
        self.fields["reason"].error_messages["required"] = "This lock is not yours. Say why you release it."

    def release(self, lock: Lock, *, by: By) -> Lock | None:
        try:
            return lock_release(lock, reason=self.cleaned_data["reason"], steal=True, by=by)
        except PortalError as error:
            refuse(self, error)
            return None


class ExtensionForm(forms.Form):
    """`until` is an instant, so that pressing twice is the same as once; `local` is what a person types, in his own time zone."""

    until = forms.CharField(required=False)
    local = forms.DateTimeField(required=False, widget=HERE, input_formats=INSTANTS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["local"].label = until_label()

    def extend(self, lock: Lock, *, by: By) -> Lock | None:
        try:
            return lock_extend(lock, self._until(), by=by)
        except PortalError as error:
            refuse(self, error, {"until": "local"})
            return None

    def _until(self) -> datetime | None:
        wished = self.cleaned_data["until"]
        if wished == OPEN:
            return None
        if wished:
            return instant(wished, "until")
        if self.cleaned_data["local"]:
            local: datetime = self.cleaned_data["local"]
            return local
        raise Invalid.at("until", "say until when")
