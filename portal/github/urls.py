from django.urls import path

from portal.github import views

app_name = "github"
urlpatterns = [
    path("", views.import_list, name="imports"),
    path("<uuid:public_id>", views.import_detail, name="import"),
    path("<uuid:public_id>/cancellation", views.cancel, name="cancel"),
]
