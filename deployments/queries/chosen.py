"""Properties that somebody chose to see in the matrix, beside the services or in each place."""

from typing import Any

from catalog import queries as catalog
from catalog.models import Entity
from deployments.queries.matrix import Matrix

Json = dict[str, Any]


def of_services(matrix: Matrix) -> dict[str, Json]:
    """The properties of each, by identifier."""
    return _properties("service", [service.identifier for service, _ in matrix.rows], live=True)


def of_places(matrix: Matrix) -> dict[str, Json]:
    """Those of each config, by its identifier; without what is live, which the cells show already."""
    return _properties("deploymentConfig", [spot.config for _, spots in matrix.rows for spot in spots], live=False)


def _properties(blueprint: str, identifiers: list[str], *, live: bool) -> dict[str, Json]:
    """The matrix has found them for the viewer, who may see them."""
    rows = Entity.objects.filter(blueprint__identifier=blueprint, identifier__in=identifiers)
    entities = list(rows.select_related("blueprint"))
    values = catalog.properties_of(entities, live=live)
    return {each.identifier: values[each.pk] for each in entities}
