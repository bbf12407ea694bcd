"""Calls to Slack, and what their errors mean."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookClient

from portal.audit.subscribers import Hopeless, RetryLater

Json = dict[str, Any]
TIMEOUT = 6  # seconds
RESPOND = "respond"  # to the address that came with what is answered
FORM_GONE = {"expired_trigger_id", "trigger_expired", "exchanged_trigger_id", "invalid_trigger_id"}


def web(wait: float | None = None) -> WebClient:
    # Without the client's own retries: what was lost on the way is told from what was refused here.
    return WebClient(
        token=settings.SLACK_BOT_TOKEN,
        base_url=settings.SLACK_API_URL,
        timeout=wait or TIMEOUT,  # type: ignore[arg-type] # the socket takes parts of a second
        retry_handlers=[],
    )


def send(method: str, arguments: Json) -> None:
    """Raises RetryLater, or Hopeless with Slack's word for it. `late` is sent instead of a form that comes too late."""
    late = arguments.get("late")
    arguments = {name: value for name, value in arguments.items() if name != "late"}
    try:
        if method == RESPOND:
            _respond(dict(arguments))
        else:
            web().api_call(method, json=arguments)
    except SlackApiError as error:
        if late and error.response.get("error") in FORM_GONE:
            return send(*late)
        raise waited_for(error) from error
    except (SlackClientError, OSError) as error:
        raise RetryLater(f"Slack did not answer: {error}") from error


def _respond(body: Json) -> None:
    url = str(body.pop("url"))
    if not is_slacks(url):
        raise Hopeless("The address to answer at is not Slack's.")
    answer = WebhookClient(url, timeout=TIMEOUT, retry_handlers=[]).send_dict(body)
    if answer.status_code == 429 or answer.status_code >= 500:
        raise RetryLater(f"Slack answered {answer.status_code}", after=_seconds(answer.headers.get("Retry-After")))
    if answer.status_code != 200:
        raise Hopeless(f"Slack does not take the answer: {answer.status_code} {str(answer.body)[:100]}")


def is_slacks(url: str) -> bool:
    """Signed or not: the portal posts nowhere else than to Slack, or to the stand-in that is configured."""
    if url.startswith("https://hooks.slack.com/"):
        return True
    ours, given = urlsplit(settings.SLACK_API_URL), urlsplit(url)
    return ours.hostname != "slack.com" and (ours.scheme, ours.netloc) == (given.scheme, given.netloc)


def waited_for(error: SlackApiError) -> Exception:
    response = error.response
    code = response.get("error", "") if isinstance(response.data, dict) else ""
    if response.status_code == 429 or code == "ratelimited":
        return RetryLater("Slack asks to wait", after=_seconds(response.headers.get("Retry-After")))
    if response.status_code >= 500 or code in {
        "fatal_error",
        "internal_error",
        "service_unavailable",
        "request_timeout",
    }:
        return RetryLater(f"Slack answered {response.status_code} {code}")
    return Hopeless(str(code or response.status_code))


def _seconds(said: Any) -> float:
    return float(said) if str(said).isdecimal() else 30.0
