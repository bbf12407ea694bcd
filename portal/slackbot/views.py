from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from slack_bolt import BoltRequest
from slack_sdk.signature import SignatureVerifier

from portal.slackbot.bolt import app


@csrf_exempt
@login_not_required
@require_POST
def events(request: HttpRequest) -> HttpResponse:
    """Where Slack sends everything. Nothing is read before its signature is right, and no older than five minutes."""
    if not settings.SLACK_SIGNING_SECRET:
        return _refused(
            404, "This portal takes nothing from Slack: set PORTCULLIS_SLACK_SIGNING_SECRET (docs/slack.md)."
        )
    try:
        body = request.body.decode()
    except ValueError:
        return _refused(400, "The body is not what Slack sends.")
    if not _is_slacks(request, body):
        return _refused(401, "The signature is missing, wrong, or older than five minutes.")
    try:
        asked = BoltRequest(body=body, query=request.META.get("QUERY_STRING", ""), headers=dict(request.headers))
    except (ValueError, RecursionError):
        return _refused(400, "The body is not what Slack sends.")
    answer = app().dispatch(asked)
    response = HttpResponse(answer.body, status=answer.status)
    for name, value in answer.first_headers_without_set_cookie().items():
        response[name] = value
    return response


def _is_slacks(request: HttpRequest, body: str) -> bool:
    stamp = request.headers.get("X-Slack-Request-Timestamp", "")
    given = request.headers.get("X-Slack-Signature", "")
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12 and given.isascii()):
        return False
    return SignatureVerifier(settings.SLACK_SIGNING_SECRET).is_valid(body, stamp, given)


def _refused(status: int, why: str) -> HttpResponse:
    return JsonResponse({"ok": False, "error": why}, status=status)
