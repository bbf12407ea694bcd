"""Calls to GitHub as an App: signed as the App for a short-lived token of one repository, then with that."""

import json
import time
import urllib.error
import urllib.request
from email.message import Message
from http.client import HTTPException, HTTPMessage
from typing import IO, Any

import jwt
from django.conf import settings

from portal.audit.subscribers import Hopeless, RetryLater

Json = dict[str, Any]

TIMEOUT = 6  # seconds; the few calls of one delivery together stay within its lease
MOST_BYTES = 1024 * 1024
MOST_READ = 16 * 1024 * 1024  # a comparison comes with the patches of up to 300 files
SKEW, LIFE = 60, 540  # seconds: clocks differ, and GitHub takes ten minutes at most


class NotTaken(Exception):
    """GitHub understood, and does not take it (422): nothing waits there any more, or it has been said too often."""


class Denied(RetryLater):
    """The App may not (403), until somebody lets it."""


class Unsure(RetryLater):
    """It may have done what it was asked: it broke over it (5xx, `answered`), or what it said never arrived."""

    def __init__(self, reason: str, after: float | None = None, *, answered: bool = False) -> None:
        super().__init__(reason, after)
        self.answered = answered


class NotThere(Hopeless):
    """GitHub has nothing at this address, or nothing that the token may see (404)."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def post(repository: str, path: str, body: Json, *, permissions: dict[str, str], installation: int = 0) -> None:
    """POST to `path` under the repository, with a token that can do no more than `permissions` in it.

    Raises RetryLater, Hopeless, or NotTaken.
    """
    _send("POST", f"/repos/{repository}{path}", body, token(repository, permissions, installation))


def read(repository: str, path: str, *, permissions: dict[str, str]) -> Json:
    """GET of `path` under the repository, with such a token. Raises as `post` does."""
    return _send("GET", f"/repos/{repository}{path}", None, token(repository, permissions), most=MOST_READ)


def ask(method: str, repository: str, path: str, body: Json, token: str) -> Json:
    """With a token that is there already. Raises as `post` does, Unsure where it may have been done all the same."""
    return _send(method, f"/repos/{repository}{path}", body, token)


def token(repository: str, permissions: dict[str, str], installation: int = 0) -> str:
    """A short-lived one that can do no more than `permissions` in the repository. Raises as `post` does."""
    wanted = {"repositories": [repository.partition("/")[2]], "permissions": permissions}
    word = _signed()
    known = installation or _part(_send("GET", f"/repos/{repository}/installation", None, word), "id")
    answer = _send("POST", f"/app/installations/{known}/access_tokens", wanted, word)
    return str(_part(answer, "token"))


def get(path: str, token: str = "") -> Json:
    """GET with a token, or the one that reads code. Raises RetryLater, Hopeless, or NotTaken."""
    return _send("GET", path, None, token or settings.GITHUB_TOKEN, most=MOST_READ)


def get_list(path: str, token: str) -> list[Json]:
    """GET of what is a list of objects. Raises as `get` does."""
    answer = _call("GET", path, None, token, MOST_READ)
    if not isinstance(answer, list):
        raise RetryLater("GitHub's answer is no list.")
    return [each for each in answer if isinstance(each, dict)]


def _part(answer: Json, name: str) -> object:
    if name not in answer:
        raise RetryLater(f"GitHub's answer has no {name}.")
    return answer[name]


def _signed() -> str:
    """The App's own word, good for nine minutes."""
    now = int(time.time())
    try:
        claims = {"iat": now - SKEW, "exp": now + LIFE, "iss": settings.GITHUB_APP_ID}
        return jwt.encode(claims, settings.GITHUB_PRIVATE_KEY, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise Hopeless(f"PORTCULLIS_GITHUB_PRIVATE_KEY is no RSA key in PEM form: {error}") from error


def _send(method: str, path: str, body: Json | None, token: str, most: int = MOST_BYTES) -> Json:
    answer = _call(method, path, body, token, most)
    return answer if isinstance(answer, dict) else {}


def _call(method: str, path: str, body: Json | None, token: str, most: int) -> Any:
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "Content-Type": "application/json",
        "User-Agent": "Portcullis",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    raw_body = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(settings.GITHUB_API_URL + path, raw_body, headers, method=method)
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=TIMEOUT) as response:
            raw = response.read(most)
    except urllib.error.HTTPError as error:
        with error:
            raise _reason(error.code, _said(error), error.headers) from error
    except urllib.error.URLError as error:  # before all of it was sent
        raise RetryLater(f"GitHub could not be reached: {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise Unsure(f"GitHub did not answer: {error}") from error
    try:
        return json.loads(raw) if raw.strip() else {}
    except ValueError as error:
        raise Unsure("GitHub's answer is not JSON.") from error


def _said(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(MOST_BYTES))["message"])[:300]
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return "without a word"


def _reason(status: int, said: str, headers: Message) -> Exception:
    told = f"GitHub answered {status}: {said}"
    if status == 422:
        return NotTaken(told)
    if status >= 500:
        return Unsure(told, _wait(headers), answered=True)
    if status == 403 and _wait(headers) is None and "rate limit" not in said.lower():
        return Denied(told)
    if status in (403, 409, 429):
        return RetryLater(told, _wait(headers))
    if status == 404:
        return NotThere(f"{told}. Is the App installed on this repository, with the permissions of docs/github.md?")
    return Hopeless(f"{told}. Is the App installed on this repository, with the permissions of docs/github.md?")


def _wait(headers: Message) -> float | None:
    """Seconds, where GitHub says how long: by itself, or as the end of the hour whose calls are used up."""
    said, reset = headers.get("Retry-After", ""), headers.get("X-RateLimit-Reset", "")
    if said.isdecimal():
        return float(said)
    if headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
        return max(1.0, float(reset) - time.time())
    return None
