from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """The process lives."""
    return JsonResponse({"ok": True, "version": settings.VERSION})


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """It can serve: the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        return JsonResponse({"ok": False, "message": "The database does not answer."}, status=503)
    return JsonResponse({"ok": True})


@login_not_required
def command_line(request: HttpRequest) -> FileResponse:
    """The one-file command line for CI: `curl -o portcullis $PORTCULLIS_URL/ci/portcullis`."""
    path = settings.BASE_DIR / "ci" / "portcullis"
    return FileResponse(path.open("rb"), content_type="text/x-python", filename="portcullis")
