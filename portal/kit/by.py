"""Who does something, and through which door."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from portal.kit.ids import uuid7

Door = Literal["page", "admin", "api", "slack", "clock", "setup", "automation"]


@dataclass(frozen=True)
class Actor:
    """A person, a credential or the portal itself, as the policy sees them.

    `key` is stable and unique ("user:7", "credential:3", "system:clock"); `teams` are team identifiers;
    `moderates` are blueprint identifiers. A person who comes by a `token` may do no more than its `scopes` say.
    `is_service`: its account is a program's. `restricted`: whether anything in the catalog is kept from anybody; it is read together with the actor.
    `makes_services`: a service that it reports, and that nobody knows, is made.
    """

    kind: Literal["user", "credential", "system"]
    key: str
    name: str
    email: str = ""
    is_admin: bool = False
    scopes: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    moderates: frozenset[str] = frozenset()
    token: str = ""
    is_service: bool = False
    restricted: bool = True
    makes_services: bool = False

    @property
    def is_person(self) -> bool:
        return self.kind == "user"

    @property
    def in_person(self) -> bool:
        """A human being, whether by a session or by a token that is somebody's own."""
        return self.is_person and not self.is_service

    @property
    def holder_kind(self) -> str:
        """As what it holds a lock or waits in line: a program's account as the program it is."""
        return "credential" if self.is_person and self.is_service else self.kind

    @property
    def is_bound(self) -> bool:
        """To the scopes of a credential."""
        return self.kind == "credential" or bool(self.token)


@dataclass(frozen=True)
class By:
    actor: Actor
    door: Door
    trace: UUID = field(default_factory=uuid7)
    agent: str = ""  # the client's User-Agent, kept as an entity's datasource
    run: str = ""  # the action run that the change belongs to
    at: datetime | None = None  # when it came, for what is replayed
    quiet: bool = False  # history that is loaded: it is recorded, and nobody is told


def system(name: str) -> By:
    """The portal acting by itself: the clock, or its own set-up."""
    door: Door = "setup" if name == "setup" else "clock"
    return By(Actor("system", f"system:{name}", name, is_admin=True), door)


def trusted(by: By) -> By:
    """The same one, for what the portal writes in his wake: he needs no right of his own to that."""
    return replace(by, actor=replace(by.actor, is_admin=True))
