from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "catalog.integrations"
    label = "integrations"
