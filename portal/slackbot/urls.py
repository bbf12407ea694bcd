from django.urls import path

from portal.slackbot import views

app_name = "slackbot"
urlpatterns = [path("events", views.events, name="events")]
