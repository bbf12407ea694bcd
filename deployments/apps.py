from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    name = "deployments"

    def ready(self) -> None:
        from django.conf import settings
        from django.db.models.signals import post_migrate

        from catalog import hooks, kinds
        from catalog.tables import looks as catalog_looks
        from deployments import followers, handlers, healths, looks, queries
        from deployments.commands import payload_map, sources_install
        from deployments.health import beside
        from deployments.health.queries.pulse import MOMENTS
        from deployments.queries import probed, timeline
        from deployments.running import SETTLED
        from locks import witnesses
        from portal.audit.queries import register_moments
        from portal.audit.subscribers import subscribe

        post_migrate.connect(sources_install, sender=self)
        subscribe(
            "hooks",
            "report_request.received",
            handle=lambda delivery: payload_map(delivery.event.payload["request"]),
            tells=False,
        )
        subscribe("deployments.watch", *followers.REPORTED, handle=followers.open_watch, wants=followers.has_succeeded)
        witnesses.register(queries.is_well)
        handlers.register_kinds()
        register_moments(*MOMENTS, SETTLED)
        beside.register(marks=probed.marks, versions=probed.reported)
        for blueprint in ("service", "environment", "config"):
            kind = "deploymentConfig" if blueprint == "config" else blueprint
            kinds.register_panel(kinds.Panel(kind, "health", "Health", f"health:panel_of_{blueprint}", order=2))
        kinds.register_live(healths.HEALTH)
        catalog_looks.register(looks.CONFIG)
        kinds.register_panel(kinds.Panel("service", "deployments", "Deployments", "deployments:panel", order=2))
        kinds.register_panel(kinds.Panel("service", "timeline", "Timeline", "deployments:timeline_of_service", order=3))
        for blueprint, page in (("service", "sources_of_service"), ("deploymentConfig", "sources_of_config")):
            kinds.register_panel(kinds.Panel(blueprint, "sources", "Logs and links", f"deployments:{page}", order=4))
        kinds.register_panel(
            kinds.Panel("environment", "timeline", "Timeline", "deployments:timeline_of_environment", order=2)
        )
        if settings.PROMETHEUS_URL:
            for blueprint, page in (("service", "metrics_of_service"), ("deploymentConfig", "metrics_of_config")):
                kinds.register_panel(kinds.Panel(blueprint, "metrics", "Metrics", f"deployments:{page}", order=3))
        for source in timeline.OURS:
            timeline.register(source)
        kinds.register_panel(
            kinds.Panel("deploymentConfig", "deployments", "Deployments", "deployments:config_panel", order=2)
        )
        kinds.register_panel(
            kinds.Panel("deployment", "deployment", "What it changed", "deployments:deployment_panel", order=1)
        )
        hooks.after_change(handlers.entity_changed, "service", "environment")
        hooks.before_deletion(handlers.entities_deleting)
