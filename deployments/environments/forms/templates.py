"""The form of a template: lengths as words such as 8h; steps, inputs and limits as lines, or as JSON."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings

from deployments.environments.commands import template_create, template_update
from deployments.environments.forms.parts import Hours, Inputs, Limits, Part, Steps
from deployments.environments.models import PHASES, Template
from portal.accounts.models import Team
from portal.kit import jsontext
from portal.kit.by import By
from portal.kit.clock import duration
from portal.kit.errors import Invalid, PortalError
from portal.kit.forms import sentence, whole

Json = dict[str, Any]

CODE = {"class": "mono", "spellcheck": "false", "autocomplete": "off"}
LENGTHS = {
    "default_ttl": ("Lives for, usually", "8h"),
    "greatest_ttl": ("At most, at a time", "3d"),
    "soft_cap": ("In all without a reason", "7d"),
    "hard_cap": ("In all, at most", "30d"),
    "verify_pause": ("Pause between the two questions whether it is gone", "30s"),
    "orphan_grace": ("Nothing younger is taken for an orphan", "1h"),
}
SPEC = {
    "provision": [{"name": "Make it"}],
    "teardown": [{"name": "Take it away"}],
    "verify": {"name": "Is it gone?"},
}


class JsonField(forms.CharField):
    """JSON as text; what it means is the command's to judge."""

    def __init__(self, rows: int, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea(attrs=CODE | {"rows": rows}), **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text.strip():
            return None
        try:
            return jsontext.read(text, "text")
        except Invalid as fault:
            raise forms.ValidationError(fault.details["errors"][0]["message"]) from fault


class TemplateForm(forms.Form):
    """`save` answers the template, or None with what is wrong at its fields."""

    title = forms.CharField(max_length=100)
    identifier = forms.CharField(max_length=100, help_text="It stays as it is: environments and events name it.")
    description = forms.CharField(max_length=500, required=False)
    enabled = forms.BooleanField(
        required=False, initial=True, label="Switched on", help_text="Switched off, nobody can ask for a new one."
    )
    provider = forms.ChoiceField(choices=Template.Provider.choices)
    secret = forms.CharField(
        required=False,
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "hx-preserve": "true"}),
        help_text="What calls to a webhook are signed with. Kept encrypted, and never shown here.",
    )
    spec = JsonField(14, label="Steps", help_text="provision, sleep, wake, teardown: lists of steps; verify: one.")
    inputs = JsonField(
        8,
        help_text='As a blueprint declares properties: {"properties": {"branch": {"type": "string"}}, "required": []}.',
    )
    quiet_hours = JsonField(
        3,
        help_text='Hours of the owner\'s day in which nothing runs out: {"from": "09:00", "to": "18:00", "days": [0, 1, 2, 3, 4]}.',
    )
    closes_with_pr = forms.BooleanField(required=False, initial=True, label="Goes when its pull request closes")
    teams = forms.CharField(
        required=False, help_text="Identifiers with commas between. Without any, everybody may ask for one."
    )
    team_limits = JsonField(
        3, help_text='Limits of a team: {"payments": {"most": 3, "greatest_ttl": "2d"}}.', label="Limits of teams"
    )
    most_per_owner = forms.IntegerField(required=False, min_value=0, label="At most, each person")
    cost_per_hour = forms.DecimalField(required=False, min_value=0, max_digits=12, decimal_places=4)
    tries = forms.IntegerField(initial=5, label="Tries of a step before somebody is told")

    def __init__(self, posted: Any, template: Template | None) -> None:
        self.template, self.parts = template, _parts(template)
        self.wrong: list[Invalid] = []
        super().__init__(None if posted is None else self._read(posted), initial=_initial(template))
        self.fields["cost_per_hour"].label = f"Cost per hour, in {settings.CURRENCY}"
        for name, (label, usual) in LENGTHS.items():
            self.fields[name] = forms.CharField(
                label=label, max_length=40, initial=usual, widget=forms.TextInput(attrs={"autocomplete": "off"})
            )
        if template:
            self.fields["identifier"].disabled = True
            if template.secret:
                self.fields["secret"].help_text = "Kept encrypted, and never shown here. Left empty, it stays as it is."

    def _read(self, posted: Any) -> Any:
        """With the lines as the JSON that they mean."""
        data = posted.copy()
        for name, part in self.parts.items():
            part.load(posted)
            try:
                data[name] = part.as_text()
            except Invalid as wrong:
                self.wrong.append(wrong)
                data[name] = ""
        return data

    def clean(self) -> Json:
        for wrong in self.wrong:
            self.refuse(wrong)
        return self.cleaned_data

    @classmethod
    def redone(cls, posted: Any, template: Template | None, deed: str) -> "TemplateForm":
        """As it was typed, judged by nobody, after `add.provision`, `drop.inputs.1`, `up.teardown.2` or `turn.spec`."""
        form = cls(None, template)
        verb, _, rest = deed.partition(".")
        group, _, place = rest.partition(".")
        for name, part in form.parts.items():
            part.load(posted)
            if verb == "turn" and group == name:
                part.turn()
            part.do(verb, group, int(place) if place.isdecimal() and len(place) < 4 else -1)
            form.initial[name] = part.text
        for name, field in form.fields.items():
            if name not in form.parts and not field.disabled:
                form.initial[name] = field.widget.value_from_datadict(posted, {}, name)
        return form

    @property
    def team_names(self) -> list[str]:
        return list(Team.objects.order_by("identifier").values_list("identifier", flat=True)[:200])

    @property
    def groups(self) -> Iterator[tuple[str, str, list[forms.BoundField]]]:
        for title, note, names in (
            ("About", "", "title identifier description enabled teams most_per_owner cost_per_hour"),
            (
                "How long",
                "such as 90m, 8h, 3d or 1w",
                "default_ttl greatest_ttl soft_cap hard_cap closes_with_pr",
            ),
            ("Who makes it", "", "provider secret tries verify_pause orphan_grace"),
        ):
            yield title, note, [self[name] for name in names.split()]

    def wished(self) -> Json:
        """The fields of Template."""
        said = dict(self.cleaned_data)
        said |= {name: length(said[name], name) for name in LENGTHS}
        said.pop("secret")
        if self.template:
            said.pop("identifier")
        said["teams"] = [each.strip() for each in said["teams"].split(",") if each.strip()]
        for name in ("inputs", "quiet_hours", "team_limits"):
            said[name] = {} if said[name] is None else said[name]
        return said

    def save(self, by: By) -> Template | None:
        secret = self.cleaned_data["secret"]
        try:
            if self.template:
                return template_update(self.template, self.wished(), secret=secret, by=by)
            return template_create(self.wished(), secret=secret, by=by)
        except PortalError as error:
            self.refuse(error)
            return None

    def refuse(self, error: PortalError) -> None:
        """Each fault at its field: `spec.provision.0.name` is said of a part of the steps."""
        for fault in error.details.get("errors") or [{"path": "", "message": error.message}]:
            name, _, part = fault["path"].partition(".")
            if name in self.fields:
                self.add_error(name, f"{_place(part)}: {fault['message']}" if part else sentence(fault["message"]))
            else:
                self.add_error(None, whole(fault))


