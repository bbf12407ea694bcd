"""Who it is that does something in Slack: a person of the portal, by the address that Slack has confirmed."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from slack_sdk.errors import SlackApiError, SlackClientError

from portal.accounts.models import User
from portal.accounts.queries import actor_of_user, users_named
from portal.audit.subscribers import RetryLater
from portal.kit.by import Actor, By
from portal.kit.clock import database_now
from portal.kit.errors import Refused
from portal.slackbot.client import waited_for, web
from portal.slackbot.models import Member

Json = dict[str, Any]
FRESH = timedelta(hours=1)
STALE = timedelta(days=1)  # while Slack does not answer
LOOKING = frozenset({"gate", "catalog:read"})


@dataclass(frozen=True)
class Who:
    """`user` is who he is here; None with `why`, a sentence that says what to do. `may_look`: he is a colleague, and
    sees what everybody sees."""

    slack_id: str
    name: str
    user: User | None = None
    why: str = ""
    may_look: bool = False

    def looking(self, trace: UUID) -> By:
        """For queries. Raises Refused for who is no colleague."""
        if self.user:
            return By(actor_of_user(self.user), "slack", trace)
        if not self.may_look:
            raise Refused(self.why)
        return By(stranger(self.slack_id, self.name), "slack", trace)

    def acting(self, trace: UUID) -> By:
        """For commands. Raises Refused for who is nobody here."""
        if self.user is None:
            raise Refused(self.why)
        return By(actor_of_user(self.user), "slack", trace)


def stranger(slack_id: str = "", name: str = "any member") -> Actor:
    """Somebody of no team, who may only read; and so what everybody may read."""
    return Actor("user", f"slack:{slack_id}", name, scopes=LOOKING, token="Slack")


def who(slack_id: str, *, wait: float | None = None) -> Who:
    """Raises RetryLater when Slack does not say, within `wait` seconds where that is given, and never said of late."""
    known = Member.objects.filter(slack_id=slack_id).first()
    now = database_now()
    if known is None or known.read_at <= now - FRESH:
        try:
            known = _read(slack_id, wait)
        except RetryLater:
            if known is None or known.read_at <= now - STALE:
                raise
    return _matched(known)


def _read(slack_id: str, wait: float | None) -> Member:
    try:
        told: Json = web(wait).users_info(user=slack_id).get("user") or {}
        home = _workspace(settings.SLACK_BOT_TOKEN, settings.SLACK_API_URL, wait)
    except SlackApiError as error:
        if error.response.get("error") not in {"user_not_found", "user_not_visible"}:
            raise waited_for(error) from error
        told, home = {"is_stranger": True}, ""
    except (SlackClientError, OSError) as error:
        raise RetryLater(f"Slack did not answer: {error}") from error
    profile = told.get("profile") or {}
    said = {
        "name": str(profile.get("real_name") or told.get("real_name") or told.get("name") or "")[:200],
        "email": str(profile.get("email") or "")[:254] if told.get("is_email_confirmed", True) else "",
        "bar": _bar(told, home),
        "read_at": database_now(),
    }
    member, _ = Member.objects.update_or_create(slack_id=slack_id, defaults=said)
    return member


@lru_cache(maxsize=2)
def _workspace(token: str, api: str, wait: float | None) -> str:
    """That of the app itself."""
    return str(web(wait).auth_test().get("team_id") or "")


def _bar(told: Json, home: str) -> str:
    if told.get("is_bot") or told.get("id") == "USLACKBOT":
        return "bot"
    if told.get("deleted"):
        return "gone"
    elsewhere = home and not told.get("enterprise_user") and told.get("team_id", home) != home
    if told.get("is_stranger") or elsewhere:
        return "elsewhere"
    return "guest" if told.get("is_restricted") or told.get("is_ultra_restricted") else ""


BARRED = {
    "bot": "A bot can do nothing here. Programs have tokens of their own: see Settings › Credentials of the portal.",
    "gone": "Your account in Slack is switched off, so nothing can be done with it here.",
    "elsewhere": "You are of another workspace, so the portal does not know you. Ask somebody of this one.",
    "guest": "You are a guest in this workspace, so the portal tells you nothing. Ask a colleague who is a member.",
}


def _matched(member: Member) -> Who:
    if member.bar:
        return Who(member.slack_id, str(member), why=BARRED[member.bar])
    address = member.email.lower()
    if not address:
        why = (
            "Slack does not tell the portal your e-mail address, or has not confirmed it, so it does not know who you "
            "are: you can look, not act. Confirm it in Slack; if it is, the app lacks the scope users:read.email."
        )
        return Who(member.slack_id, str(member), why=why, may_look=True)
    if settings.SLACK_DOMAINS and address.rpartition("@")[2] not in settings.SLACK_DOMAINS:
        why = (
            f"Your address in Slack, {address}, is of a domain that the portal does not trust. Use your own one there."
        )
        return Who(member.slack_id, str(member), why=why)
    user = users_named([address]).get(address)
    if user is None or not user.is_active or user.is_service:
        why = (
            f"The portal has no account for {address}, your address in Slack: you can look, not act. Ask an "
            f"administrator for one with that address: {settings.BASE_URL}"
        )
        return Who(member.slack_id, str(member), why=why, may_look=True)
    return Who(member.slack_id, str(member), user=user, may_look=True)
