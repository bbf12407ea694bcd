from django.urls import path

from portal.notifications import views

app_name = "notifications"
urlpatterns = [
    path("", views.listed, name="list"),
]
