"""The app as Slack wants it described, with this portal's own address."""

from typing import Any

from django.conf import settings
from django.urls import reverse

Json = dict[str, Any]
SCOPES = [
    "channels:history", "channels:read", "chat:write", "chat:write.public", "commands", "groups:history", "groups:read",
    "im:write", "links:read", "links:write", "users:read", "users:read.email",
]  # fmt: skip
EVENTS = ["app_home_opened", "link_shared"]
USAGE = "lock | unlock | locks | where | deploys | check | env | help"


def manifest(*, socket: bool, command: str = "/portal") -> Json:
    """By HTTP, or with a `socket`, where Slack need not reach the portal."""
    url = settings.BASE_URL + reverse("slackbot:events")
    at = {} if socket else {"url": url}
    asked = {} if socket else {"request_url": url}
    options = {} if socket else {"message_menu_options_url": url}
    typed = {"command": command, "description": "Deployments and locks", "usage_hint": USAGE, "should_escape": False}
    return {
        "display_information": {
            "name": "Portcullis",
            "description": "Where is it deployed, and may I deploy now?",
            "background_color": "#111111",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "Portcullis", "always_online": True},
            "slash_commands": [typed | at],
            "unfurl_domains": [domain] if "." in (domain := _domain()) else [],
        },
        "oauth_config": {"scopes": {"bot": SCOPES}},
        "settings": {
            "event_subscriptions": asked | {"bot_events": EVENTS},
            "interactivity": {"is_enabled": True} | asked | options,
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket,
            "token_rotation_enabled": False,
        },
    }


def _domain() -> str:
    """Slack shows what is behind links of whole names only, not of localhost."""
    return settings.BASE_URL.partition("://")[2].partition(":")[0].partition("/")[0]
