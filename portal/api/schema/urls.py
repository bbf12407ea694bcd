"""The pages that show the description. /v1/schema itself is among the routes of /v1."""

from django.urls import path

from portal.api.schema import views

app_name = "api_docs"
urlpatterns = [
    path("api", views.index, name="index"),
    path("api/shapes/<str:name>", views.shape, name="shape"),
    path("api/<str:name>", views.operation, name="operation"),
]
