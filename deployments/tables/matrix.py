"""Lines of the matrix as HTML. In Python and remembered by what they show: a template for each of thousands of cells
would cost nearly all of the page's time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from html import escape
from typing import Any
from zlib import crc32

from django.urls import reverse
from django.utils.text import slugify
from django.utils.timezone import get_current_timezone_name

from catalog.models import Blueprint, Entity
from catalog.tables import cells as of_properties
from catalog.tables.columns import Column, columns_of
from deployments import kinds
from deployments.health.dots import dot
from deployments.moments import stamp
from deployments.queries import Matrix, Spot
from deployments.tables.health import tick
from locks.decisions import Bar
from portal.kit.live import Part
from portal.kit.templatetags.kit import (
    absolute,
    age_of,
    icon,
    initials,
    middle,
    short_sha,
    status_word,
    tint,
    until,
)

REMEMBERED = 16_384  # cells, four times what a large matrix has
FITS = 12  # characters of a version; of a longer one the title has the whole
TAIL = 5  # of its characters stay at the end
Json = dict[str, Any]


@dataclass(frozen=True)
class Chosen:
    """Properties to be seen: of the services in columns beside them, of the deployment configs in lines of their cells.
    The values are by identifier."""

    columns: Sequence[Column] = ()
    of_services: Mapping[str, Json] = field(default_factory=dict)
    lines: Sequence[Column] = ()
    of_places: Mapping[str, Json] = field(default_factory=dict)


def matrix_parts(matrix: Matrix, chosen: Chosen) -> list[Part]:
    """A line for each service. Its digest is of all but what ticks by itself."""
    line = _Line(matrix, chosen)
    taken = Counter(_slug(service.identifier) for service, _ in matrix.rows)
    parts = []
    for service, spots in matrix.rows:
        slug = _slug(service.identifier)
        parts.append(line.of(f"row-{slug}" if taken[slug] == 1 else f"row-{slug}-{service.pk}", service, spots))
    return parts


class _Line:
    def __init__(self, matrix: Matrix, chosen: Chosen) -> None:
        self.environments = [(each.identifier, str(each)) for each in matrix.environments]
        self.now, self.then = matrix.at.timestamp(), stamp(matrix.at) if matrix.past else ""
        self.zone, self.bars, self.chosen = get_current_timezone_name(), _Bars(matrix.past), chosen

    def of(self, key: str, service: Entity, spots: Sequence[Spot]) -> Part:
        head = _head(service.identifier, service.title, ", ".join(service.team))
        lasting, whole = [head], [head]
        for column in self.chosen.columns:
            value = self.chosen.of_services.get(service.identifier, {}).get(column.name)
            lasting.append(repr(value))
            whole.append(_beside(column, value))
        for (environment, called), spot in zip(self.environments, spots, strict=True):
            before, after = _cell(service.identifier, environment, called, spot[:-1], self.then, self.zone)
            held, ticking = self.bars.line(spot.bar) if spot.bar else ("", "")
            age = age_of(self.now - spot.deployed_at, "short") if spot.deployed_at else ""
            lasting += (before, after, held)
            whole += (before, age, after, ticking, "</a>")
            if self.chosen.lines and spot.config:
                values = self.chosen.of_places.get(spot.config, {})
                lasting.append(repr([values.get(column.name) for column in self.chosen.lines]))
                whole.append(_within(self.chosen.lines, values))
            whole.append("</td>")
        digest = f"{crc32(''.join(lasting).encode()):08x}"
        return Part(key, digest, f'<tr role="row" id="{key}" data-part="{digest}">{"".join(whole)}</tr>')


def _beside(column: Column, value: Any) -> str:
    html = _shown(column, value)
    blank = "" if html else " blank"
    return f'<td role="gridcell" class="beside{blank}" data-label="{escape(column.title)}">{html}</td>'


def _within(lines: Sequence[Column], values: Json) -> str:
    made = ((escape(line.title), _shown(line, values.get(line.name))) for line in lines)
    told = "".join(f"<div><dt>{title}</dt><dd>{html}</dd></div>" for title, html in made if html)
    return f'<dl class="cell-more">{told}</dl>' if told else ""


def _shown(column: Column, value: Any) -> str:
    return of_properties.value(column.definition, value)


@lru_cache(maxsize=4096)
def _slug(identifier: str) -> str:
    return slugify(identifier)


@lru_cache(maxsize=4096)
def _head(identifier: str, title: str, team: str) -> str:
    url, name = escape(reverse("catalog:entity_detail", args=["service", identifier])), middle(title or identifier, 30)
    team = escape(team or "no team")
    return (
        f'<th scope="row" role="rowheader"><a href="{url}">{_safe(name)}<small title="{team}">{team}</small></a></th>'
    )


@lru_cache(maxsize=REMEMBERED)
def _cell(service: str, environment: str, called: str, shown: tuple[Any, ...], then: str, zone: str) -> tuple[str, str]:
    """What stands before the age and after it. `zone` is the viewer's, in which the titles say the time; `then`
    is the instant of the past that is looked at."""
    spot = Spot(*shown)
    args = ["deploymentConfig", spot.config] if spot.config else ["service", service]
    url = escape(reverse("catalog:entity_detail", args=args))
    card = escape(reverse("deployments:card", args=[service, environment]) + (f"?at={then}" if then else ""))
    opened = f'<td role="gridcell" data-label="{escape(called)}"><a class="cell" href="{url}" data-card="{card}">'
    failed = _failed() if spot.attempt_failed else ""
    rollout = _rollout(spot.rollout) if spot.rollout else ""
    if not spot.deployed_at:
        health = dot(spot.health, int(spot.health_since or 0), zone) if spot.health else ""
        return f'{opened}<span class="cell-none">not deployed</span>{health}{failed}{rollout}', ""
    commit = escape(short_sha(spot.commit))
    health = dot(spot.health, int(spot.health_since or 0), zone) if spot.health else ""
    version, at = spot.version or short_sha(spot.commit), datetime.fromtimestamp(int(spot.deployed_at), UTC)
    ticks = "" if then else ' data-age="short"'
    whole = f' title="{escape(spot.version or spot.commit)}"' if len(version) > FITS or not spot.version else ""
    long = " version-long" if len(version) > FITS else ""
    return (
        f'{opened}<span class="cell-line">{_dot(spot.status)}<span class="version{long}"{whole}>{_ends(version)}</span>'
        f'<time class="when" datetime="{at:%Y-%m-%dT%H:%M:%SZ}"{ticks} title="{absolute(at)}">',
        f'</time></span><span class="cell-line">{health}<span class="sha">{commit}</span>{tick(spot.verified, spot.runs)}{failed}'
        f"{_face(spot.actor)}</span>{rollout}",
    )


def _ends(version: str) -> str:
    """The end of a long one apart, so that it stays in sight where the rest is cut."""
    if len(version) <= FITS:
        return escape(version)
    return f"<span>{escape(version[:-TAIL])}</span><span>{escape(version[-TAIL:])}</span>"


@lru_cache(maxsize=64)
def _dot(status: str) -> str:
    word = escape(status_word(status))
    return f'<i class="dot dot-{escape(status)}" role="img" title="{word}"></i>'


@lru_cache(maxsize=1)
def _failed() -> str:
    said = '<span class="sr-only">last deployment </span>failed'
    return f'<span class="cell-failed" title="The last deployment failed">{icon("circle-x")} {said}</span>'


@lru_cache(maxsize=4096)
def _face(name: str) -> str:
    if not name:
        return ""
    said = escape(name)
    return (
        f'<span class="avatar avatar-small chip-{tint(name)}" role="img" title="by {said}">'
        f"{escape(initials(name))}</span>"
    )


def _rollout(text: str) -> str:
    return f'<span class="cell-rollout" title="{escape(text)}">{icon("loader")} {_safe(middle(text, 28))}</span>'


def _safe(text: str) -> str:
    return text if hasattr(text, "__html__") else escape(text)


# What a cell tells already, or the line that it stands in.
TOLD = frozenset({*kinds.TOLD, *kinds.HEALTH, "locked", "lockedReason", "lockedBy", "lockedUntil"})


def offered(blueprint: Blueprint) -> dict[str, Column]:
    """The properties of services or of deployment configs that can be seen in the matrix."""
    told = TOLD if blueprint.identifier == "deploymentConfig" else ()
    columns = columns_of(blueprint).values()
    return {
        each.name: each
        for each in columns
        if each.kind != "relation" and not each.name.startswith("$") and each.name not in told
    }


class _Bars:
    """The line of a lock or a freeze, made once for all the cells that it stands in."""

    def __init__(self, past: bool) -> None:
        self.past = past
        self.made: dict[int, tuple[str, str]] = {}

    def line(self, bar: Bar) -> tuple[str, str]:
        """What lasts of it, and the whole with the time that is left."""
        if id(bar) not in self.made:
            holder = escape(bar.holder_name)
            mark = icon("lock", "Locked then" if self.past else "Locked")
            opened = f'<span class="lock-line" title="{holder}: {escape(bar.reason)}">{mark}<span>{holder}</span>'
            left = "" if self.past else f'<span class="lock-left">· {until(bar.expires_at, "short")}</span>'
            self.made[id(bar)] = f"{opened}{bar.expires_at}", f"{opened}{left}</span>"
        return self.made[id(bar)]
