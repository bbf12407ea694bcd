"""`/v1/trivial`: what an authenticated DRF view costs that does nothing. Every other figure is told as a ratio to it.

`/trivial` is the same for pages: the frame that every page has, with nothing in it.
"""

from django.urls import path
from django.views.generic import TemplateView
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from portal import urls


@api_view(["GET"])
def trivial(request: Request) -> Response:
    return Response({"ok": True})


urlpatterns = [
    path("v1/trivial", trivial),
    path("trivial", TemplateView.as_view(template_name="base.html")),
    *urls.urlpatterns,
]

handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500
