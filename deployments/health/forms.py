"""A probe as a person writes it down, and what the page of all probes asks for."""

import json
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict

from catalog.builtin import TIERS
from deployments.health import specs
from deployments.health.models import Kind, Probe
from deployments.health.states import State
from deployments.health.words import KINDS, condition_line, version_line
from portal.kit.errors import PortalError
from portal.kit.forms import refuse
from portal.kit.masks import HIDDEN

Json = dict[str, Any]
LONGEST = 200
LINES = forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"})
MONO = forms.TextInput(attrs={"class": "mono", "autocomplete": "off", "spellcheck": "false"})


def _mono(placeholder: str) -> forms.TextInput:
    return forms.TextInput(attrs={**MONO.attrs, "placeholder": placeholder})


def _number(placeholder: str) -> forms.NumberInput:
    """The placeholder is what is taken where nothing is written."""
    return forms.NumberInput(attrs={"placeholder": placeholder, "step": "any"})


@dataclass(frozen=True)
class Filters:
    """What the query string of the page asks for. What makes no sense is left out of account."""

    q: str = ""
    state: str = ""
    team: str = ""
    tier: str = ""
    environment: str = ""

    KEYS: ClassVar = ("q", "state", "team", "tier", "environment")

    @classmethod
    def read(cls, query: QueryDict) -> "Filters":
        told = {name: query.get(name, "").strip()[:LONGEST] for name in cls.KEYS}
        told["state"] = told["state"] if told["state"] in State.values else ""
        told["tier"] = told["tier"] if told["tier"] in TIERS else ""
        return cls(**told)

    @property
    def are_set(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


class ProbeForm(forms.Form):
    """`save` and `wished`; the groups say which kinds they are of."""

    kind = forms.ChoiceField(
        choices=[(kind.value, KINDS[kind][0]) for kind in Kind], initial=Kind.HTTP, widget=forms.RadioSelect
    )
    name = forms.CharField(max_length=100, help_text="Such as “front door”: what tells it from the other probes here.")
    service = forms.CharField(
        max_length=1000, required=False, widget=forms.TextInput(attrs={"list": "probe-services", "autocomplete": "off"})
    )
    environment = forms.CharField(
        max_length=1000,
        required=False,
        widget=forms.TextInput(attrs={"list": "probe-environments", "autocomplete": "off"}),
    )
    blueprint = forms.CharField(
        max_length=1000, required=False, help_text="Instead of both, to probe any other entity."
    )
    entity = forms.CharField(max_length=1000, required=False)

    url = forms.CharField(
        label="Address",
        max_length=2000,
        required=False,
        widget=forms.TextInput(
            attrs={"class": "mono", "placeholder": "https://", "inputmode": "url", "autocomplete": "off"}
        ),
    )
    method = forms.ChoiceField(choices=[(each, each) for each in specs.METHODS], required=False)
    status = forms.CharField(
        label="Expected status",
        required=False,
        widget=_mono("200-299"),
        help_text="Numbers and ranges with commas between: 200, 300-399.",
    )
    conditions = forms.CharField(
        required=False,
        widget=LINES,
        help_text="One a line: where, a test, a value. $.database.status equals ok · header:X-Region contains eu · body contains ready. Tests: "
        + ", ".join(specs.TESTS)
        + ".",
    )
    headers = forms.CharField(
        label="Headers to send",
        required=False,
        widget=LINES,
        help_text=f"One a line: Name: value. Values are kept encrypted; {HIDDEN} stays as it is.",
    )
    version = forms.CharField(
        label="Running version",
        required=False,
        widget=MONO,
        help_text="Where the answer says it: $.version, or header:X-Version. It is held against what was reported.",
    )
    slow_ms = forms.IntegerField(
        label="Slow above, in ms", required=False, help_text="Left empty, no answer is too slow."
    )
    tls_days = forms.IntegerField(label="Days a certificate has to last", required=False, widget=_number("14"))

    host = forms.CharField(max_length=253, required=False, widget=MONO)
    port = forms.IntegerField(required=False)
    tls = forms.BooleanField(label="With TLS", required=False)

    grace = forms.IntegerField(label="May be late by, in seconds", required=False)
    source = forms.ChoiceField(label="Told by", choices=[(each, each) for each in specs.SOURCES], required=False)
    outside_id = forms.CharField(label="Its name there", max_length=300, required=False)

    interval = forms.IntegerField(label="Interval, in seconds", required=False, widget=_number("60"))
    timeout = forms.FloatField(label="Time-out, in seconds", required=False, widget=_number("5"))
    failure_threshold = forms.IntegerField(
        label="Worse after so many bad ones in a row", required=False, widget=_number("3")
    )
    recovery_threshold = forms.IntegerField(
        label="Better after so many good ones in a row", required=False, widget=_number("2")
    )

    PLACE: ClassVar = ("service", "environment", "blueprint", "entity")
    GROUPS: ClassVar = [
        ("What it asks", "of-http", ("url", "method", "status", "version", "conditions", "headers")),
        ("What it connects to", "of-tcp", ("host", "port", "tls")),
        ("What it waits for", "of-heartbeat", ("grace",)),
        ("Who tells", "of-outside", ("source", "outside_id")),
        ("When it is degraded", "of-http of-tcp", ("slow_ms", "tls_days")),
        ("How often, and when it is believed", "", ("interval", "timeout", "failure_threshold", "recovery_threshold")),
    ]
    needed: ClassVar = ("url", "host", "port", "outside_id")
    # Where the faults of a command belong.
    FIELDS: ClassVar = {"spec.id": "outside_id"}

    def __init__(self, data: Any, probe: Probe | None, initial: Json | None = None) -> None:
        super().__init__(data, initial=_initial(probe) if probe else initial)
        self.probe = probe
        if probe:
            for name in ("kind", *self.PLACE):
                self.fields[name].disabled = True

    @property
    def groups(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        return [(title, of, [self[name] for name in names]) for title, of, names in self.GROUPS]

    def wished(self) -> Json:
        """What `probe_create` takes, and `probe_update`. What cannot be read is left for the command to refuse."""
        data = self.cleaned_data
        wished: Json = {name: data[name] for name in ("kind", "name")}
        wished |= {name: data[name].strip() for name in self.PLACE if data[name].strip()}
        limits = ("interval", "timeout", "failure_threshold", "recovery_threshold")
        wished |= {name: data[name] for name in limits if data[name] is not None}
        return wished | {"spec": _spec(data)}

    def refuse(self, error: PortalError) -> None:
        faults = error.details.get("errors") or []
        mapped = {each["path"]: self._field_of(each["path"]) for each in faults}
        for each in faults:
            steps = each["path"].split(".")
            if steps[:2] == ["spec", "conditions"] and len(steps) > 2 and steps[2].isdecimal():
                each["message"] = f"Line {int(steps[2]) + 1}: {' '.join(steps[3:])} {each['message']}".replace(
                    "  ", " "
                )
            elif steps[:2] == ["spec", "headers"] and len(steps) > 2:
                each["message"] = f"{'.'.join(steps[2:])} {each['message']}"
        refuse(self, error, mapped)

    def _field_of(self, path: str) -> str:
        steps = path.split(".")
        name = self.FIELDS.get(path, steps[1] if steps[0] == "spec" and len(steps) > 1 else steps[0])
        return name if name in self.fields else ""


def _initial(probe: Probe) -> Json:
    spec = probe.spec
    known: Json = {name: value for name, value in spec.items() if name in ProbeForm.base_fields}
    known |= {
        "kind": probe.kind,
        "name": probe.name,
        "service": probe.service_identifier,
        "environment": probe.environment_identifier,
        "blueprint": probe.entity_blueprint,
        "entity": probe.entity_identifier,
        "status": ", ".join(map(str, spec.get("status") or [])),
        "conditions": "\n".join(map(condition_line, spec.get("conditions") or [])),
        "headers": "\n".join(f"{name}: {HIDDEN}" for name in spec.get("headers") or {}),
        "version": version_line(spec["version"]) if spec.get("version") else "",
        "outside_id": spec.get("id", ""),
    }
    limits = ("interval", "timeout", "failure_threshold", "recovery_threshold")
    return known | {name: getattr(probe, name) for name in limits} | {"timeout": f"{probe.timeout:g}"}


def _spec(data: Json) -> Json:
    kind = data["kind"]
    if kind == Kind.HTTP:
        spec: Json = {
            "url": data["url"].strip() or None,
            "method": data["method"] if data["method"] not in ("", "GET") else None,
            "status": [int(each) if each.isdecimal() and each.isascii() else each for each in _items(data["status"])]
            or None,
            "conditions": [_condition(line) for line in data["conditions"].splitlines() if line.strip()] or None,
            "headers": dict(map(_header, filter(str.strip, data["headers"].splitlines()))) or None,
            "version": _version(data["version"].strip()),
            "slow_ms": data["slow_ms"],
            "tls_days": data["tls_days"],
        }
    elif kind == Kind.TCP:
        spec = {name: data[name] for name in ("port", "slow_ms", "tls_days")}
        spec |= {"host": data["host"].strip() or None, "tls": data["tls"] or None}
    elif kind == Kind.HEARTBEAT:
        spec = {"grace": data["grace"]}
    else:
        spec = {"source": data["source"] or None, "id": data["outside_id"].strip() or None}
    return {name: value for name, value in spec.items() if value is not None}


def _items(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _condition(line: str) -> Json:
    """`$.a equals ok`. A path with spaces in it ends before the test."""
    for test in specs.TESTS:
        of, found, value = line.strip().partition(f" {test} ")
        if found:
            return _of(of.strip()) | {test: value.strip() if test == "contains" else _value(value.strip())}
    return {"line": line}


def _of(text: str) -> Json:
    if text == "body":
        return {}
    return {"header": text.removeprefix("header:")} if text.startswith("header:") else {"path": text}


def _value(text: str) -> Any:
    """JSON where it is some: 1, true, "1"; else the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def _version(text: str) -> Json | None:
    return _of(text) if text else None


class MaintenanceForm(forms.Form):
    """For so long from now."""

    LENGTHS: ClassVar = [("30m", "30 min"), ("2h", "2 h"), ("8h", "8 h"), ("1d", "a day")]

    reason = forms.CharField(max_length=1000, error_messages={"required": "Say why: it is what others will read."})
    length = forms.ChoiceField(label="For", choices=LENGTHS, initial="2h", widget=forms.RadioSelect)
