from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "portal.notifications"
    label = "notifications"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from portal.audit.subscribers import subscribe
        from portal.notifications import hooks, mail, routing, targets, words  # noqa: F401
        from portal.notifications.defaults import defaults_install

        post_migrate.connect(defaults_install, sender=self)
        routing.register()
        # To these the routing alone sends.
        subscribe(targets.EMAIL, handle=mail.tell)
        subscribe(targets.WEBHOOK, handle=hooks.tell)
