from django.urls import path

from catalog.webhooks import views

app_name = "webhooks"
urlpatterns = [
    path("", views.listed, name="list"),
    # No identifier begins with an exclamation mark.
    path("!new", views.new, name="new"),
    path("<str:identifier>", views.detail, name="detail"),
    path("<str:identifier>/edit", views.edit, name="edit"),
    path("<str:identifier>/address", views.rekey, name="rekey"),
    path("<str:identifier>/removal", views.delete, name="delete"),
    path("<str:identifier>/try", views.trial, name="try"),
    path("<str:identifier>/replay", views.replay, name="replay"),
    path("<str:identifier>/received/<str:public_id>", views.received, name="received"),
    path("<str:identifier>/received/<str:public_id>/replay", views.received_replay, name="received_replay"),
]
