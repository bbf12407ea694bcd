from django.apps import AppConfig


class ScorecardsConfig(AppConfig):
    name = "catalog.scorecards"
    label = "scorecards"
