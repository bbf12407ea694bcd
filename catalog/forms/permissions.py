"""Who may do what with a blueprint's entities, as a form. Single properties and relations are set as /v1 takes them."""

import json
from typing import Any

from django import forms

from catalog.commands import permissions_update
from catalog.models import Blueprint
from catalog.permissions.checks import WITH_POLICY
from catalog.permissions.grants import ADMIN, DEEDS, GROUPS, MEMBER, blocks, moderator_of
from portal.accounts.models import Team
from portal.kit import jsontext
from portal.kit.by import By
from portal.kit.errors import Invalid, PortalError
from portal.kit.forms import refuse

Json = dict[str, Any]

TITLES = {
    "read": (
        "See them",
        "Whoever may change them sees them too. Without “every member” they are kept from all others.",
    ),
    "register": ("Add", "Owners: who adds one is in the team it is given to."),
    "update": ("Change", "Of every property and relation."),
    "unregister": ("Delete", ""),
}
PARTS_HELP = "Who else may set single properties and relations, such as {} – as the API takes them."
EXAMPLE = '{"updateProperties": {"tier": {"teams": ["platform"]}}}'


class PermissionsForm(forms.Form):
    def __init__(self, data: Any, blueprint: Blueprint) -> None:
        super().__init__(data)
        self.blueprint, self.now = blueprint, blocks(blueprint)
        self.keepers = {ADMIN, moderator_of(blueprint.identifier)}
        teams = [(each.identifier, each.title) for each in Team.objects.all()]
        for deed in DEEDS:
            self._add(deed, self.now[deed], teams)
        parts = {group: self.now[group] for group in GROUPS if group in self.now}
        self.fields["parts"] = forms.CharField(
            required=False,
            label="Single properties and relations",
            initial=json.dumps(parts, indent=2, ensure_ascii=False) if parts else "",
            help_text=PARTS_HELP.format(EXAMPLE),
            widget=_code(),
        )

    def _add(self, deed: str, block: Json, teams: list[tuple[str, str]]) -> None:
        known = {MEMBER: "every member"} | {
            each: each for each in block["roles"] if each not in {MEMBER, *self.keepers}
        }
        self.fields[f"{deed}-roles"] = forms.MultipleChoiceField(
            required=False,
            label="Roles",
            choices=list(known.items()),
            initial=[each for each in block["roles"] if each in known],
            widget=forms.CheckboxSelectMultiple,
            help_text="Administrators and moderators of the blueprint always may.",
        )
        self.fields[f"{deed}-ownedByTeam"] = forms.BooleanField(
            required=False, label="Members of the team that owns it", initial=block["ownedByTeam"]
        )
        if teams:
            self.fields[f"{deed}-teams"] = forms.MultipleChoiceField(
                required=False,
                label="Teams",
                choices=teams,
                initial=block["teams"],
                widget=forms.CheckboxSelectMultiple,
            )
        self.fields[f"{deed}-users"] = forms.CharField(
            required=False,
            label="People",
            initial=", ".join(block["users"]),
            help_text="E-mail addresses, with commas between.",
            widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        )
        if deed in WITH_POLICY:
            policy = block.get("policy")
            self.fields[f"{deed}-policy"] = forms.CharField(
                required=False,
                label="Whoever this query finds it for",
                initial=json.dumps(policy, indent=2, ensure_ascii=False) if policy else "",
                help_text="A search in JSON; {{.user.email}} and {{.user.teams}} stand for the one who asks.",
                widget=_code(),
            )

    @property
    def groups(self) -> list[tuple[str, str, list[Any]]]:
        """What the template shows: a title, a note, and the fields of each deed."""
        return [(*TITLES[deed], [self[name] for name in self.fields if name.startswith(f"{deed}-")]) for deed in DEEDS]

    def save(self, by: By) -> bool:
        try:
            permissions_update(self.blueprint, self._changes(), by=by)
        except PortalError as error:
            paths = [fault["path"] for fault in error.details.get("errors", [])]
            refuse(self, error, {path: self._field(path) for path in paths})
            return False
        return True

    def _changes(self) -> Json:
        changes: Json = {}
        for deed in DEEDS:
            block = self._block(deed)
            if block != {key: self.now[deed].get(key) for key in block}:
                changes[deed] = block
        parts = self._json("parts") or {}
        if not isinstance(parts, dict) or parts.keys() - set(GROUPS):
            raise Invalid.at("parts", f"must be an object with {' and '.join(GROUPS)}")
        for group in GROUPS:
            wished, old = parts.get(group), self.now.get(group, {})
            if wished is not None and not isinstance(wished, dict):
                raise Invalid.at("parts", f"{group} must be an object")
            if (wished or {}) != old:
                changes[group] = dict.fromkeys(old) | (wished or {})
        return changes

    def _block(self, deed: str) -> Json:
        said = self.cleaned_data
        kept = [each for each in self.now[deed]["roles"] if each in self.keepers]
        block: Json = {
            "users": [each.strip() for each in said[f"{deed}-users"].split(",") if each.strip()],
            "roles": [*kept, *said[f"{deed}-roles"]],
            "teams": said.get(f"{deed}-teams", []),
            "ownedByTeam": said[f"{deed}-ownedByTeam"],
        }
        return block | ({"policy": self._json(f"{deed}-policy")} if deed in WITH_POLICY else {})

    def _json(self, field: str) -> Any:
        return jsontext.read(self.cleaned_data[field] or "null", field)

    def _field(self, path: str) -> str:
        """`entities.update.teams.0` is a fault of the field `update-teams`."""
        words = path.split(".")
        if words[0] == "entities" and len(words) > 2:
            return "parts" if words[1] in GROUPS else f"{words[1]}-{words[2]}"
        return path


def _code() -> forms.Textarea:
    return forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "class": "mono"})
