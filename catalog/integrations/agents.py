"""What an integration calls itself, its User-Agent, by which what it has written is told from what others have."""

import re

from catalog.integrations.models import Integration

EXPORTER = "K8S EXPORTER"
_OCEAN = re.compile(r"port-ocean/([^/]*)/[^/]*/(.+)", re.DOTALL)
_EXPORTER = re.compile(r"port-k8s-exporter/.*\(statekey/(.*)\)", re.DOTALL)


def named(agent: str) -> tuple[str, str] | None:
    """The type and the identifier of the integration that calls itself so; None for any other program."""
    if exporter := _EXPORTER.fullmatch(agent):
        return EXPORTER, exporter[1]
    if ocean := _OCEAN.fullmatch(agent):
        return ocean[1], ocean[2].removesuffix("/exporter")
    return None


def ends_of(integration: Integration) -> tuple[str, str]:
    """How the datasource of its entities begins and ends; its version stands between."""
    if integration.app_type == EXPORTER:
        return "port-k8s-exporter/", f"(statekey/{integration.identifier})"
    return f"port-ocean/{integration.app_type}/", f"/{integration.identifier}/exporter"
