"""The patch that puts the gate into a pipeline: the examples in ci/, with the names of a place in them."""

import json
import re
import shlex
from dataclasses import dataclass
from functools import lru_cache
from textwrap import dedent
from urllib.parse import urlsplit

from django.conf import settings

EXAMPLES = settings.BASE_DIR / "ci" / "examples"
# Words that YAML would not read as a text.
_NOT_TEXT = re.compile(r"(?i)true|false|yes|no|on|off|null|~|y|n|[-+.\d].*")


@dataclass(frozen=True)
class Patch:
    """`where` it belongs, in words."""

    where: str
    text: str


def patch_for(service: str, environment: str, *, provider: str = "", repository: str = "") -> Patch:
    """For the CI that reported it, else for where its code is, else for any CI with a shell."""
    kind = _kind(provider) or _kind(urlsplit(repository).hostname or "")
    if kind == "github":
        return Patch(
            "in the job that deploys, around its own step, in .github/workflows", _yaml(_steps(), service, environment)
        )
    if kind == "gitlab":
        return Patch(
            "in .gitlab-ci.yml, around the script that deploys", _yaml(_read("gitlab-ci.yml"), service, environment)
        )
    return Patch("where the job deploys now", _shell(_read("any-ci.sh"), service, environment))


def _kind(name: str) -> str:
    return next((kind for kind in ("github", "gitlab") if kind in name.lower()), "")


@lru_cache
def _read(name: str) -> str:
    return (EXAMPLES / name).read_text()


def _steps() -> str:
    """The steps of the example from the gate's own on: check, deploy, report."""
    lines = _read("github-workflow.yml").splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if "/portcullis/ci@" in line)
    return dedent("".join(lines[first:]))


def _yaml(text: str, service: str, environment: str) -> str:
    return _filled(text, r": ", _scalar(service), _scalar(environment))


def _shell(text: str, service: str, environment: str) -> str:
    return _filled(text, r" ", shlex.quote(service), shlex.quote(environment))


def _filled(text: str, mark: str, service: str, environment: str) -> str:
    text = re.sub(rf"(?i)(service{mark})cart\b", lambda found: found[1] + service, text)
    return re.sub(rf"(?i)(environment{mark})production\b", lambda found: found[1] + environment, text)


def _scalar(name: str) -> str:
    plain = re.fullmatch(r"\w[\w./-]*", name) and not _NOT_TEXT.fullmatch(name)
    return name if plain else json.dumps(name, ensure_ascii=False)
