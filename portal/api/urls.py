"""Routes of /v1. Identifiers may hold slashes, and the server hands on the decoded path,
so they match greedily and whatever has a fixed ending stands first (docs/decisions/0001-greedy-routes.md).
"""

from django.urls import path, re_path

from portal.api import blueprints, deployments, entities, envelope, locks, tokens

BLUEPRINT = r"^blueprints/(?P<blueprint>.+?)"
# An entity may be called a/entities; what stands after the first /entities/ is its identifier, never a fixed ending.
BLUEPRINT_ALONE = r"^blueprints/(?P<blueprint>(?:(?!/entities/).)+)"

urlpatterns = [
    path("auth/access_token", tokens.access_token),
    path("gate", locks.gate),
    path("locks", locks.locks),
    path("locks/<str:public_id>/extension", locks.extension),
    path("locks/<str:public_id>", locks.lock),
    path("deployments", deployments.deployments),
    path("deployments/current", deployments.current),
    path("blueprints", blueprints.blueprints),
    re_path(BLUEPRINT_ALONE + r"/entities-count$", entities.entities_count),
    re_path(BLUEPRINT_ALONE + r"/entities$", entities.entities),
    re_path(BLUEPRINT + r"/entities/(?P<identifier>.+)$", entities.entity),
    re_path(r"^blueprints/(?P<identifier>.+)$", blueprints.blueprint),
    re_path(r"^.*$", envelope.unknown_route),
]
