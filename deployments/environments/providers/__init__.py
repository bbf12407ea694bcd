"""Who really makes environments and takes them away. Each says how it is asked; nobody believes its word that one is gone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from deployments.environments.models import Template
from portal.kit.errors import Invalid

Json = dict[str, Any]

TIMEOUT = 60  # seconds for one step, where its description names none
MOST_OUTPUT = 16 * 1024


@dataclass(frozen=True)
class Call:
    """One step that is to be done. `key` is the same in every try; `fence` is greater in each later one.

    `environment` is what the provider is told of it; `step` and `spec` are its template's words; `callback` is where
    a provider that answers later says how it went, and `token` proves that it was asked.
    """

    template: Template
    environment: Json
    label: str
    phase: str
    name: str
    key: str
    fence: int
    attempt: int
    step: Json
    inputs: Json
    callback: str
    token: str

    @property
    def timeout(self) -> int:
        return int(self.step.get("timeout") or TIMEOUT)

    @property
    def body(self) -> Json:
        """As it is sent to those who take JSON."""
        return {
            "environment": self.environment,
            "label": {"portal-env": self.label},
            "phase": self.phase,
            "step": self.name,
            "key": self.key,
            "fence": self.fence,
            "attempt": self.attempt,
            "inputs": self.inputs,
            "with": {name: value for name, value in self.step.items() if name not in ("name", "timeout", "url")},
            "callback": {"url": self.callback, "token": self.token},
        }


@dataclass(frozen=True)
class Answer:
    """`gone` and `present` answer a verification; `waiting` is asked again after so many seconds, by its `ticket`.

    `hopeless`: another try would fail again. `resources` are all that there are, None where nothing is said of them.
    """

    state: Literal["done", "waiting", "failed", "gone", "present"]
    output: str = ""
    error: str = ""
    resources: list[Json] | None = None
    address: str = ""
    ticket: Json = field(default_factory=dict)
    after: float = 10.0
    hopeless: bool = False


@dataclass(frozen=True)
class Found:
    """A resource that carries the label of an environment; since when, where the provider knows."""

    label: str
    since: datetime | None = None
    detail: str = ""


class CannotList(Exception):
    """What there is could not be asked: nothing may be concluded from it."""


class Provider(Protocol):
    def check(self, template: Template) -> None:
        """Raises Invalid where the template lacks what it needs."""

    def run(self, call: Call) -> Answer: ...

    def poll(self, call: Call, ticket: Json) -> Answer: ...

    def lists(self, template: Template) -> bool:
        """Whether it can say what there is: without that there is no looking for orphans."""

    def list(self, template: Template) -> Iterable[Found]:
        """All that carries a label of the portal. Raises CannotList."""


_providers: dict[str, Provider] = {}


def register(name: str, provider: Provider) -> None:
    _providers[name] = provider


def named(name: str) -> Provider:
    """Raises Invalid for one that nobody registered."""
    found = _providers.get(name)
    if found is None:
        raise Invalid.at("provider", f"there is no provider “{name}” here")
    return found
