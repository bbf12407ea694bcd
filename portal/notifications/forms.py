"""The form of a route."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils import timezone

from catalog.builtin import TIERS
from portal.kit.by import By
from portal.kit.errors import PortalError
from portal.kit.forms import refuse
from portal.notifications import shapes
from portal.notifications.commands import route_create, route_update
from portal.notifications.models import Route
from portal.notifications.notice import TESTED, kinds

Json = dict[str, Any]

TO = [
    (Route.To.PLACE, "Slack: the service’s channel, else the environment’s, else the portal’s"),
    (Route.To.SERVICE, "Slack: the service’s channel"),
    (Route.To.ENVIRONMENT, "Slack: the environment’s channel"),
    (Route.To.CHANNEL, "Slack: a channel"),
    (Route.To.PERSON, "The person it concerns, in Slack or by e-mail"),
    (Route.To.EMAIL, "E-mail addresses"),
    (Route.To.WEBHOOK, "A signed webhook"),
]
# The paths of a definition that have a field of another name.
FIELDS = {"quiet.zone": "quiet_zone", "quiet": "quiet_until", "quiet.from": "quiet_from", "quiet.until": "quiet_until"}
CLOCK = {"type": "time"}


def choices(kept: list[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """By group: what all of a noun is called, each kind, and patterns of the route that are neither."""
    found = []
    routed = sorted((kind for kind in kinds() if kind.name != TESTED), key=lambda kind: kind.group)
    for group, members in groupby(routed, key=lambda kind: kind.group):
        found.append((group, [*_nouns(group, members)]))
    known = {name for _, named in found for name, _ in named}
    others = [(each, each) for each in kept if each not in known]
    return [*found, ("Patterns", others)] if others else found


def _nouns(group: str, members: Any) -> Iterator[tuple[str, str]]:
    for noun, of in groupby(members, key=lambda kind: kind.name.partition(".")[0]):
        each = list(of)
        if len(each) > 1:
            yield f"{noun}.*", f"Everything about {noun.replace('_', ' ')}s"
        yield from ((kind.name, kind.label) for kind in each)


class Lines(forms.CharField):
    """Names, one a line."""

    def __init__(self, **more: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"})
        super().__init__(required=False, max_length=60_000, widget=widget, **more)

    def clean(self, value: Any) -> Any:
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]


class RouteForm(forms.Form):
    name = forms.CharField(
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Locks of the payments team"}),
        error_messages={"required": "Give it a name: it stands in the list and in the log."},
    )
    events = forms.MultipleChoiceField(
        label="Events",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one: a route that hears nothing tells nothing."},
    )
    only_bad = forms.BooleanField(label="Only what went wrong", required=False)
    tiers = forms.MultipleChoiceField(
        label="Tiers", required=False, choices=[(tier, tier) for tier in TIERS], widget=forms.CheckboxSelectMultiple,
        help_text="None is every tier.",
    )  # fmt: skip
    teams = Lines(label="Teams", help_text="Identifiers, one a line. Empty is every team.")
    services = Lines(label="Services", help_text="Identifiers, one a line. Empty is every service.")
    to = forms.ChoiceField(label="Tells", choices=TO)
    address = forms.CharField(
        label="Where", required=False, max_length=2000, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="A channel’s name or id; addresses with commas between; or a URL.",
    )  # fmt: skip
    secret = forms.CharField(
        label="Secret", required=False, max_length=shapes.LONGEST_SECRET,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 16 characters, which calls are signed with. No page shows it again.",
    )  # fmt: skip
    unsigned = forms.BooleanField(label="Take the secret away", required=False)
    quiet_from = forms.TimeField(label="Quiet from", required=False, widget=forms.TimeInput(CLOCK, "%H:%M"))
    quiet_until = forms.TimeField(label="until", required=False, widget=forms.TimeInput(CLOCK, "%H:%M"))
    quiet_zone = forms.CharField(
        label="Time zone", required=False, max_length=60,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )  # fmt: skip
    enabled = forms.BooleanField(label="Switched on", required=False, initial=True)
    dry = forms.BooleanField(
        label="Dry run: nobody is told", required=False, help_text="The log says what it would tell."
    )

    def __init__(self, data: Any, route: Route | None = None) -> None:
        super().__init__(
            data, initial=_initial(route) if route else {"quiet_zone": timezone.get_current_timezone_name()}
        )
        self.route = route
        field: Any = self.fields["events"]
        field.choices = choices(route.events if route else [])
        if not (route and route.sealed_secret):
            del self.fields["unsigned"]
        else:
            self.fields["secret"].help_text = "It is signed now. Left empty, the secret stays; no page shows it again."

    @property
    def event_groups(self) -> list[tuple[str, list[Json], int]]:
        """The boxes of the events, in their groups, and how many of each group are chosen."""
        chosen: set[str] = set(self["events"].value() or [])
        field: Any = self.fields["events"]
        groups = [(group, [_box(value, label, chosen) for value, label in named]) for group, named in field.choices]
        return [(group, boxes, sum(box["checked"] for box in boxes)) for group, boxes in groups]

    @property
    def zones(self) -> list[str]:
        return sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")) + ["UTC"]

    def clean(self) -> Json:
        cleaned: Json = super().clean() or {}
        if bool(cleaned.get("quiet_from")) != bool(cleaned.get("quiet_until")) and not self.errors:
            self.add_error("quiet_until", "Say both, from and until, or neither.")
        return cleaned

    def definition(self) -> Json:
        """What stands in it, as the commands take it."""
        said = self.cleaned_data
        names = ("name", "events", "tiers", "teams", "services", "only_bad", "to", "enabled", "dry")
        quiet = None
        if said["quiet_from"]:
            times = {"from": f"{said['quiet_from']:%H:%M}", "until": f"{said['quiet_until']:%H:%M}"}
            quiet = times | {"zone": said["quiet_zone"] or "UTC"}
        addressed = said["to"] in Route.ADDRESSED
        return {name: said[name] for name in names} | {
            "quiet": quiet,
            "address": said["address"] if addressed else "",
            **self._secret(),
        }

    def _secret(self) -> Json:
        said = self.cleaned_data
        if said["to"] != Route.To.WEBHOOK:
            return {}
        return {"secret": None} if said.get("unsigned") else {"secret": said["secret"]} if said["secret"] else {}

    def save(self, by: By) -> Route | None:
        try:
            if self.route:
                return route_update(self.route, self.definition(), by=by)
            return route_create(self.definition(), by=by)
        except PortalError as error:
            refuse(
                self,
                error,
                FIELDS
                | {
                    f"{name}.{n}": name for name in ("events", "teams", "services", "tiers") for n in range(shapes.MOST)
                },
            )
            return None

    def draft(self) -> Route | None:
        """A route that is not saved, for the preview; None while something is missing."""
        if not self.is_valid():
            return None
        try:
            return Route(**shapes.columns(self.definition()))
        except PortalError as error:
            refuse(self, error, FIELDS)
            return None


def _box(value: str, label: str, chosen: set[str]) -> Json:
    name = "event-" + value.replace(".", "-").replace("*", "all")
    return {"id": name, "value": value, "label": label, "checked": value in chosen, "is_all": value.endswith(".*")}


def _initial(route: Route) -> Json:
    return {
        "name": route.name,
        "events": route.events,
        "only_bad": route.only_bad,
        "tiers": route.tiers,
        "teams": "\n".join(route.teams),
        "services": "\n".join(route.services),
        "to": route.to,
        "address": route.address,
        "quiet_from": route.quiet_from,
        "quiet_until": route.quiet_until,
        "quiet_zone": route.quiet_zone,
        "enabled": route.enabled,
        "dry": route.dry,
    }
