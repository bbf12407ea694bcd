from django.apps import AppConfig


class EnvironmentsConfig(AppConfig):
    name = "deployments.environments"
    label = "environments"

    def ready(self) -> None:
        from catalog import hooks as catalog
        from catalog import kinds
        from deployments import passing
        from deployments.environments import hooks, providers
        from deployments.environments.models import Environment
        from deployments.environments.providers import demo, local, webhook
        from portal.audit.subscribers import subscribe

        providers.register("webhook", webhook.Webhook())
        providers.register("local", local.Local())
        providers.register("demo", demo.Demo())
        kinds.register_panel(kinds.Panel("environment", "stay", "Time to live", "environments:panel", order=0))
        passing.register(lambda: Environment.objects.living().exclude(entity=None).values("entity"))
        catalog.before_deletion(hooks.no_living_environment)
        catalog.after_change(hooks.renamed, "environment")
        subscribe(
            "environments.pulls",
            "report_request.received",
            handle=hooks.hear,
            wants=hooks.somebody_waits,
            tells=False,
        )
