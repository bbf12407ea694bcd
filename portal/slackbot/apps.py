from django.apps import AppConfig
from django.conf import settings


class SlackbotConfig(AppConfig):
    name = "portal.slackbot"
    label = "slackbot"

    def ready(self) -> None:
        from portal.audit.subscribers import subscribe
        from portal.slackbot import checks, subscribers, waiting  # noqa: F401

        subscribers.register()
        subscribe(
            "slack-waits",
            *waiting.ENDINGS,
            handle=waiting.tell,
            wants=lambda event: bool(settings.SLACK_BOT_TOKEN) and waiting.somebody_waits(event.noun_id),
        )
