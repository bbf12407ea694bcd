from django.urls import path

from deployments import views

app_name = "deployments"
urlpatterns = [
    path("", views.matrix, name="matrix"),
    path("columns", views.columns, name="columns"),
    path("configs", views.config_list, name="config_list"),
    path("card/<path:service>/in/<path:environment>", views.card, name="card"),
    path("panel/<path:service>", views.panel, name="panel"),
    path("blocked/<uuid:public_id>", views.blocked, name="blocked"),
    path("badges/<path:service>", views.badges, name="badges"),
    path("commits", views.commits, name="commits"),
    path("features/<str:key>", views.feature, name="feature"),
    path("find", views.found, name="find"),
    path("mine", views.mine, name="mine"),
    path("coverage", views.coverage, name="coverage"),
    path("hooks", views.hooks, name="hooks"),
    path("ingest", views.ingest, name="ingest"),
    path("ingest/<int:pk>", views.arrival, name="arrival"),
    path("ingest/<int:pk>/replay", views.replay, name="replay"),
    path("timeline", views.timeline, name="timeline"),
    path("timeline/service/<path:name>", views.timeline_of_service, name="timeline_of_service"),
    path("timeline/environment/<path:name>", views.timeline_of_environment, name="timeline_of_environment"),
    path("dora", views.dora, name="dora"),
    path("dora/<str:key>/rows.<str:form>", views.dora_export, name="dora_export"),
    path("export.<str:form>", views.export, name="export"),
    path("feed", views.feed_address, name="feed_address"),
    path("feed/revocation", views.feed_revocation, name="feed_revocation"),
    path("feed/<str:secret>/deployments.ics", views.feed, name="feed"),
    path("dora/<str:key>", views.dora_rows, name="dora_rows"),
    path("inbox", views.inbox, name="inbox"),
    path("inbox/mapping", views.mapping, name="mapping"),
    path("inbox/<uuid:public_id>/placement", views.placement, name="placement"),
]
