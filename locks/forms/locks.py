from datetime import datetime, timedelta
from typing import Any

from django import forms

from locks import limits
from locks.commands import Until, lock_extend, lock_release, lock_take
from locks.forms.scopes import EFFECTS, ScopeForm
from locks.models import Lock
from portal.kit.by import By
from portal.kit.clock import database_now, duration, instant
from portal.kit.errors import Invalid, PortalError
from portal.kit.forms import refuse, zone_name

CUSTOM, OPEN = "custom", "open"
DURATIONS = [
    ("30m", "30 min"),
    ("1h", "1 h"),
    ("2h", "2 h"),
    ("4h", "4 h"),
    (CUSTOM, "Until…"),
    (OPEN, "Until released"),
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


class LockForm(ScopeForm):
    """Takes a lock."""

    scope_label = "Lock"

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
        super().__init__(*args, by=by, **kwargs)
        self.fields["until"].label = until_label()

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("duration") == CUSTOM and not data.get("until") and "until" not in self.errors:
            self.add_error("until", "Say until when.")
        return data

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
