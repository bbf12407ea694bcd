from django.urls import path

from locks import views

app_name = "locks"
urlpatterns = [
    path("", views.lock_list, name="lock_list"),
    path("preview", views.preview, name="preview"),
    path("waiting", views.waiting, name="waiting"),
    path("claims/<uuid:public_id>/revocation", views.claim_revocation, name="claim_revocation"),
    path("tickets/<uuid:public_id>/withdrawal", views.ticket_withdrawal, name="ticket_withdrawal"),
    path("overrides", views.override_list, name="override_list"),
    path("overrides/new", views.override_new, name="override_new"),
    path("overrides/<uuid:public_id>/approval", views.override_approval, name="override_approval"),
    path("overrides/<uuid:public_id>/withdrawal", views.override_withdrawal, name="override_withdrawal"),
    path("codes", views.code_list, name="code_list"),
    path("codes/new", views.code_new, name="code_new"),
    path("codes/<uuid:public_id>/revocation", views.code_revocation, name="code_revocation"),
    path("freezes", views.freeze_list, name="freeze_list"),
    path("freezes/new", views.freeze_new, name="freeze_new"),
    path("freezes/preview", views.freeze_preview, name="freeze_preview"),
    path("freezes/feed", views.feed_address, name="feed_address"),
    path("freezes/feed/revocation", views.feed_revocation, name="feed_revocation"),
    path("freezes/feed/<str:secret>/freezes.ics", views.feed, name="feed"),
    path("freezes/<uuid:public_id>", views.freeze_detail, name="freeze_detail"),
    path("freezes/<uuid:public_id>/edit", views.freeze_edit, name="freeze_edit"),
    path("freezes/<uuid:public_id>/withdrawal", views.freeze_withdrawal, name="freeze_withdrawal"),
    path("explained", views.explained, name="explained"),
    path("environment-panel/<path:environment>", views.environment_panel, name="environment_panel"),
    path("panel/<path:service>", views.panel, name="panel"),
    path("<uuid:public_id>", views.lock_detail, name="lock_detail"),
    path("<uuid:public_id>/release", views.release, name="release"),
    path("<uuid:public_id>/extension", views.extension, name="extension"),
]
