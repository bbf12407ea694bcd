"""Where blueprints and entities are."""

from django.urls import reverse


def entity_url(blueprint: str, identifier: str) -> str:
    return reverse("catalog:entity_detail", args=[blueprint, identifier])


def list_url(blueprint: str) -> str:
    return reverse("catalog:entity_list", args=[blueprint])
