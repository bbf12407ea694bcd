from django.http import HttpRequest, HttpResponse


def home(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def audit(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def changelog(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def banner(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")
