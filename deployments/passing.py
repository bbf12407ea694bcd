"""Environments that come and go. An app above says which they are; they have no column until something is deployed to them."""

from collections.abc import Callable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from catalog.models import Entity
from deployments.models import DeploymentConfig

Ask = Callable[[], "QuerySet[Any, Any]"]

_asks: list[Ask] = []


def register(ask: Ask) -> None:
    """`ask()` selects the keys of the catalog's entities; it becomes a part of others' queries."""
    _asks.append(ask)


def lasting(environments: "QuerySet[Entity]") -> "QuerySet[Entity]":
    deployed = Exists(DeploymentConfig.objects.filter(environment=OuterRef("pk")))
    for ask in _asks:
        environments = environments.exclude(Q(pk__in=ask()) & ~deployed)
    return environments
