"""Mistakes in the settings, found at the start and named with what would be right."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register


@register(Tags.security, deploy=True)
def secret_key_lasts(**_: Any) -> list[Error]:
    if settings.SECRET_KEY_IS_LASTING:
        return []
    hint = "Set PORTCULLIS_SECRET_KEY (or PORTCULLIS_SECRET_KEY_FILE) to 50 or more random characters."
    return [Error("The secret key is made anew at each start.", hint=hint, id="portal.E001")]


@register
def base_url_is_whole(**_: Any) -> list[Error]:
    parts = urlsplit(settings.BASE_URL)
    if parts.scheme in {"http", "https"} and parts.netloc and not parts.path:
        return []
    hint = "Set PORTCULLIS_URL to scheme, host and port alone, such as https://portal.example.com"
    return [Error(f"PORTCULLIS_URL is {settings.BASE_URL!r}.", hint=hint, id="portal.E002")]


@register
def slack_is_whole(**_: Any) -> list[Warning]:
    if not settings.SLACK_BOT_TOKEN or settings.SLACK_CHANNEL:
        return []
    hint = "Set PORTCULLIS_SLACK_CHANNEL: it is told of whatever has no channel of its own."
    return [Warning("Slack has a token but no default channel.", hint=hint, id="portal.W001")]
