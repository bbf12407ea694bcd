from django.apps import AppConfig


class ScorecardsConfig(AppConfig):
    name = "catalog.scorecards"
    label = "scorecards"

    def ready(self) -> None:
        from catalog import hooks
        from catalog.scorecards import handlers

        hooks.after_rename(handlers.renamed)
