from django.apps import AppConfig


class StartersConfig(AppConfig):
    name = "catalog.starters"
    label = "starters"