PARTS: dict[str, type[Part]] = {each.name: each for each in (Steps, Inputs, Hours, Limits)}


def _parts(template: Template | None) -> dict[str, Part]:
    found = {}
    for name, kind in PARTS.items():
        value = getattr(template, name) if template else SPEC if name == "spec" else {}
        try:
            found[name] = kind(value)
        except (ValueError, TypeError, AttributeError):  # what the lines could not show
            found[name] = kind({})
            found[name].text = json.dumps(_ordered(value), indent=2, ensure_ascii=False)
    return found


def _place(part: str) -> str:
    """`provision.0.timeout` is said as `provision, step 1, timeout`."""
    step = re.fullmatch(r"(\w+)\.(\d{1,4})(?:\.(.*))?", part)
    if step:
        return ", ".join(filter(None, [step[1], f"step {int(step[2]) + 1}", step[3]]))
    return part.removeprefix("properties.")


def length(text: str, path: str) -> timedelta:
    """`30s` too: the pause before a provider is asked again is short."""
    seconds = re.fullmatch(r"(\d{1,6})s", text.strip())
    return timedelta(seconds=int(seconds[1])) if seconds else duration(text, path)


def in_short(span: timedelta) -> str:
    """`1d12h`, as `length` reads it."""
    rest, found = int(span.total_seconds()), ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        number, rest = divmod(rest, size)
        found += f"{number}{unit}" if number else ""
    return found or "0s"


def _initial(template: Template | None) -> Json:
    if template is None:
        return {"spec": json.dumps(SPEC, indent=2), "provider": Template.Provider.WEBHOOK}
    plain = "title identifier description enabled provider closes_with_pr most_per_owner cost_per_hour tries".split()
    return {
        **{name: getattr(template, name) for name in plain},
        **{name: in_short(getattr(template, name)) for name in LENGTHS},
        **{
            name: json.dumps(_ordered(getattr(template, name)), indent=2, ensure_ascii=False)
            for name in ("spec", "inputs", "quiet_hours", "team_limits")
            if getattr(template, name)
        },
        "teams": ", ".join(template.teams),
    }


# The database forgets in which order a template was written.
ORDER = ("url", "list", *PHASES, "properties", "required", "name", "type", "title", "from", "to", "days")


def _ordered(value: Any) -> Any:
    if isinstance(value, list):
        return [_ordered(each) for each in value]
    if not isinstance(value, dict):
        return value
    names = sorted(value, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    return {name: _ordered(value[name]) for name in names}
