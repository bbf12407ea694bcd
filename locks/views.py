from django.http import HttpRequest, HttpResponse


def lock_list(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def preview(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def panel(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def lock_detail(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def release(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")


def extension(request: HttpRequest, **names: object) -> HttpResponse:
    return HttpResponse("")
