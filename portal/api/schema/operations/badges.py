from portal.api.schema.answers import Answer
from portal.api.schema.operation import Group, Operation
from portal.api.schema.operations.locks import ENVIRONMENT, SERVICE
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import text

SVG = "image/svg+xml"
_PICTURE = text("<svg xmlns='http://www.w3.org/2000/svg'></svg>", "The picture. `ETag` and `Cache-Control` go along.")
_ABOUT = (
    "For READMEs: the page of a service's badges shows the address with its key, as Markdown. The key is the portal's "
    "signature of this place, so no token is needed. With `If-None-Match` what has not changed is 304."
)


def _badge(which: str, summary: str) -> Operation:
    return Operation(
        f"badge_{which}",
        "GET",
        f"/badges/{{service}}/{{environment}}/{which}.svg",
        summary,
        needs=None,
        about=_ABOUT,
        parameters=[
            in_path("service", SERVICE),
            in_path("environment", ENVIRONMENT),
            query("key", text("9fQ2xN1c", "The signature of the place."), needed=True),
        ],
        answers={
            200: Answer("The badge.", _PICTURE, media_type=SVG),
            404: Answer(
                "A grey badge that says unknown: no such place, or not its key.",
                text("<svg xmlns='http://www.w3.org/2000/svg'></svg>"),
                media_type=SVG,
            ),
        },
    )


GROUP = Group(
    "Badges",
    "Little pictures for READMEs. They name neither people nor reasons.",
    [
        _badge("lock", "Whether a place is open, locked or frozen"),
        _badge("version", "What is live in a place"),
        _badge("health", "What the probes of a place say"),
    ],
)
