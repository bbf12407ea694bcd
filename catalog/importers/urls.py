from django.urls import path

from catalog.importers import views

app_name = "importers"
urlpatterns = [
    path("", views.home, name="home"),
    path("catalog-info", views.catalog_info, name="catalog_info"),
    path("codeowners", views.owners, name="codeowners"),
]
