from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts.commands import token_issue
from portal.api.envelope import body


@api_view(["POST"])
@authentication_classes([])
@permission_classes([])
def access_token(request: Request) -> Response:
    """Clients accept exactly 200 here."""
    data = request.data if isinstance(request.data, dict) else {}
    client_id, client_secret = data.get("clientId"), data.get("clientSecret")
    if not isinstance(client_id, str) or not isinstance(client_secret, str):
        return Response(body("invalid_request", "Send clientId and clientSecret, both texts."), status=422)
    token = token_issue(client_id, client_secret)
    if token is None:
        return Response(body("unauthorized", "The client id or the client secret is wrong."), status=401)
    return Response({"ok": True, **token})
