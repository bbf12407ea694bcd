"""The forms of a webhook, and of a payload that is tried."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

from django import forms

from catalog.webhooks.commands import webhook_create, webhook_update
from catalog.webhooks.models import Received, Webhook
from catalog.webhooks.shapes import LONGEST_TITLE
from portal.kit import jsontext
from portal.kit.by import By
from portal.kit.errors import Invalid, PortalError
from portal.kit.forms import refuse
from portal.kit.masks import masked

Json = dict[str, Any]

ALGORITHMS = [
    ("", "None: whoever knows the address may send"),
    ("sha256", "HMAC-SHA256 of the body"),
    ("sha1", "HMAC-SHA1 of the body"),
    ("plain", "The secret itself"),
]
SECURITY = ("signatureAlgorithm", "signatureHeaderName", "signaturePrefix", "requestIdentifierPath")
EXAMPLE = [
    {
        "blueprint": "service",
        "filter": ".body.event == 'service'",
        "itemsToParse": ".body.services",
        "entity": {
            "identifier": ".item.id",
            "title": ".item.name // .item.id",
            "properties": {"repository": ".item.repository"},
            "relations": {},
        },
    }
]
MAPPING = ["blueprint", "operation", "filter", "itemsToParse", "entity"]
ENTITY = ["identifier", "title", "icon", "team", "properties", "relations"]
CODE = {"class": "mono", "spellcheck": "false", "autocomplete": "off"}


class WebhookForm(forms.Form):
    title = forms.CharField(max_length=LONGEST_TITLE)
    identifier = forms.CharField(
        max_length=LONGEST_TITLE, required=False, help_text="Left empty, one is made. It stays as it is."
    )
    description = forms.CharField(max_length=200, required=False)
    enabled = forms.BooleanField(
        required=False,
        initial=True,
        label="Switched on",
        help_text="Switched off, senders are told that there is nothing at its address.",
    )
    signatureAlgorithm = forms.ChoiceField(choices=ALGORITHMS, required=False, label="Senders prove themselves by")
    signatureHeaderName = forms.CharField(
        max_length=250,
        required=False,
        label="Header of the proof",
        widget=forms.TextInput(attrs={"placeholder": "x-hub-signature-256"}),
    )
    signaturePrefix = forms.CharField(
        max_length=250,
        required=False,
        strip=False,
        label="Prefix before it",
        help_text="GitHub writes sha256= before it.",
    )
    secret = forms.CharField(
        max_length=1000,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Kept encrypted, and never shown here.",
    )
    make_secret = forms.BooleanField(
        required=False,
        label="Make a new secret",
        help_text="It is shown once, after saving. Senders need it from then on.",
    )
    requestIdentifierPath = forms.CharField(
        max_length=1000,
        required=False,
        label="What names a delivery",
        widget=forms.TextInput(attrs=CODE | {"placeholder": ".headers.'x-github-delivery'"}),
        help_text="A jq program. The same delivery again does nothing.",
    )
    mappings = forms.CharField(
        widget=forms.Textarea(attrs=CODE | {"rows": 22}),
        help_text="A JSON list. Each text is a jq program over .body, .headers, .queryParams and, with itemsToParse, .item.",
    )

    def __init__(self, posted: Any, webhook: Webhook | None) -> None:
        self.webhook = webhook
        self.made_secret = ""
        super().__init__(posted, initial=_initial(webhook))
        shown = str(self["mappings"].value() or "")
        self.fields["mappings"].widget.attrs["rows"] = min(max(shown.count("\n") + 2, 8), 30)
        if webhook:
            del self.fields["identifier"]
        if webhook and webhook.secret:
            self.fields["secret"].help_text = "Kept encrypted, and never shown here. Left empty, it stays as it is."

    @property
    def groups(self) -> Iterator[tuple[str, str, list[Any]]]:
        about = [name for name in ("title", "identifier", "description", "enabled") if name in self.fields]
        proof = ["signatureAlgorithm", "signatureHeaderName", "signaturePrefix", "secret", "make_secret"]
        yield "About", "", [self[name] for name in about]
        yield "Senders", "", [self[name] for name in proof]
        yield "Mappings", "What comes of a payload", [self["requestIdentifierPath"], self["mappings"]]

    def clean_mappings(self) -> Any:
        try:
            return jsontext.read(self.cleaned_data["mappings"], "mappings")
        except Invalid as fault:
            raise forms.ValidationError(fault.details["errors"][0]["message"]) from fault

    def save(self, by: By) -> Webhook | None:
        """None when it was refused; the form says why, at the field and the line that it is about."""
        try:
            definition = self._definition()
            if self.webhook:
                return webhook_update(self.webhook, definition, partial=True, by=by)
            return webhook_create(definition, by=by)
        except PortalError as error:
            self.made_secret = ""
            refuse(self, self._at_lines(error), {f"security.{name}": name for name in (*SECURITY, "secret")})
            return None

    def _definition(self) -> Json:
        data = self.cleaned_data
        definition = {name: data[name] for name in ("title", "description", "enabled", "mappings")}
        if data.get("identifier"):
            definition["identifier"] = data["identifier"]
        return definition | {"security": self._security(data)}

    def _security(self, data: Json) -> Json:
        security: Json = {name: data[name] for name in SECURITY if data[name]}
        if not data["signatureAlgorithm"]:
            return {name: each for name, each in security.items() if name == "requestIdentifierPath"} | {"secret": None}
        if data["make_secret"]:
            self.made_secret = secrets.token_urlsafe(32)
        given = self.made_secret or data["secret"]
        if not given and not (self.webhook and self.webhook.secret):
            raise Invalid.at("security.secret", "give one, or have one made: without it nothing is proved")
        if not data["signatureHeaderName"]:
            raise Invalid.at("security.signatureHeaderName", "say in which header senders put the proof")
        return security | ({"secret": given} if given else {})

    def _at_lines(self, error: PortalError) -> PortalError:
        faults = error.details.get("errors")
        return Invalid.of([self._at_line(each) for each in faults]) if faults else error

    def _at_line(self, fault: Json) -> Json:
        name, _, rest = fault["path"].partition(".")
        if name != "mappings":
            return fault
        line = jsontext.line_of(self.data["mappings"], rest)
        where = f"Line {line}, {fault['path']}" if line else fault["path"]
        return {"path": "mappings", "message": f"{where}: {fault['message']}"}


def _initial(webhook: Webhook | None) -> Json:
    if webhook is None:
        return {"mappings": _pretty(EXAMPLE)}
    security = {name: webhook.security.get(name) or "" for name in SECURITY}
    if not webhook.secret:
        security["signatureAlgorithm"] = ""
    return security | {
        "title": webhook.title,
        "description": webhook.description,
        "enabled": webhook.enabled,
        "mappings": _pretty([_in_order(each) for each in webhook.mappings]),
    }


def _in_order(mapping: Json) -> Json:
    """As people write it: the database forgets the order of keys."""
    entity = {name: mapping["entity"][name] for name in ENTITY if name in mapping["entity"]}
    return {name: entity if name == "entity" else mapping[name] for name in sorted(mapping, key=_place)}


def _place(name: str) -> tuple[int, str]:
    return (MAPPING.index(name) if name in MAPPING else len(MAPPING), name)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


class TrialForm(forms.Form):
    """`raw` is the body's bytes as they were pasted, with plain ends of lines: browsers send others."""

    body = forms.CharField(
        strip=False, widget=forms.Textarea(attrs=CODE | {"rows": 14}), help_text="The JSON that the sender sends."
    )
    headers = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs=CODE | {"rows": 4, "placeholder": "X-GitHub-Event: push"}),
        help_text="One in a line, such as X-GitHub-Event: push.",
    )
    query = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs=CODE | {"rows": 2, "placeholder": "source=pager"}),
        label="Query",
        help_text="name=value, one in a line.",
    )

    def __init__(self, posted: Any, received: Received | None) -> None:
        self.received = received
        super().__init__(posted, initial=_as_text(received) if received else None)

    def clean(self) -> Json:
        """What came and was left as it is shown is tried as it came, with what is hidden from people."""
        data: Json = super().clean() or {}
        if self.received and all(self._is_as_shown(name) for name in self.fields):
            context = self.received.context
            data |= {"body": context["body"], "headers": context["headers"], "query": context["queryParams"]}
        return data

    def _is_as_shown(self, name: str) -> bool:
        return str(self.data.get(name, "")).replace("\r\n", "\n").strip() == str(self.initial[name]).strip()

    def clean_body(self) -> Any:
        text = self.cleaned_data["body"].replace("\r\n", "\n")
        self.raw = text.encode("utf-8", "replace")
        try:
            return jsontext.read(text)
        except Invalid as fault:
            raise forms.ValidationError(fault.details["errors"][0]["message"]) from fault

    def clean_headers(self) -> dict[str, str]:
        return self._pairs("headers", ":")

    def clean_query(self) -> dict[str, str]:
        return self._pairs("query", "=")

    def _pairs(self, name: str, sign: str) -> dict[str, str]:
        found = {}
        for number, line in enumerate(self.cleaned_data[name].splitlines(), 1):
            key, there, value = line.partition(sign)
            if line.strip() and not (there and key.strip()):
                raise forms.ValidationError(
                    f"Line {number} is no {name.rstrip('s')}: write a name, “{sign}” and a value."
                )
            if line.strip():
                found[key.strip()] = value.strip()
        return found


def _as_text(received: Received) -> Json:
    return {
        "body": _pretty(masked(received.body)),
        "headers": "\n".join(f"{name}: {value}" for name, value in masked(received.headers).items()),
        "query": "\n".join(f"{name}={value}" for name, value in masked(received.query).items()),
    }
