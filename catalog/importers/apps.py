from django.apps import AppConfig


class ImportersConfig(AppConfig):
    name = "catalog.importers"
    label = "importers"
