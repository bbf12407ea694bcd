from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "deployments.health"
    label = "health"
