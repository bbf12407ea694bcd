from django.contrib import admin
from django.urls import include, path

from portal import faults
from portal.api import envelope
from portal.pages import probes

urlpatterns = [
    path("v1", envelope.unknown_route),
    path("v1/", include("portal.api.urls")),
    path("healthz", probes.healthz),
    path("readyz", probes.readyz),
    path("ci/portcullis", probes.command_line),
    path("admin/", admin.site.urls),
    path("deployments/", include("deployments.urls")),
    path("locks/", include("locks.urls")),
    path("catalog/", include("catalog.urls")),
    path("", include("portal.pages.urls")),
]

handler400 = faults.bad_request
handler403 = faults.forbidden
handler404 = faults.not_found
handler500 = faults.server_error
