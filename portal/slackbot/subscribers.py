"""Tells Slack what happened, once for each delivery."""

from typing import Any

from django.conf import settings
from slack_sdk.errors import SlackApiError, SlackClientError

from portal.accounts.models import User
from portal.accounts.queries import user_of
from portal.audit.models import Delivery
from portal.audit.subscribers import Hopeless, Owes, RetryLater, subscribe
from portal.kit.clock import database_now
from portal.notifications import media
from portal.notifications.about import about, is_open
from portal.notifications.notice import kind_of
from portal.notifications.routing import owed
from portal.notifications.targets import EMAIL, NOWHERE, SLACK, channel_of_place
from portal.slackbot.posting import Post
from portal.slackbot.rendering import preview

Json = dict[str, Any]
PAUSE = 5.0  # seconds without a call after Slack did not answer
# Asking again will not help: somebody has to change a setting first.
HOPELESS = {
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "channel_not_found", "is_archived",
    "not_in_channel", "msg_too_long", "no_text", "invalid_blocks", "invalid_blocks_format", "missing_scope",
    "restricted_action", "user_not_found", "users_not_found", "cannot_dm_bot",
}  # fmt: skip


def register() -> None:
    subscribe(SLACK, handle=tell)  # the routing alone sends it any
    media.register(SLACK, preview)


def tell(delivery: Delivery) -> Json | Owes:
    """Sends the message. A reminder that came to be untrue while it waited is not sent."""
    event = delivery.event
    kind = kind_of(event.name)
    if kind is None:
        raise RetryLater(f"Nobody says what {event.name} is here.", after=30, untaken=True)
    if kind.is_stale(event):
        return {"skipped": "It is no longer true."}
    person = user_of(delivery.target) if delivery.target.startswith("user:") else None
    channel = "" if person else channel_of(delivery)
    post = Post(delivery, kind.render(event), channel)
    try:
        return post.send_to(person) if person else post.send()
    except SlackApiError as error:
        if person and error.response.get("error") == "users_not_found":
            return _by_mail(delivery, person)
        raise _reason(error, channel or str(person), untaken=not post.may_be_out) from error
    except (SlackClientError, OSError) as error:
        raise RetryLater(f"Slack did not answer: {error}", pause=PAUSE) from error


def _by_mail(delivery: Delivery, person: User) -> Owes:
    if not settings.EMAIL_HOST:
        raise Hopeless(f"Slack knows nobody with the address {person.email}, and there is no mail server.")
    now = database_now()
    mail = owed(delivery.event, (EMAIL, person.email), due=now, now=now)
    return Owes([mail], {"skipped": "Slack does not know this person: an e-mail is sent instead."})


def channel_of(delivery: Delivery) -> str:
    """Its target; where it had none, the place's own as it is now."""
    if delivery.target not in ("", NOWHERE):
        return str(delivery.target)
    channel = channel_of_place(delivery.event, about(delivery.event))
    if channel:
        return channel
    if not is_open(delivery.event):
        raise Hopeless("No channel: not everybody may see it, so only its own slackChannel is told, and there is none.")
    raise Hopeless("No channel: set slackChannel on the service or the environment, or PORTCULLIS_SLACK_CHANNEL.")


def _reason(error: SlackApiError, channel: str, *, untaken: bool) -> Exception:
    response = error.response
    code = response.get("error", "") if isinstance(response.data, dict) else ""
    if response.status_code == 429 or code == "ratelimited":
        said = str(response.headers.get("Retry-After", ""))
        wait = float(said) if said.isdecimal() else 30.0
        return RetryLater("Slack asks to wait", after=wait, pause=wait, untaken=untaken)
    if code in HOPELESS:
        return Hopeless(f"Slack refused the message to #{channel}: {code}")
    return RetryLater(f"Slack answered {response.status_code} {code}", pause=PAUSE)
