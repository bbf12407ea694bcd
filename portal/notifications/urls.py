from django.urls import path

from portal.notifications import views

app_name = "notifications"
urlpatterns = [
    path("", views.listed, name="list"),
    path("new", views.new, name="new"),
    path("preview", views.preview, name="preview"),
    path("log", views.log, name="log"),
    path("log/<uuid:public_id>/retry", views.retry, name="retry"),
    path("routes/<uuid:public_id>", views.edit, name="edit"),
    path("routes/<uuid:public_id>/test", views.test, name="test"),
    path("routes/<uuid:public_id>/removal", views.delete, name="delete"),
]
