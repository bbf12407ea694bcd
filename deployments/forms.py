from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, ClassVar
from zlib import crc32

from django import forms
from django.http import QueryDict

from catalog.builtin import TIERS
from deployments.models import InboxItem

LONGEST = 200
MOST_SHOWN = 12  # columns, and lines of a cell
ROOMY = 30  # services, up to which a cell has two lines


@dataclass(frozen=True)
class Filters:
    """What the query string of the matrix asks for. What makes no sense is left out of account."""

    q: str = ""
    team: str = ""
    tier: str = ""
    locked: bool = False
    failing: bool = False
    unhealthy: bool = False
    drift: bool = False

    KEYS: ClassVar = ("q", "team", "tier", "locked", "failing", "unhealthy", "drift")

    @classmethod
    def read(cls, query: QueryDict) -> "Filters":
        def text(name: str) -> str:
            return query.get(name, "").strip()[:LONGEST]

        return cls(
            q=text("q"),
            team=text("team"),
            tier=text("tier") if text("tier") in TIERS else "",
            locked=query.get("locked") == "1",
            failing=query.get("failing") == "1",
            unhealthy=query.get("unhealthy") == "1",
            drift=query.get("drift") == "1",
        )

    @property
    def are_set(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True)
class Shown:
    """What of the matrix is to be seen: `columns` are properties of the service and stand beside it, `lines` are
    properties of the deployment config and stand in each cell. How dense it is goes by how many there are, unless chosen."""

    columns: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    density: str = ""

    DENSITIES: ClassVar = ("compact", "roomy")
    KEYS: ClassVar = ("column", "line", "density")

    @classmethod
    def read(cls, query: QueryDict) -> "Shown":
        def names(key: str) -> tuple[str, ...]:
            return tuple(dict.fromkeys(each for each in query.getlist(key) if each))[:MOST_SHOWN]

        density = query.get("density", "")
        return cls(names("column"), names("line"), density if density in cls.DENSITIES else "")

    def is_compact(self, services: int) -> bool:
        return self.density == "compact" or (not self.density and services > ROOMY)


class PlacementForm(forms.Form):
    """Under which names a kept report belongs."""

    service = forms.CharField(max_length=1000, widget=forms.TextInput(attrs={"list": "services"}))
    environment = forms.CharField(max_length=1000, widget=forms.TextInput(attrs={"list": "environments"}))

    @classmethod
    def suggesting(cls, item: InboxItem, services: dict[str, str], environments: dict[str, str]) -> "PlacementForm":
        """`services` and `environments` lead from every name in lower case to the identifier."""
        nearest = {
            "service": _nearest(item.service, services, item.nearest) or item.service,
            "environment": _nearest(item.environment, environments, item.nearest) or item.environment,
        }
        return cls(initial=nearest, auto_id=auto_id(item))


class MappingForm(forms.Form):
    """What an unknown name stands for."""

    kind = forms.ChoiceField(choices=[("service", "service"), ("environment", "environment")], widget=forms.HiddenInput)
    name = forms.CharField(max_length=1000, strip=False, widget=forms.HiddenInput)
    target = forms.CharField(max_length=1000)
    alias = forms.BooleanField(required=False)

    def __init__(self, data: Any = None, *, create: bool = False, **options: Any) -> None:
        given = data or options.get("initial") or {}
        kind, name = given.get("kind", ""), given.get("name", "")
        super().__init__(data, auto_id=f"id_{crc32(f'{kind}:{name}'.encode()):x}_%s", **options)
        self.fields["target"].required = not create
        self.fields["target"].label = f"It is the {kind}"
        self.fields["target"].widget.attrs["placeholder"] = f"Which {kind}?"
        self.fields["target"].error_messages["required"] = f"Name the {kind} that it is."
        self.fields["alias"].label = f"Make “{name[:60]}” an alias of it, so that the next ones go in by themselves"
        self.fields["target"].widget.attrs["list"] = f"{kind}s"

    @classmethod
    def suggesting(cls, kind: str, name: str, known: dict[str, str]) -> "MappingForm":
        """`known` leads from every name in lower case to the identifier."""
        likely = _nearest(name, known, [])
        return cls(initial={"kind": kind, "name": name, "target": likely, "alias": kind == "environment"})


def auto_id(item: InboxItem) -> str:
    return f"id_{item.public_id.hex}_%s"


def _nearest(name: str, known: dict[str, str], suggested: list[str]) -> str:
    """Looking through all names for one that is alike takes long, so only where nothing else is known."""
    said = next((known[each.casefold()] for each in (name, *suggested) if each.casefold() in known), "")
    return said or next((known[each] for each in get_close_matches(name.casefold(), known, n=1, cutoff=0.5)), "")
