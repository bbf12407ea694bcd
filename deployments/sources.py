"""What a log source comes to at a place and a time: an address, or the properties that are missing for one."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from deployments.models import DeploymentConfig, LogSource
from deployments.presets import PRESETS, Preset, Span

Values = Mapping[str, str]

MARK = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")
# What stands for itself in a text, beside the properties of the place.
OWN = frozenset("service environment version commit since until since_ms until_ms".split())
LONGEST = 8000


@dataclass(frozen=True)
class Link:
    """`url` is "" where properties are missing, which `missing` then names: any of a group will do."""

    source: str
    kind: str
    icon: str
    url: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Way:
    """A log source with its preset and its texts at hand, to be tried at many places."""

    source: LogSource
    preset: Preset | None
    texts: Values
    names: frozenset[str]  # all that its texts may name

    @classmethod
    def of(cls, source: LogSource) -> "Way":
        preset = PRESETS.get(source.preset)
        texts = preset.parameters | {name: str(text) for name, text in source.parameters.items()} if preset else {}
        names = {name for text in (source.template, *texts.values()) for name in _names(text)}
        return cls(source, preset, texts, frozenset(names))

    def url(self, values: Values, span: Span) -> str:
        """ "" where something is missing, or where it leads nowhere that a link may lead."""
        if self.preset is None:
            template = self.source.template
            lacking = any(not values.get(name) for name in _names(template))
            return "" if lacking else web(filled(template, values, quoted=True))
        if not all(self._meets(need, values) for need in self.preset.needs):
            return ""
        whole = {name: filled(text, values) for name, text in self.texts.items()}
        return web(self.preset.address(whole, span))

    def link(self, values: Values, span: Span) -> Link:
        icon = self.source.icon or (self.preset.icon if self.preset else "external-link")
        url = self.url(values, span)
        return Link(self.source.name, self.source.kind, icon, url, () if url else self._missing(values))

    def _meets(self, need: str | tuple[str, ...], values: Values) -> bool:
        names = (need,) if isinstance(need, str) else need
        return any(filled(self.texts[name], values) for name in names)

    def _missing(self, values: Values) -> tuple[str, ...]:
        """The properties that would fill what is empty; a parameter without any is named itself."""
        if self.preset is None:
            return tuple(name for name in _names(self.source.template) if not values.get(name))
        empty: list[str] = []
        for need in self.preset.needs:
            if not self._meets(need, values):
                names = (need,) if isinstance(need, str) else need
                wanted = [each for name in names for each in _names(self.texts[name]) if not values.get(each)]
                empty.append(" or ".join(dict.fromkeys(wanted)) or names[0])
        return tuple(dict.fromkeys(empty))


def link(source: LogSource, values: Values, span: Span) -> Link:
    return Way.of(source).link(values, span)


def filled(text: str, values: Values, *, quoted: bool = False) -> str:
    """With the values in their places; "" for what has none. `quoted`: fit to stand in an address."""
    parts = _parts(text)
    if len(parts) == 1:
        return text
    given = [values.get(name, "") for name in parts[1::2]]
    filling = iter([quote(each, safe="") for each in given] if quoted else given)
    return "".join(part if place % 2 == 0 else next(filling) for place, part in enumerate(parts))


@lru_cache(maxsize=1000)
def _parts(text: str) -> tuple[str, ...]:
    """What stands as it is and the names of marks, in turn; the first and the last stand as they are."""
    return tuple(MARK.split(text))


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(_parts(text)[1::2]))


def values_of(config: DeploymentConfig, span: Span, names: Iterable[str], deployment: Any = None) -> Values:
    """What a place's texts may name, as far as it is among `names`: its config's properties, then its service's, then its
    environment's; own, mirrored or calculated. `version` and `commit` are of the deployment, else of what is live."""
    found: dict[str, str] = {}
    for name in names:
        for entity in (config.entity, config.service, config.environment):
            stands = entity.computed if name in entity.computed else entity.properties
            if text := _text(stands.get(name)):
                found[name] = text
                break
    shown = deployment or config.current
    own = {
        "service": config.service.identifier,
        "environment": config.environment.identifier,
        "version": shown.version if shown else "",
        "commit": shown.commit if shown else "",
        "since": f"{span.since_text}Z",
        "until": f"{span.until_text}Z",
        "since_ms": str(span.since_ms),
        "until_ms": str(span.until_ms),
    }
    return found | own


def _text(value: object) -> str:
    """Of a property; a list of texts is one text with a line for each."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(text for each in value if (text := _text(each)))
    return str(value) if isinstance(value, str | int | float) else ""


def web(url: object) -> str:
    """The address if it leads to the web and holds no password: anything else must never become a link."""
    if not isinstance(url, str) or len(url) > LONGEST or not url.startswith(("https://", "http://")):
        return ""
    try:
        parts = urlsplit(url)
        return url if parts.hostname and "@" not in parts.netloc and parts.port != 0 else ""
    except ValueError:
        return ""
