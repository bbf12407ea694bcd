from django.apps import AppConfig


class ActionsConfig(AppConfig):
    name = "portal.actions"
    label = "actions"

    def ready(self) -> None:
        from catalog import hooks
        from portal.actions import automations, calls, gitlab, jobs
        from portal.actions.commands.actions import timers_renamed

        automations.register()
        calls.register()
        jobs.register("GITLAB", gitlab.Pipelines())
        hooks.after_rename(timers_renamed)
