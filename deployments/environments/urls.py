from django.urls import path

from deployments.environments import views

app_name = "environments"
urlpatterns = [
    path("", views.environment_list, name="environment_list"),
    path("new", views.new, name="new"),
    path("new/<path:identifier>", views.new_of, name="new_of"),
    path("templates", views.template_list, name="template_list"),
    path("templates/new", views.template_new, name="template_new"),
    path("templates/edit/<path:identifier>", views.template_edit, name="template_edit"),
    path("templates/deletion/<path:identifier>", views.template_deletion, name="template_deletion"),
    path("sweeps", views.sweep_list, name="sweep_list"),
    path("sweeps/<uuid:public_id>/release", views.sweep_release, name="sweep_release"),
    path("panel/<path:environment>", views.panel, name="panel"),
    path("<uuid:public_id>", views.detail, name="detail"),
    path("<uuid:public_id>/extension", views.extension, name="extension"),
    path("<uuid:public_id>/pin", views.pin, name="pin"),
    path("<uuid:public_id>/unpin", views.unpin, name="unpin"),
    path("<uuid:public_id>/sleep", views.sleep, name="sleep"),
    path("<uuid:public_id>/wake", views.wake, name="wake"),
    path("<uuid:public_id>/retry", views.retry, name="retry"),
    path("<uuid:public_id>/keep", views.keep, name="keep"),
    path("<uuid:public_id>/teardown", views.teardown, name="teardown"),
    path("<uuid:public_id>/recreation", views.recreation, name="recreation"),
]
