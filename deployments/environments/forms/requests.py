"""The form that asks for an environment, made from the inputs that its template declares."""

from typing import Any

from django import forms

from catalog.forms.inputs import Input, input_of
from deployments.environments.commands import environment_request
from deployments.environments.models import Environment, Template
from deployments.environments.specs import named
from deployments.environments.terms import LONGEST_REASON, limit
from portal.accounts.models import Team, User
from portal.accounts.queries import user_of
from portal.kit.by import By
from portal.kit.clock import duration, in_words
from portal.kit.errors import Invalid, PortalError
from portal.kit.forms import refuse

Json = dict[str, Any]

P = "p-"
MOST_OFFERED = 200
LINE = {"autocomplete": "off"}


class RequestForm(forms.Form):
    """`save` answers the environment, or None with what is wrong on the form."""

    name = forms.CharField(
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs=LINE | {"class": "mono"}),
        help_text="Left empty, the portal makes one up. It is its name in the catalog too.",
    )
    ttl = forms.CharField(required=False, max_length=40, label="Lives for", widget=forms.TextInput(attrs=LINE))
    owner = forms.CharField(required=False, label="Owner", widget=forms.EmailInput(attrs=LINE | {"list": "people"}))
    team = forms.ChoiceField(required=False)
    reason = forms.CharField(
        required=False, max_length=LONGEST_REASON, label="What for", widget=forms.TextInput(attrs=LINE)
    )
    pr_url = forms.CharField(
        required=False,
        max_length=1000,
        label="Pull request",
        widget=forms.URLInput(attrs=LINE | {"placeholder": "https://"}),
    )

    def __init__(self, data: Any, template: Template, *, by: By, initial: Json | None = None) -> None:
        self.template, self.by = template, by
        super().__init__(data, initial=initial, use_required_attribute=False)
        self.inputs: dict[str, Input] = {}
        self._say_ttl()
        self._offer_teams()
        person = user_of(by.actor.key)
        if not by.actor.is_admin:
            del self.fields["owner"]  # it is who asks
        elif person:
            self.fields["owner"].initial = person.email
        if template.closes_with_pr:
            self.fields["pr_url"].help_text = "When it closes, the environment goes."
        for name in named(template):
            self._add(name, template.inputs["properties"][name])

    def _say_ttl(self) -> None:
        usual, greatest = (limit(self.template, self._usual_team, name) for name in ("default_ttl", "greatest_ttl"))
        self.fields["ttl"].widget.attrs["placeholder"] = in_words(min(usual, greatest))
        self.fields[
            "ttl"
        ].help_text = f"Such as 90m, 8h or 2d; at most {in_words(greatest)} at a time, and {in_words(self.template.hard_cap)} in all."

    @property
    def _usual_team(self) -> str:
        return next(iter(self.by.actor.teams)) if len(self.by.actor.teams) == 1 else ""

    def _offer_teams(self) -> None:
        rows = Team.objects.order_by("title")
        rows = rows if self.by.actor.is_admin else rows.filter(identifier__in=self.by.actor.teams)
        choices = [(each.identifier, str(each)) for each in rows[:MOST_OFFERED]]
        self.fields["team"].choices = [("", "no team"), *choices]  # type: ignore[attr-defined]
        self.fields["team"].initial = self._usual_team

    def _add(self, name: str, definition: Json) -> None:
        default = definition.get("default")
        kind = self.inputs[name] = input_of(definition, default)
        field = kind.field(default)
        field.label, field.required = definition.get("title") or name, False
        field.help_text = " ".join(filter(None, [definition.get("description"), str(field.help_text)]))
        field.initial = "" if default is None else kind.text(default)
        self.fields[P + name] = field

    @property
    def needed(self) -> set[str]:
        return {P + name for name in self.template.inputs.get("required") or []}

    @property
    def own(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if not name.startswith(P)]

    @property
    def asked(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith(P)]

    @property
    def people(self) -> list[str]:
        if "owner" not in self.fields:
            return []
        return list(User.objects.filter(is_active=True).values_list("email", flat=True)[:MOST_OFFERED])

    def save(self) -> Environment | None:
        said = self.cleaned_data
        try:
            return environment_request(
                self.template,
                name=said["name"],
                ttl=duration(said["ttl"], "ttl") if said["ttl"] else None,
                owner=self._owner(said.get("owner", "")),
                team=said["team"],
                inputs=self._inputs(),
                reason=said["reason"],
                pr_url=said["pr_url"],
                by=self.by,
            )
        except PortalError as error:
            paths = [fault["path"] for fault in error.details.get("errors", [])]
            refuse(self, error, {path: _field(path) for path in paths} | {"identifier": "name"})
            if not self.errors:
                self.add_error(None, error.message)
        return None

    def _owner(self, email: str) -> User | None:
        if not email:
            return None
        found: User | None = User.objects.filter(email__iexact=email).first()
        if found is None:
            raise Invalid.at("owner", "nobody here has this address")
        return found

    def _inputs(self) -> Json:
        values: Json = {}
        for name, kind in self.inputs.items():
            try:
                values[name] = kind.value(self.cleaned_data[P + name])
            except ValueError as error:
                raise Invalid.at(f"inputs.{name}", str(error)) from error
        given = {name: value for name, value in values.items() if value is not None}
        missing = [name for name in self.template.inputs.get("required") or [] if name not in given]
        if missing:
            raise Invalid.of([{"path": f"inputs.{name}", "message": "is required"} for name in missing])
        return given


def _field(path: str) -> str:
    group, _, rest = path.partition(".")
    return P + rest.split(".")[0] if group == "inputs" else path
