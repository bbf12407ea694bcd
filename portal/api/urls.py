"""Routes of /v1. Identifiers may hold slashes, and the server hands on the decoded path,
so they match greedily and whatever has a fixed ending stands first (docs/decisions/0001-greedy-routes.md).
"""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path, re_path

from portal.api import (
    accounts,
    actions,
    audit,
    badges,
    blueprints,
    claims,
    commits,
    deployments,
    diffs,
    dora,
    entities,
    envelope,
    environments,
    freezes,
    github,
    health,
    hooks,
    ingest,
    integrations,
    lock_rules,
    locks,
    measures,
    migrations,
    notifications,
    organization,
    overrides,
    pages,
    permissions,
    runs,
    scorecards,
    search,
    starters,
    tokens,
    webhooks,
)
from portal.api.schema import views as description

View = Callable[..., HttpResponseBase]

BLUEPRINT = r"^blueprints/(?P<blueprint>.+?)"
INTEGRATION = r"^integration/(?P<identifier>.+?)"
# An entity may be called a/entities; what stands after the first /entities/ is its identifier, never a fixed ending.
BLUEPRINT_ALONE = r"^blueprints/(?P<blueprint>(?:(?!/entities/).)+)"


def posted(view: View, name: str) -> View:
    """POST is for the route; with any other method the words are the identifier of an entity called so."""

    @wraps(view)
    def route(request: HttpRequest, blueprint: str) -> HttpResponseBase:
        if request.method == "POST":
            return view(request, blueprint=blueprint)
        return entities.entity(request, blueprint=blueprint, identifier=name)

    return route


@wraps(runs.of_blueprint)
def run_of_entity(request: HttpRequest, blueprint: str, identifier: str, action: str) -> HttpResponseBase:
    """As above: POST asks for a run."""
    if request.method == "POST":
        return runs.of_blueprint(request, blueprint=blueprint, entity=identifier, action=action)
    named = f"{identifier}/actions/{action}/runs"
    return entities.entity(request, blueprint=blueprint, identifier=named)


@wraps(blueprints.bulk)
def bulk_or_one(request: HttpRequest) -> HttpResponseBase:
    """With any other method than POST it is the blueprint called so."""
    if request.method == "POST":
        return blueprints.bulk(request)
    return blueprints.blueprint(request, identifier="bulk")


