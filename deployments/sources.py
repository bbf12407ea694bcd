"""What a log source comes to at a place and a time: an address, or the properties that are missing for one."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from deployments.models import DeploymentConfig, LogSource
from deployments.presets import PRESETS, Span

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


def link(source: LogSource, values: Values, span: Span) -> Link:
    preset = PRESETS.get(source.preset)
    icon = source.icon or (preset.icon if preset else "external-link")
    if preset is None:
        wanted = _names(source.template)
        missing = tuple(name for name in wanted if not values.get(name))
        url = "" if missing else filled(source.template, values, quoted=True)
    else:
        texts = preset.parameters | {name: str(text) for name, text in source.parameters.items()}
        missing = _missing(preset.needs, texts, values)
        whole = {name: filled(text, values) for name, text in texts.items()}
        url = "" if missing else preset.address(whole, span)
    return Link(source.name, source.kind, icon, web(url), missing)


def _missing(needs: Iterable[str | tuple[str, ...]], texts: Values, values: Values) -> tuple[str, ...]:
    """The properties that would fill what is empty; a parameter without any is named itself."""
    empty: list[str] = []
    for need in needs:
        names = (need,) if isinstance(need, str) else need
        if not any(filled(texts[name], values) for name in names):
            wanted = [each for name in names for each in _names(texts[name]) if not values.get(each)]
            empty.append(" or ".join(dict.fromkeys(wanted)) or names[0])
    return tuple(dict.fromkeys(empty))


def filled(text: str, values: Values, *, quoted: bool = False) -> str:
    """With the values in their places; "" for what has none. `quoted`: fit to stand in an address."""

    def value(found: "re.Match[str]") -> str:
        given = values.get(found[1], "")
        return quote(given, safe="") if quoted else given

    return MARK.sub(value, text)


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(MARK.findall(text)))


def values_of(config: DeploymentConfig, span: Span, deployment: Any = None) -> Values:
    """What a place's texts may name: its config's properties, then its service's, then its environment's; own, mirrored or
    calculated. `version` and `commit` are of the deployment, else of what is live."""
    found: dict[str, str] = {}
    for entity in (config.environment, config.service, config.entity):
        found |= {name: text for name, value in (entity.properties | entity.computed).items() if (text := _text(value))}
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
