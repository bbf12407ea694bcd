"""The description of /v1, served at /v1/schema (OpenAPI 3.1) and readable at /v1/docs.

To describe a new route, add an `Operation` to the `GROUP` of its resource in `operations/`, or a new module there with
a `GROUP` of its own: it is found by itself. Say

- the name (`lock_take`, as its command), the method, the path and a short summary;
- `needs`: the verb of `portal.accounts.policy.RULES` that it asks for (several, with spaces); `""` when any token will do, None for no token;
- `parameters`: `query(...)` and `header(...)`; a name in the path is known from `parameters.IN_PATHS`, or is given by
  `in_path(...)`;
- `body`: a shape made with `sent(...)`; `answers`: `{201: ok("Taken.", lock=LOCK), 409: fault("already_locked", ...)}`.

Schemas and examples are one thing, a `Shape`: each field is declared with its example, and a whole body's example is put
together from those. 401, 403, 413, 422 and 503 are added where they apply. `tests/house/test_schema.py` fails for a route
that is not described, and `tests/api/test_openapi.py` holds real answers against what stands here.
"""

from portal.api.schema.document import document
from portal.api.schema.operation import Operation
from portal.api.schema.operations import groups

__all__ = ["Operation", "document", "groups"]
