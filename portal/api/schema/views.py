"""The description for programs, and its pages for people. All are for everybody: they tell nothing of what is kept here."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.schema import reading
from portal.api.schema.document import ABOUT, document
from portal.api.schema.operation import Group, Operation
from portal.api.schema.operations import groups
from portal.api.schema.shapes import Json, Shape


@api_view(["GET"])
@authentication_classes([])
@permission_classes([])
def schema(request: Request) -> Response:
    return Response(document())


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All operations, or those in which every word of `q` stands."""
    words = request.GET.get("q", "").strip()
    found = [(group, [each for each in group.operations if reading.matches(each, group, words)]) for group in groups()]
    context = {
        "words": words,
        "groups": [(group, operations) for group, operations in found if operations],
        "count": sum(len(operations) for _, operations in found),
        "total": sum(len(group.operations) for group in groups()),
        "about": ABOUT,
        "shapes": [] if words else list(document()["components"]["schemas"]),
    }
    return render(request, "api/index.html", context)


@login_not_required
@require_safe
def operation(request: HttpRequest, name: str) -> HttpResponse:
    group, found = _named(name)
    places = {"path": "in the path", "query": "in the query", "header": "a header"}
    context = {
        "group": group,
        "operation": found,
        "parameters": [(reading.parameter_row(each), places[each.place]) for each in found.all_parameters],
        "body": _shown(found.body) if found.body else None,
        "answers": [(status, each, _shown(each.shape)) for status, each in found.all_answers.items()],
        "curl": reading.curl(found),
    }
    return render(request, "api/operation.html", context)


@login_not_required
@require_safe
def shape(request: HttpRequest, name: str) -> HttpResponse:
    components = {each.name: each for group in groups() for one in group.operations for each in _components(one)}
    if name not in components:
        raise Http404
    found = components[name]
    about = found.schema.get("description", "")
    return render(request, "api/shape.html", {"name": name, "about": about, "shown": _shown(found)})


def _components(operation: Operation) -> list[Shape]:
    return [named for each in operation.shapes for named in each.named()]


def _named(name: str) -> tuple[Group, Operation]:
    for group in groups():
        for each in group.operations:
            if each.name == name:
                return group, each
    raise Http404


def _shown(shape: Shape) -> Json:
    """A body or an answer: the component that it is, if it is one, else its fields; and its example."""
    whole = shape.schema if "$ref" not in shape.schema else document()["components"]["schemas"][_of(shape)]
    return {
        "name": shape.name or _of(shape),
        "rows": list(reading.rows(whole)),
        "example": reading.pretty(shape.example),
    }


def _of(shape: Shape) -> str:
    return str(shape.schema.get("$ref", "")).removeprefix(reading.COMPONENT)
