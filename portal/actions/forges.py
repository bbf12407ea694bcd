"""Forges whose pipelines do the work of runs: workflows at GitHub, pipelines at GitLab. Each says how it is asked."""

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from portal.kit.clock import instant
from portal.kit.errors import Invalid

Json = dict[str, Any]
State = Literal["running", "success", "failure"]


class Declined(Exception):
    """It said no, and began nothing; or it cannot be asked at all. Another attempt changes nothing."""


class Doubtful(Exception):
    """It was asked, and nobody knows whether it began something. `again`: it is asked again where nothing is found."""

    def __init__(self, reason: str, after: float | None = None, *, again: bool = False) -> None:
        super().__init__(reason)
        self.after, self.again = after, again


@dataclass(frozen=True)
class Job:
    """What was begun there. `number` is empty where the forge did not say which; `named`: it carries the run's id."""

    number: str = ""
    url: str = ""
    named: bool = False


@dataclass(frozen=True)
class Seen:
    """`label` in the forge's own word."""

    state: State
    label: str
    url: str = ""


@dataclass(frozen=True)
class Ask:
    """`place`: where, as `find` and `look` need it later; `follows`: as the forge says it.

    `begin` asks once. It raises Declined, Doubtful, or RetryLater where it is certain that nothing began.
    """

    place: Json
    follows: bool
    begin: Callable[[], Job]


def named(forge: str, method: Json, part: str, pattern: re.Pattern[str]) -> str:
    """A part of the method once it is filled in, where it is a name that the forge may have; else Invalid."""
    value = method[part]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Invalid.at(f"invocationMethod.{part}", f"{str(value)[:60]!r} is no name that {forge} has")
    return value


def texts_of(told: Json | None) -> dict[str, str]:
    """Forges take texts: what is none is written out, and what is nothing is left out."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in (told or {}).items()
        if value is not None
    }


class Forge(Protocol):
    name: str

    def missing(self, method: Json, secrets: Collection[str]) -> str:
        """What keeps it from being asked, in a sentence that names the setting; empty when nothing does.

        `secrets` are the names of the organisation's.
        """

    def follows(self, method: Json, secrets: Collection[str]) -> bool:
        """Whether the end there ends the run; otherwise somebody reports."""

    def ready(self, method: Json) -> Ask:
        """`method` is filled in. Raises Invalid, Declined or RetryLater; nothing has begun so far."""

    def find(self, place: Json, since: datetime, run: str) -> list[Job]:
        """What the portal may have begun there since then. Raises Declined where that cannot be asked, or RetryLater."""

    def look(self, place: Json, number: str) -> Seen:
        """How it stands. Raises Declined where that cannot be asked, or RetryLater."""


def began_since(row: Any, since: datetime) -> bool:
    """Of a row in a forge's list, whatever it holds."""
    try:
        return instant(row["created_at"], "created_at") >= since
    except (Invalid, KeyError, TypeError):
        return False


_forges: dict[str, Forge] = {}


def add(kind: str, forge: Forge) -> None:
    """`kind` is the type of the invocation methods that it takes."""
    _forges[kind] = forge


def of(definition: Json) -> Forge | None:
    """The one that does the work of such an action's runs."""
    return _forges.get(definition["invocationMethod"]["type"])


def missing(definition: Json, secrets: Collection[str]) -> str:
    """Why nobody does the work of such an action's runs; empty for one that no forge does."""
    forge = of(definition)
    return forge.missing(definition["invocationMethod"], secrets) if forge else ""
