from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "catalog.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        from catalog.webhooks.commands import received_map
        from portal.audit.models import Delivery
        from portal.audit.subscribers import subscribe

        def handle(delivery: Delivery) -> None:
            received_map(delivery.event.payload["received"])

        subscribe("webhooks", "webhook.received", handle=handle, tells=False)
