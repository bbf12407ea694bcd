from portal.api.schema.answers import Answer
from portal.api.schema.operation import Group, Operation
from portal.api.schema.shapes import free

GROUP = Group(
    "This description",
    "OpenAPI 3.1, and a page that shows it.",
    [
        Operation(
            "schema",
            "GET",
            "/schema",
            "This description, for programs",
            needs=None,
            answers={200: Answer("OpenAPI 3.1.", free({"openapi": "3.1.0", "paths": {}}))},
        ),
    ],
)
