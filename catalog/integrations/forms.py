"""The mapping of an integration as text."""

from collections.abc import Iterator
from typing import Any

import orjson
from django import forms

from catalog.integrations.commands import integration_update
from catalog.integrations.models import Integration
from catalog.integrations.shapes import pretty
from portal.kit import jq
from portal.kit.by import By
from portal.kit.errors import Conflict, PortalError
from portal.kit.forms import refuse

LONGEST = 200_000
DEEPEST = 64
# Of a mapping each text is a program, but for those of a search query.
PROGRAMS = ("identifier", "title", "blueprint", "icon", "team", "properties", "relations")


class MappingForm(forms.Form):
    config = forms.CharField(
        label="Mapping",
        max_length=LONGEST,
        help_text="JSON, as the integration reads it when its next resync begins. Programs are jq, and are checked.",
        widget=forms.Textarea(attrs={"rows": 28, "spellcheck": "false", "autocomplete": "off", "class": "mono"}),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, integration: Integration) -> None:
        seen = integration.updated_at.isoformat()
        super().__init__(data, initial={"config": pretty(integration.config), "seen": seen})
        self.integration = integration

    def clean_config(self) -> Any:
        try:
            config = orjson.loads(self.cleaned_data["config"])
        except orjson.JSONDecodeError as error:
            raise forms.ValidationError(f"This is not JSON: {error}.") from error
        if not isinstance(config, dict):
            raise forms.ValidationError("A mapping is an object: { … }.")
        if not _can_be_kept(config):
            raise forms.ValidationError(f"It holds the character U+0000, or is nested more than {DEEPEST} levels deep.")
        for path, program in programs(config):
            fault = jq.check(program)
            if fault:
                raise forms.ValidationError(f"{path} is not a jq program: {fault}")
        return config

    def save(self, by: By) -> bool:
        try:
            if self.cleaned_data["seen"] != self.integration.updated_at.isoformat():
                raise Conflict("Somebody has changed it meanwhile. Reload, then do your change again.")
            integration_update(self.integration, {"config": self.cleaned_data["config"]}, by=by)
        except PortalError as error:
            refuse(self, error)
            return False
        return True


def programs(config: Any) -> Iterator[tuple[str, str]]:
    """Every program of a mapping with its place; what is not shaped as it should be has none."""
    resources = config.get("resources")
    for n, resource in enumerate(resources if isinstance(resources, list) else []):
        path = f"resources.{n}"
        selector, port = (_part(resource, name) for name in ("selector", "port"))
        if isinstance(selector.get("query"), str):
            yield f"{path}.selector.query", selector["query"]
        if isinstance(port.get("itemsToParse"), str):
            yield f"{path}.port.itemsToParse", port["itemsToParse"]
        mappings = _part(port, "entity").get("mappings")
        for each in mappings if isinstance(mappings, list) else [mappings]:
            if isinstance(each, dict):
                yield from _leaves(
                    {name: each[name] for name in PROGRAMS if name in each}, f"{path}.port.entity.mappings"
                )


def _can_be_kept(value: Any, depth: int = 0) -> bool:
    if isinstance(value, dict):
        return depth < DEEPEST and all("\0" not in key and _can_be_kept(value[key], depth + 1) for key in value)
    if isinstance(value, list):
        return depth < DEEPEST and all(_can_be_kept(each, depth + 1) for each in value)
    return not isinstance(value, str) or "\0" not in value


def _part(value: Any, name: str) -> dict[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict) and "combinator" not in value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}")
