from django.urls import path, re_path

from catalog import views

app_name = "catalog"
urlpatterns = [
    path("", views.home, name="home"),
    path("views/<int:pk>/removal", views.view_removal, name="view_removal"),
    # Identifiers may hold slashes: the same greedy routes as /v1.
    re_path(r"^(?P<blueprint>.+?)/entities/(?P<identifier>.+)$", views.entity_detail, name="entity_detail"),
    re_path(r"^(?P<blueprint>.+?)/views$", views.views, name="views"),
    re_path(r"^(?P<blueprint>.+?)/entities$", views.entity_list, name="entity_list"),
]
