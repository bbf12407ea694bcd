from django.urls import path

from catalog.starters import views

app_name = "starters"
urlpatterns = [
    path("", views.starter_list, name="starter_list"),
    path("<slug:identifier>", views.starter, name="starter"),
    path("<slug:identifier>/removal", views.removal, name="removal"),
]
