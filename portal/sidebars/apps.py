from django.apps import AppConfig


class SidebarsConfig(AppConfig):
    name = "portal.sidebars"
    label = "sidebars"
