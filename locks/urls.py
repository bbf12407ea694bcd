from django.urls import path

from locks import views

app_name = "locks"
urlpatterns = [
    path("", views.lock_list, name="lock_list"),
    path("preview", views.preview, name="preview"),
    path("environment-panel/<path:environment>", views.environment_panel, name="environment_panel"),
    path("panel/<path:service>", views.panel, name="panel"),
    path("<uuid:public_id>", views.lock_detail, name="lock_detail"),
    path("<uuid:public_id>/release", views.release, name="release"),
    path("<uuid:public_id>/extension", views.extension, name="extension"),
]
