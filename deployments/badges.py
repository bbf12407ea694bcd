"""Badges for READMEs: whether a place is open, what is live there, and how it is. Their addresses are signed, for an image has no token."""

import json
import re
from dataclasses import dataclass
from urllib.parse import quote

from django.core.signing import BadSignature, Signer
from django.template.loader import render_to_string

from deployments.queries import Standing

GREEN, RED, BLUE, GREY = "#2e6a24", "#a3281d", "#0b5cad", "#5d5d5d"
HEALTH = {"healthy": GREEN, "degraded": "#8a6100", "failing": RED, "down": RED, "maintenance": BLUE}
WORDS = {"lock": "locked", "freeze": "frozen"}
LONGEST = 40
LONGEST_NAMES, MOST_SLASHES = 2001, 40  # of an address: whoever sends one makes us sign each way to part it
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NARROW, _WIDE = "iIjlt|.,:;'!()[] ", "mwMW@%"


@dataclass(frozen=True)
class Badge:
    """Two words on a picture; `title` says them to who cannot see it."""

    label: str
    value: str
    colour: str
    title: str

    def svg(self) -> str:
        left, right = _width(self.label), _width(self.value)
        sizes = {
            "left": left,
            "right": right,
            "whole": left + right,
            "left_at": left / 2,
            "right_at": left + right / 2,
            "left_text": left - 12,
            "right_text": right - 12,
        }
        return render_to_string("deployments/badge.svg", {"badge": self} | sizes)


UNKNOWN = Badge("portcullis", "unknown", GREY, "There is no such badge")


def lock_badge(standing: Standing) -> Badge:
    """Never who locked it, nor why: whoever reads a README may see it."""
    word = WORDS.get(standing.stopped_by or "", "open")
    return _of(standing, word, GREEN if word == "open" else RED)


def version_badge(standing: Standing) -> Badge:
    return _of(standing, standing.version or "not deployed", BLUE if standing.version else GREY)


def health_badge(standing: Standing) -> Badge:
    """Never why: whoever reads a README may see it."""
    return _of(standing, standing.health.replace("_", " ") or "not probed", HEALTH.get(standing.health, GREY))


def _of(standing: Standing, value: str, colour: str) -> Badge:
    title = f"{standing.service} in {standing.environment}: {value}"
    return Badge(*(_NOT_IN_XML.sub("", text) for text in (_cut(standing.environment), _cut(value), colour, title)))


def path(service: str, environment: str, which: str) -> str:
    """The signed address of one, without the host. `which` is lock, version or health."""
    names = f"{quote(service, safe='')}/{quote(environment, safe='')}"
    return f"/v1/badges/{names}/{which}.svg?key={quote(_signature(service, environment))}"


def named(names: str, key: str) -> tuple[str, str] | None:
    """The service and the environment of an address, if its key is ours. Names may hold slashes: the key tells where one ends."""
    parts = names.split("/")
    if len(names) > LONGEST_NAMES or len(parts) > MOST_SLASHES:
        return None
    splits = [("/".join(parts[:at]), "/".join(parts[at:])) for at in range(1, len(parts))]
    return next((each for each in splits if _is_signed(*each, key)), None)


def _signer() -> Signer:
    return Signer(salt="portcullis.badge")


def _signature(service: str, environment: str) -> str:
    return _signer().signature(_text(service, environment))


def _is_signed(service: str, environment: str, key: str) -> bool:
    try:
        _signer().unsign(f"{_text(service, environment)}:{key}")
    except BadSignature:
        return False
    return True


def _text(service: str, environment: str) -> str:
    return json.dumps([service, environment])


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _width(text: str) -> int:
    """About as wide as a sans-serif of 11 px; the picture then makes the text exactly so."""
    return 12 + round(sum(3.9 if each in _NARROW else 10 if each in _WIDE else 6.9 for each in text))
