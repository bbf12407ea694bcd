from django.urls import path, re_path

from catalog import views

app_name = "catalog"
urlpatterns = [
    path("", views.home, name="home"),
    # No identifier of a blueprint may hold an exclamation mark, so these words are never a part of one.
    re_path(r"^!new/(?P<blueprint>.+)$", views.entity_new, name="entity_new"),
    re_path(r"^!edit/(?P<blueprint>.+?)/entities/(?P<identifier>.+)$", views.entity_edit, name="entity_edit"),
    re_path(r"^!delete/(?P<blueprint>.+?)/entities/(?P<identifier>.+)$", views.entity_deletion, name="entity_deletion"),
    re_path(r"^!cell/(?P<blueprint>.+?)/entities/(?P<identifier>.+)$", views.cell, name="cell"),
    re_path(r"^!bulk/edit/(?P<blueprint>.+)$", views.bulk_edit, name="bulk_edit"),
    re_path(r"^!bulk/delete/(?P<blueprint>.+)$", views.bulk_deletion, name="bulk_deletion"),
    path("!undo/<uuid:trace>", views.undo, name="undo"),
    re_path(r"^!permissions/(?P<blueprint>.+)$", views.permissions, name="permissions"),
    re_path(r"^!changelog/trial/(?P<blueprint>.+)$", views.changelog_trial, name="changelog_trial"),
    re_path(r"^!changelog/again/(?P<blueprint>.+)$", views.changelog_again, name="changelog_again"),
    re_path(r"^!changelog/of/(?P<blueprint>.+)$", views.changelog, name="changelog"),
    path("!views/<int:pk>/removal", views.view_removal, name="view_removal"),
    # Identifiers may hold slashes: the same greedy routes as /v1.
    re_path(r"^(?P<blueprint>.+?)/entities/(?P<identifier>.+)$", views.entity_detail, name="entity_detail"),
    re_path(r"^(?P<blueprint>.+?)/views$", views.views, name="views"),
    re_path(r"^(?P<blueprint>.+?)/entities$", views.entity_list, name="entity_list"),
]
