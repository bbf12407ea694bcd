from typing import Any

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal.accounts.commands import credential_of, credential_touch
from portal.accounts.queries import actor_of_credential
from portal.kit.by import Actor, By


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`: a CI token, or one from /v1/auth/access_token. `request.user` is an Actor."""

    def authenticate(self, request: Request) -> tuple[Actor, Any] | None:
        words = get_authorization_header(request).split()
        if not words:
            return None
        if len(words) != 2 or words[0].lower() != b"bearer":
            raise AuthenticationFailed("Send the header: Authorization: Bearer <token>")
        credential = credential_of(words[1].decode("latin-1"))
        if credential is None:
            raise AuthenticationFailed("The token is unknown, expired or revoked.")
        credential_touch(credential)
        return actor_of_credential(credential), credential

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="portcullis"'


class HasActor(BasePermission):
    """Somebody is signed in; what they may do is decided by the commands."""

    def has_permission(self, request: Request, view: object) -> bool:
        if request.user is None:
            raise NotAuthenticated("Send a token: Authorization: Bearer <token>")
        return True


def by_of(request: Request) -> By:
    agent = request.headers.get("User-Agent", "")
    return By(request.user, "api", request._request.trace, agent)  # type: ignore[arg-type,attr-defined]
