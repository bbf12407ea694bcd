from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portal.accounts.policy import RULES
from portal.api.schema.answers import Answer, standard
from portal.api.schema.parameters import IN_PATHS, Parameter, in_path, names_in
from portal.api.schema.shapes import Json, Shape


@dataclass(frozen=True)
class Operation:
    """One method of one route. `needs`: verbs of the policy, `""` for any token, None for no token.

    `answers` are those of its own; the standard ones are added. An answer that is there stands before a standard one.
    """

    name: str
    method: str
    path: str
    summary: str
    answers: Mapping[int, Answer]
    needs: str | None = ""
    parameters: Sequence[Parameter] = ()
    body: Shape | None = None
    about: str = ""

    @property
    def address(self) -> str:
        return f"/v1{self.path}"

    @property
    def scopes(self) -> list[str]:
        """What a credential's token needs; none where it needs nothing but to be one."""
        return list(dict.fromkeys(RULES[verb].scope for verb in (self.needs or "").split()))

    @property
    def who(self) -> str:
        """Who may, in words."""
        if self.needs is None:
            return "No token is needed."
        named = " and ".join(f"`{scope}`" for scope in self.scopes)
        return f"A token with the scope {named}." if named else "Any token."

    @property
    def all_answers(self) -> dict[int, Answer]:
        both = standard(needs=self.needs, has_body=self.body is not None) | dict(self.answers)
        return dict(sorted(both.items()))

    @property
    def all_parameters(self) -> list[Parameter]:
        """Those of the path in its order, then the others."""
        given = {each.name: each for each in self.parameters if each.place == "path"}
        in_order = [given.get(name) or in_path(name, IN_PATHS[name]) for name in names_in(self.path)]
        return in_order + [each for each in self.parameters if each.place != "path"]

    @property
    def shapes(self) -> list[Shape]:
        bodies = [self.body] if self.body else []
        answers = [each.shape for each in self.all_answers.values()]
        return bodies + answers + [each.shape for each in self.parameters]


@dataclass(frozen=True)
class Group:
    """The operations of one resource, under one heading."""

    title: str
    about: str
    operations: Sequence[Operation]


def as_json(operation: Operation, group: Group) -> Json:
    """The operation as OpenAPI writes it."""
    shown: Json = {
        "operationId": operation.name,
        "tags": [group.title],
        "summary": operation.summary,
        "description": "\n\n".join(each for each in (operation.about, operation.who) if each),
        "parameters": [each.json() for each in operation.all_parameters],
        "responses": {str(status): _answer(each) for status, each in operation.all_answers.items()},
        "security": [] if operation.needs is None else [{"token": []}],
    }
    if operation.body:
        shown["requestBody"] = {"required": True, "content": _content("application/json", operation.body)}
    if operation.scopes:
        shown["x-scopes"] = operation.scopes
    return shown


def _answer(answer: Answer) -> Json:
    shown: Json = {"description": answer.about, "content": _content(answer.media_type, answer.shape)}
    if answer.headers:
        shown["headers"] = {name: {"schema": each.json()} for name, each in answer.headers.items()}
    return shown


def _content(media_type: str, shape: Shape) -> Json:
    return {media_type: {"schema": shape.json(), "example": shape.example}}
