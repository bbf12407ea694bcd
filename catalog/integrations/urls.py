from django.urls import path

from catalog.integrations import views

app_name = "integrations"
urlpatterns = [
    path("", views.integration_list, name="integration_list"),
    path("called/<path:identifier>", views.called, name="called"),
    path("<uuid:public_id>", views.integration, name="integration"),
    path("<uuid:public_id>/errors", views.faults, name="faults"),
    path("<uuid:public_id>/log", views.log, name="log"),
    path("<uuid:public_id>/mapping", views.mapping, name="mapping"),
    path("<uuid:public_id>/resync", views.resync, name="resync"),
    path("<uuid:public_id>/deletions/<uuid:removal>/approval", views.approval, name="approval"),
    path("<uuid:public_id>/deletions/<uuid:removal>/refusal", views.refusal, name="refusal"),
    path("<uuid:public_id>/deletions/<uuid:removal>/undo", views.undo, name="undo"),
]
