from django.apps import AppConfig


class ScorecardsConfig(AppConfig):
    name = "catalog.scorecards"
    label = "scorecards"

    def ready(self) -> None:
        from django.apps import apps
        from django.db.models.signals import post_migrate

        from catalog import hooks
        from catalog.scorecards import handlers, kinds, queries
        from catalog.search import standings

        kinds.register()
        # After the catalog has installed the kinds, which it does at its own end.
        post_migrate.connect(kinds.install, sender=apps.get_app_config("audit"), dispatch_uid="scorecards.rows")
        standings.tell(standings.Told(queries.standing, queries.judges, queries.said))
        hooks.after_rename(handlers.renamed)
