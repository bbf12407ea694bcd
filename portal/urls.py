from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from portal import faults
from portal.api import envelope
from portal.pages import probes

urlpatterns = [
    path("v1", envelope.unknown_route),
    path("v1/", include("portal.api.urls")),
    path("docs/", include("portal.api.schema.urls")),
    path("healthz", probes.healthz),
    path("readyz", probes.readyz),
    path("ci/portcullis", probes.command_line),
    path("admin/", admin.site.urls),
    path("deployments", RedirectView.as_view(pattern_name="deployments:matrix", query_string=True)),
    path("locks", RedirectView.as_view(pattern_name="locks:lock_list", query_string=True)),
    path("import", RedirectView.as_view(pattern_name="importers:home", query_string=True)),
    path("starters", RedirectView.as_view(pattern_name="starters:starter_list", query_string=True)),
    path("catalog", RedirectView.as_view(pattern_name="catalog:home", query_string=True)),
    path("scorecards", RedirectView.as_view(pattern_name="scorecards:scorecard_list", query_string=True)),
    path("actions", RedirectView.as_view(pattern_name="actions:action_list", query_string=True)),
    path("runs", RedirectView.as_view(pattern_name="actions:run_list", query_string=True)),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("health/", include("deployments.health.urls")),
    path("deployments/", include("deployments.urls")),
    path("locks/", include("locks.urls")),
    path("environments", RedirectView.as_view(pattern_name="environments:environment_list", query_string=True)),
    path("environments/", include("deployments.environments.urls")),
    path("catalog/", include("catalog.urls")),
    path("starters/", include("catalog.starters.urls")),
    path("import/github/", include("portal.github.urls")),
    path("import/", include("catalog.importers.urls")),
    path("scorecards/", include("catalog.scorecards.urls")),
    path("integrations", RedirectView.as_view(pattern_name="integrations:integration_list", query_string=True)),
    path("integrations/", include("catalog.integrations.urls")),
    path("webhooks", RedirectView.as_view(pattern_name="webhooks:list", query_string=True)),
    path("webhooks/", include("catalog.webhooks.urls")),
    path("notifications", RedirectView.as_view(pattern_name="notifications:list", query_string=True)),
    path("notifications/", include("portal.notifications.urls")),
    path("slack/", include("portal.slackbot.urls")),
    path("", include("portal.actions.urls")),
    path("", include("portal.pages.urls")),
]

handler400 = faults.bad_request
handler403 = faults.forbidden
handler404 = faults.not_found
handler500 = faults.server_error
