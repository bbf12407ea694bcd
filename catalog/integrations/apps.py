from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "catalog.integrations"
    label = "integrations"

    def ready(self) -> None:
        from catalog.integrations import changelog
        from catalog.integrations.commands import removal_go_on
        from portal.audit.models import Delivery
        from portal.audit.subscribers import RetryLater, subscribe

        changelog.register()

        def handle(delivery: Delivery) -> None:
            if removal_go_on(delivery.event.payload["removal"]):
                raise RetryLater("There is more of it.", after=0)

        subscribe(
            "integrations", "integration.deletion_approved", "integration.deletion_undone", handle=handle, tells=False
        )
