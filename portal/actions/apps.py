from django.apps import AppConfig


class ActionsConfig(AppConfig):
    name = "portal.actions"
    label = "actions"

    def ready(self) -> None:
        from portal.actions import automations, calls

        automations.register()
        calls.register()
