from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "catalog.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        from catalog.webhooks.deliveries import deliver
        from portal.audit.subscribers import subscribe

        subscribe("webhooks", "webhook.received", handle=deliver, tells=False)
