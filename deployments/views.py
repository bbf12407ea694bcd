from django.http import HttpRequest, HttpResponse


def matrix(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def config_list(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def card(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def panel(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def inbox(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def placement(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")
