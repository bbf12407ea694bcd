from django.urls import path

from deployments.health import views

app_name = "health"
urlpatterns = [
    path("", views.probes, name="probes"),
    path("new", views.new, name="new"),
    path("panel/service/<path:name>", views.panel_of_service, name="panel_of_service"),
    path("panel/environment/<path:name>", views.panel_of_environment, name="panel_of_environment"),
    path("panel/config/<path:identifier>", views.panel_of_config, name="panel_of_config"),
    path("maintenance/<uuid:public_id>/end", views.maintenance_end, name="maintenance_end"),
    path("<uuid:public_id>", views.probe, name="probe"),
    path("<uuid:public_id>/edit", views.edit, name="edit"),
    path("<uuid:public_id>/pause", views.pause, name="pause"),
    path("<uuid:public_id>/maintenance", views.maintenance_begin, name="maintenance_begin"),
    path("<uuid:public_id>/address", views.address, name="address"),
    path("<uuid:public_id>/deletion", views.deletion, name="deletion"),
]
