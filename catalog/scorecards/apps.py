from django.apps import AppConfig


class ScorecardsConfig(AppConfig):
    name = "catalog.scorecards"
    label = "scorecards"

    def ready(self) -> None:
        from catalog import hooks
        from catalog.scorecards import handlers, queries
        from catalog.search import standings

        standings.tell(standings.Told(queries.standing, queries.judges, queries.said))
        hooks.after_rename(handlers.renamed)
