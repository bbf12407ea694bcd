from django.urls import path

from portal.actions import views

app_name = "actions"
urlpatterns = [
    path("actions/", views.action_list, name="action_list"),
    path("actions/!new", views.action_new, name="action_new"),
    path("actions/!edit/<str:identifier>", views.action_edit, name="action_edit"),
    path("actions/<str:identifier>", views.action_detail, name="action_detail"),
    path("actions/<str:identifier>/author", views.author, name="author"),
    path("actions/<str:identifier>/run", views.run_new, name="run_new"),
    path("runs/", views.run_list, name="run_list"),
    path("runs/of", views.panel, name="panel"),
    path("runs/<str:public_id>", views.run_detail, name="run_detail"),
    path("runs/<str:public_id>/end", views.end, name="end"),
    path("runs/<str:public_id>/decision", views.decision, name="decision"),
    # Links in messages that were written for the compatible portal.
    path("organization/run", views.elsewhere, name="elsewhere"),
]
