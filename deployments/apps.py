from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    name = "deployments"

    def ready(self) -> None:
        from catalog import hooks, kinds
        from deployments import handlers

        handlers.register_kinds()
        kinds.register_panel(kinds.Panel("service", "deployments", "Deployments", "deployments:panel", order=2))
        hooks.after_change(handlers.entity_changed, "service", "environment")
        hooks.before_deletion(handlers.entities_deleting)
