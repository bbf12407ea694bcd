"""The Content-Security-Policy of what a browser shows."""

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponseBase


class ContentPolicy(CSPMiddleware):
    """JSON needs none, which nobody may take for a page: its type is not guessed at. /v1 answers it all day."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.get("Content-Type", "").startswith("application/json"):
            return response
        return super().process_response(request, response)
