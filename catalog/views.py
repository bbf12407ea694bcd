from django.http import HttpRequest, HttpResponse


def home(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def entity_detail(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def entity_list(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")
