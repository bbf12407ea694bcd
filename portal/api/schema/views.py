"""The description is for everybody: it tells nothing of what is kept here."""

from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.schema.document import document


@api_view(["GET"])
@authentication_classes([])
@permission_classes([])
def schema(request: Request) -> Response:
    return Response(document())
