from django.contrib.auth.views import LogoutView
from django.urls import path

from portal.pages import secrets, views
from portal.pages.finding import search_page
from portal.pages.invitation import invitation
from portal.pages.sign_in import SignIn

app_name = "pages"
urlpatterns = [
    path("", views.home, name="home"),
    path("audit", views.audit, name="audit"),
    path("audit/panel", views.changelog, name="changelog"),
    path("search", search_page, name="search"),
    path("banner", views.banner, name="banner"),
    path("invitation/<str:secret>", invitation, name="invitation"),
    path("secrets", secrets.secrets, name="secrets"),
    path("secrets/!new", secrets.secret_new, name="secret_new"),
    path("secrets/<str:name>", secrets.secret, name="secret"),
    path("secrets/<str:name>/removal", secrets.secret_removal, name="secret_removal"),
    path("sign-in", SignIn.as_view(), name="sign_in"),
    path("sign-out", LogoutView.as_view(), name="sign_out"),
]
