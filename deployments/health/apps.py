from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "deployments.health"
    label = "health"

    def ready(self) -> None:
        from catalog import hooks
        from deployments.health.hooks import entities_deleting, entity_changed

        hooks.before_deletion(entities_deleting)
        hooks.after_change(entity_changed)
