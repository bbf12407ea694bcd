from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils import timezone

from locks import queries, repeats, wishes
from locks.commands import freeze_change, freeze_create
from locks.forms.scopes import EFFECTS, NEEDS, ScopeForm
from locks.models import Effect, Freeze, Pass, Window
from locks.models.freeze import compact
from locks.repeats import DAYS, Repeat
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Invalid, PortalError
from portal.kit.forms import refuse

Json = dict[str, Any]

RULE = "rule"
REPEATS = [
    ("", "Never"),
    ("day", "Every day"),
    ("week", "Every week"),
    ("month", "Every month"),
    ("year", "Every year"),
    (RULE, "By a rule"),
]
MONTHLY = [
    ("date", "The same date"),
    ("weekday", "The same weekday, such as the second Friday"),
    ("last", "The last such weekday of the month"),
    ("last_day", "The last day of the month"),
    ("last_workday", "The last working day of the month"),
]
PASSES = [(Pass.ROLLBACK, "Rollbacks"), (Pass.HOLDER, "Its holder, in person")]
# The paths of a wish that have a field of another name.
FIELDS = {"duration": "length", "holidays": "ics"}


class FreezeForm(ScopeForm):
    """Makes a freeze, or changes one: then its scope stays and is not asked for.

    `repeats` and what belongs to it are a rule of RFC 5545 in the words of people; one that they cannot say is a text.
    """

    scope_label = "Freeze"

    title = forms.CharField(
        label="Name",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Weekend"}),
        error_messages={"required": "Give it a name: it is what the calendar shows."},
    )
    reason = forms.CharField(
        max_length=2000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Why does nobody deploy then?"}),
        error_messages={"required": "Say why: it is what everybody who is stopped will read."},
    )
    starts = forms.CharField(
        label="First begins",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "datetime-local"}),
    )
    length = forms.CharField(
        label="Lasts",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"list": "lengths", "autocomplete": "off", "placeholder": "2d15h"}),
        help_text="Such as 90m, 4h, 1d or 2d15h.",
    )
    timezone = forms.CharField(
        label="Time zone",
        max_length=60,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
        help_text="Its wall clock decides, in summer and in winter.",
    )
    repeats = forms.ChoiceField(required=False, choices=REPEATS, initial="", widget=forms.RadioSelect)
    interval = forms.IntegerField(
        label="Interval", required=False, min_value=1, max_value=100, initial=1, help_text="2 is every other one."
    )
    days = forms.MultipleChoiceField(
        label="On",
        required=False,
        choices=[(key, name[:3]) for key, name in DAYS.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    monthly = forms.ChoiceField(label="On", required=False, choices=MONTHLY, initial="date")
    until = forms.DateField(
        label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    rule = forms.CharField(
        label="Rule of RFC 5545",
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off", "placeholder": "FREQ=MONTHLY;BYDAY=2TU"}),
    )
    exceptions = forms.CharField(
        label="Not on",
        required=False,
        max_length=12_000,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "2026-12-25"}),
        help_text="Days, or moments such as 2026-12-25T17:00, on which it does not begin. One a line.",
    )
    ics_file = forms.FileField(
        label="Holidays from a calendar file",
        required=False,
        widget=forms.FileInput(attrs={"accept": ".ics,text/calendar"}),
        help_text="Each of its events closes the gate too.",
    )
    ics = forms.CharField(
        label="Or its text",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "placeholder": "BEGIN:VCALENDAR"}),
    )
    drop_holidays = forms.BooleanField(label="Take its holidays out", required=False)
    effect = forms.ChoiceField(label="Stops", choices=EFFECTS, initial=Effect.BLOCK)
    allows = forms.MultipleChoiceField(
        label="Lets through", required=False, choices=PASSES, widget=forms.CheckboxSelectMultiple
    )
    link = forms.CharField(
        required=False, max_length=2000, widget=forms.URLInput(attrs={"placeholder": "https://"}),
        help_text="A calendar, a policy, a thread.",
    )  # fmt: skip
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, by: By, freeze: Freeze | None = None, **kwargs: Any) -> None:
        initial = _initial(freeze) if freeze else {"timezone": timezone.get_current_timezone_name()}
        super().__init__(*args, by=by, initial=initial | kwargs.pop("initial", {}), **kwargs)
        self.freeze = freeze
        if freeze:
            for name in ("scope", *NEEDS["pair"], "tier", "team"):
                del self.fields[name]

    @property
    def zones(self) -> list[str]:
        return sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")) + ["UTC"]

    def clean_ics_file(self) -> str:
        file = self.cleaned_data["ics_file"]
        if not file:
            return ""
        if file.size > settings.MAX_BODY_BYTES:
            raise forms.ValidationError("It is larger than 1 MiB. Leave out what is long past.")
        try:
            text: str = file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise forms.ValidationError("It is no calendar file: its text is not UTF-8.") from None
        return text

    def clean(self) -> Json:
        data = super().clean()
        if data.get("ics_file"):
            # A browser does not send a file again with the form that comes back; its text it does.
            sent: Any = self.data.copy()  # type: ignore[attr-defined]
            sent["ics"] = data["ics_file"]
            self.data = sent
        return data

    def save(self) -> Freeze | None:
        """The freeze, or None with the errors on this form."""
        try:
            if self.freeze:
                wish = wishes.parse(self._body(), base=self.freeze)
                return freeze_change(self.freeze, wish, seen=self.cleaned_data["seen"], by=self.by)
            return freeze_create(self.scope_named(), wishes.parse(self._body()), by=self.by)
        except PortalError as error:
            refuse(self, error, self._fields(error))
            return None

    @cached_property
    def coming(self) -> list[Window]:
        """The next windows of what is filled in so far. Raises Invalid with what is wrong about its times."""
        self.is_valid()
        body = self._body() | {"title": "draft", "reason": "draft", "link": ""}
        drafted = Freeze(**wishes.parse(body, base=self.freeze).columns)
        return queries.coming([drafted], database_now())

    def _body(self) -> Json:
        """As a client of /v1 would send it."""
        data = self.cleaned_data
        body = {name: data.get(name) or "" for name in ("title", "reason", "link", "timezone")}
        body |= {
            "effect": data.get("effect") or Effect.BLOCK,
            "allows": data.get("allows") or [],
            "starts": data.get("starts") or None,
            "duration": data.get("length") or None,
            "rrule": self._rrule(),
            "exceptions": (data.get("exceptions") or "").replace(",", " ").split(),
        }
        if ics := data.get("ics_file") or data.get("ics"):
            return body | {"ics": ics}
        return body | ({"holidays": []} if data.get("drop_holidays") else {})

    def _rrule(self) -> str:
        data = self.cleaned_data
        every, starts = data.get("repeats") or "", _wall(data.get("starts"))
        if every == RULE:
            if not data.get("rule"):
                raise Invalid.at("rrule", "write the rule, such as FREQ=WEEKLY;BYDAY=FR")
            return str(data["rule"])
        if not every or starts is None:
            return ""
        repeat = Repeat(
            every, data.get("interval") or 1, tuple(data.get("days") or ()), data.get("monthly") or "date", data.get("until")
        )  # fmt: skip
        return repeat.rrule(starts)

    def _fields(self, error: PortalError) -> dict[str, str]:
        own = FIELDS | {"rrule": "rule" if self.cleaned_data.get("repeats") == RULE else "repeats"}
        paths = [each["path"] for each in error.details.get("errors", [])]
        return {path: own.get(head, head) for path in paths if (head := path.partition(".")[0])}


def _wall(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text or "").replace(tzinfo=None)
    except ValueError:
        return None


def _initial(freeze: Freeze) -> Json:
    said = {
        name: getattr(freeze, name) for name in ("title", "reason", "link", "effect", "allows", "timezone", "starts")
    }
    said |= {
        "length": compact(freeze.duration) if freeze.duration else "",
        "exceptions": "\n".join(freeze.exceptions),
        "seen": freeze.edition,
    }
    if not freeze.rrule:
        return said
    repeat = repeats.read(freeze.rrule, datetime.fromisoformat(freeze.starts)) if freeze.starts else None
    if repeat is None:
        return said | {"repeats": RULE, "rule": freeze.rrule}
    return said | {
        "repeats": repeat.every,
        "interval": repeat.interval,
        "days": list(repeat.days),
        "monthly": repeat.on,
        "until": repeat.until,
    }
