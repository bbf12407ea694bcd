from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from catalog import tables


def missing(request: HttpRequest, what: str, nearest: list[str], blueprint: str = "") -> HttpResponse:
    context = {
        "what": what,
        "nearest": [{"identifier": each, "url": tables.entity_url(blueprint, each)} for each in nearest],
        "list_url": tables.list_url(blueprint) if blueprint else reverse("catalog:home"),
    }
    return render(request, "catalog/missing.html", context, status=404)