urlpatterns = [
    # What pipelines ask all day comes before what others ask at times.
    path("gate", locks.gate),
    path("deployments", deployments.deployments),
    path("schema", description.schema, name="api_schema"),
    path("migrations", migrations.migrations),
    path("migrations/<str:public_id>/cancel", migrations.cancel),
    path("migrations/<str:public_id>", migrations.migration),
    path("auth/access_token", tokens.access_token),
    path("organization", organization.organization),
    path("organization/secrets", organization.secrets),
    path("organization/secrets/<str:name>", organization.secret),
    path("apps", organization.apps),
    path("apps/<str:client_id>", organization.app),
    path("apps/<str:client_id>/rotate-secret", organization.app_secret),
    path("users", accounts.users),
    path("users/invite", accounts.invitation),
    path("rotate-credentials/<path:email>", accounts.personal_credentials),
    path("users/<path:email>", accounts.user),
    path("teams", accounts.teams),
    path("teams/<path:name>", accounts.team),
    path("audit-log", audit.audit_log),
    path("ingest/<str:key>", webhooks.ingest),
    path("webhooks", webhooks.webhooks),
    path("webhooks/metadata", webhooks.metadata),
    path("webhooks/<str:identifier>/received", webhooks.received),
    path("webhooks/<str:identifier>/received/replay", webhooks.replay_failed),
    path("webhooks/<str:identifier>/received/<str:public_id>/replay", webhooks.replay),
    path("webhooks/<str:identifier>/trial", webhooks.trial),
    path("webhooks/<path:identifier>", webhooks.webhook),
    path("integration", integrations.integrations),
    path("integration/provision-enabled", integrations.provision_enabled),
    path("integration/metadata", integrations.metadata),
    re_path(INTEGRATION + r"/config$", integrations.config),
    re_path(INTEGRATION + r"/resync-state$", integrations.resync_state),
    re_path(INTEGRATION + r"/resync-request$", integrations.resync_request),
    re_path(INTEGRATION + r"/kinds$", integrations.kinds),
    re_path(INTEGRATION + r"/kinds/(?P<kind>.+)/examples$", integrations.examples),
    re_path(INTEGRATION + r"/logs$", integrations.logs),
    re_path(INTEGRATION + r"/cursor$", integrations.cursor),
    re_path(INTEGRATION + r"/heartbeat$", integrations.heartbeat),
    re_path(INTEGRATION + r"/syncsMetadata$", integrations.syncs_metadata),
    re_path(INTEGRATION + r"/syncMetrics$", integrations.sync_metrics),
    re_path(
        INTEGRATION + r"/syncMetrics/resync/(?P<event>[^/]+)/kind/(?P<kind>.+)$",
        integrations.kind_metrics,
    ),
    re_path(r"^integration/(?P<identifier>.+)$", integrations.integration),
    path("org/<str:organization>/integration/probe/<str:probe>", integrations.probe),
    path("lifecycle/<str:event>", integrations.lifecycle),
    path("kafka-credentials", integrations.kafka_credentials),
    path("actions", actions.actions),
    path("actions/runs", runs.runs),
    path("actions/runs/claim-pending", runs.claim),
    path("actions/runs/ack", runs.acknowledgement),
    path("actions/runs/<str:public_id>", runs.run),
    path("actions/runs/<str:public_id>/logs", runs.logs),
    path("actions/runs/<str:public_id>/approval", runs.approval),
    path("actions/runs/<str:public_id>/approvers", runs.approvers),
    path("actions/runs/<str:public_id>/response", runs.response),
    path("actions/<str:identifier>", actions.action),
    path("actions/<str:identifier>/permissions", actions.permission),
    path("actions/<str:identifier>/runs", runs.of_action),
    path("pages", pages.pages),
    path("pages/<str:identifier>", pages.page),
    path("pages/<str:identifier>/permissions", pages.permission),
    path("pages/<str:identifier>/widgets/<path:widget>", pages.widget),
    path("sidebars/<str:name>", pages.sidebar),
    path("sidebars/<str:name>/folders", pages.folders),
    path("sidebars/<str:name>/folders/<str:identifier>", pages.folder),
    path("workflows/runs/claim-pending", runs.no_workflows),
    path("claims", claims.claims),
    path("claims/<str:public_id>", claims.claim),
    path("claims/<str:public_id>/heartbeat", claims.heartbeat),
    path("claims/<str:public_id>/finish", claims.finish),
    path("tickets", claims.tickets),
    path("tickets/<str:public_id>", claims.ticket),
    path("overrides", overrides.overrides),
    path("overrides/<str:public_id>", overrides.override),
    path("overrides/<str:public_id>/approval", overrides.approval),
    path("break-glass/codes", overrides.codes),
    path("break-glass/codes/<str:public_id>", overrides.code),
    path("break-glass/uses", overrides.uses),
    path("limits", overrides.tier_limits),
    path("limits/<str:tier>", overrides.limits_of_tier),
    path("health", health.places),
    path("health/probes", health.probes),
    path("health/probes/<str:public_id>", health.probe),
    path("health/probes/<str:public_id>/address", health.address),
    path("health/probes/<str:public_id>/readings", health.probe_readings),
    path("health/probes/<str:public_id>/uptime", health.uptime),
    path("health/flips", health.flips),
    path("health/readings", health.readings),
    path("health/heartbeats/<str:token>", health.heartbeat),
    path("health/maintenance", health.maintenance),
    path("health/maintenance/<str:public_id>", health.maintenance_window),
    path("github/webhook", github.webhook),
    path("github/pending-deployments", github.pending_deployments),
    path("freezes", freezes.freezes),
    path("freezes/preview", freezes.preview),
    path("freezes/<str:public_id>", freezes.freeze),
    path("environments", environments.environments),
    path("environments/templates", environments.templates),
    path("environments/<str:public_id>", environments.environment),
    path("environments/<str:public_id>/extension", environments.extension),
    path("environments/<str:public_id>/pin", environments.pin),
    path("environments/<str:public_id>/sleep", environments.sleep),
    path("environments/<str:public_id>/wake", environments.wake),
    path("environments/<str:public_id>/retry", environments.retry),
    path("environments/<str:public_id>/recreation", environments.recreation),
    path("environments/<str:public_id>/steps/<str:key>", environments.step),
    path("locks", locks.locks),
    path("locks/simulation", locks.simulation),
    path("locks/rules", lock_rules.lock_rules),
    path("locks/rules/preview", lock_rules.draft_preview),
    path("locks/rules/<str:public_id>", lock_rules.lock_rule),
    path("locks/rules/<str:public_id>/holds", lock_rules.holds),
    path("locks/rules/<str:public_id>/preview", lock_rules.preview),
    path("locks/<str:public_id>/extension", locks.extension),
    path("locks/<str:public_id>", locks.lock),
    path("notifications/routes", notifications.routes),
    path("notifications/routes/preview", notifications.draft_preview),
    path("notifications/routes/<str:public_id>", notifications.route),
    path("notifications/routes/<str:public_id>/preview", notifications.preview),
    path("notifications/routes/<str:public_id>/test", notifications.test),
    path("deployments/current", deployments.current),
    path("deployments/sources", deployments.sources),
    path("deployments/coverage", deployments.coverage),
    path("hooks/<str:key>", hooks.payload),
    path("deployments/diff", diffs.diff),
    path("deployments/drift", diffs.drift),
    path("deployments/<uuid:public_id>", diffs.deployment),
    path("deployments/<uuid:public_id>/watch", diffs.watch),
    path("deployments/batch", ingest.batch),
    path("deployments/ingest", ingest.ingest),
    path("deployments/ingest/<int:pk>/replay", ingest.replay),
    path("deployments/dora", dora.dora),
    path("deployments/dora/<str:key>", dora.rows),
    path("deployments/commits", commits.commits),
    path("deployments/features/<str:key>", commits.feature),
    path("badges/<path:service>/<str:environment>/lock.svg", badges.badge, {"which": "lock"}),
    path("badges/<path:service>/<str:environment>/version.svg", badges.badge, {"which": "version"}),
    path("badges/<path:service>/<str:environment>/health.svg", badges.badge, {"which": "health"}),
    path("entities/search", search.everywhere),
    path("entities/aggregate", measures.aggregate),
    path("entities/aggregate-over-time", measures.over_time),
    path("entities/properties-history", measures.history),
    path("blueprints", blueprints.blueprints),
    path("blueprints/entities/datasource-entities", search.of_datasource),
    path("scorecards", scorecards.everywhere),
    path("starters", starters.starters),
    path("starters/<str:identifier>", starters.starter),
    re_path(BLUEPRINT_ALONE + r"/scorecards$", scorecards.scorecards),
    re_path(BLUEPRINT_ALONE + r"/scorecards/(?P<identifier>.+)$", scorecards.scorecard),
    re_path(r"^blueprints/system/(?P<identifier>.+)/structure$", blueprints.structure),
    re_path(BLUEPRINT_ALONE + r"/properties/(?P<name>[^/]+)/rename$", blueprints.property_rename),
    re_path(BLUEPRINT_ALONE + r"/mirror/(?P<name>[^/]+)/rename$", blueprints.mirror_rename),
    re_path(BLUEPRINT_ALONE + r"/relations/(?P<name>[^/]+)/rename$", blueprints.relation_rename),
    path("blueprints/bulk", bulk_or_one),
    re_path(BLUEPRINT_ALONE + r"/entities-count$", entities.entities_count),
    re_path(BLUEPRINT_ALONE + r"/entities/search$", posted(search.of_blueprint, "search")),
    re_path(BLUEPRINT_ALONE + r"/entities/search/count$", posted(search.count, "search/count")),
    re_path(BLUEPRINT_ALONE + r"/entities/bulk$", posted(entities.bulk, "bulk")),
    re_path(BLUEPRINT_ALONE + r"/bulk/entities/delete$", entities.bulk_delete),
    re_path(BLUEPRINT_ALONE + r"/all-entities$", entities.all_entities),
    re_path(BLUEPRINT_ALONE + r"/actions$", actions.of_blueprint),
    re_path(BLUEPRINT_ALONE + r"/actions/(?P<identifier>[^/]+)$", actions.one_of_blueprint),
    re_path(BLUEPRINT_ALONE + r"/actions/(?P<action>[^/]+)/runs$", runs.of_blueprint),
    re_path(BLUEPRINT_ALONE + r"/entities$", entities.entities),
    re_path(BLUEPRINT + r"/entities/(?P<identifier>.+)/actions/(?P<action>[^/]+)/runs$", run_of_entity),
    re_path(BLUEPRINT + r"/entities/(?P<identifier>.+)$", entities.entity),
    re_path(BLUEPRINT_ALONE + r"/permissions$", permissions.of_blueprint),
    re_path(r"^blueprints/(?P<identifier>.+)$", blueprints.blueprint),
    re_path(r"^.*$", envelope.unknown_route),
]
