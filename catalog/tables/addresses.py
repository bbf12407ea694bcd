"""Where blueprints and entities are, and the icon that stands for them."""

from django.urls import reverse

ICONS = {
    "Microservice": "box",
    "Environment": "layers",
    "DeploymentConfig": "server",
    "Deployment": "rocket",
    "Service": "box",
    "Team": "users",
    "User": "user",
    "Cloud": "cloud",
    "Github": "git-branch",
    "Package": "package",
}


def entity_url(blueprint: str, identifier: str) -> str:
    return reverse("catalog:entity_detail", args=[blueprint, identifier])


def list_url(blueprint: str) -> str:
    return reverse("catalog:entity_list", args=[blueprint])


def icon_of(name: str) -> str:
    return ICONS.get(name, "box")
