"""Addresses in a service's repository, where it is on GitHub or GitLab."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from catalog.models import Entity
from deployments.sources import web

_SHA = re.compile(r"[0-9a-fA-F]{7,64}")


@dataclass(frozen=True)
class Forge:
    base: str
    is_gitlab: bool

    def commit(self, sha: str) -> str:
        return f"{self.base}{self._own}/commit/{sha}" if _SHA.fullmatch(sha) else ""

    def compare(self, old: str, new: str) -> str:
        """What `new` has that `old` has not."""
        if not (_SHA.fullmatch(old) and _SHA.fullmatch(new)):
            return ""
        return f"{self.base}{self._own}/compare/{old}...{new}"

    def pull_request(self, number: str) -> str:
        if not number.isdecimal():
            return ""
        return f"{self.base}{'/-/merge_requests' if self.is_gitlab else '/pull'}/{quote(number)}"

    @property
    def _own(self) -> str:
        return "/-" if self.is_gitlab else ""


def forge_of(service: Entity) -> Forge | None:
    """None where its repository is nowhere, or on a forge whose addresses are not known."""
    told = service.properties.get("repository")
    # Never with a password that somebody left in it.
    address = web(re.sub(r"^(https?://)[^/?#]*@", r"\1", told)) if isinstance(told, str) else ""
    if not address:
        return None
    parts = urlsplit(address)
    base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('.git')}"
    if "gitlab" in parts.netloc:
        return Forge(base, is_gitlab=True)
    return Forge(base, is_gitlab=False) if "github" in parts.netloc else None
