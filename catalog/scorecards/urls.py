from django.urls import path

from catalog.scorecards import views

app_name = "scorecards"
urlpatterns = [
    path("", views.scorecard_list, name="scorecard_list"),
    path("new", views.scorecard_new, name="new"),
    path("preview", views.preview, name="preview"),
    path("panel", views.panel, name="panel"),
    path("teams", views.teams, name="teams"),
    path("<int:pk>", views.scorecard_detail, name="scorecard_detail"),
    path("<int:pk>/edit", views.scorecard_edit, name="edit"),
    path("<int:pk>/shares", views.shares, name="shares"),
    path("<int:pk>/deletion", views.scorecard_deletion, name="deletion"),
]
