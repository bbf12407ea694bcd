from django.apps import AppConfig


class SlackbotConfig(AppConfig):
    name = "portal.slackbot"
    label = "slackbot"

    def ready(self) -> None:
        from portal.slackbot import subscribers

        subscribers.register()
