"""What stands in the address and the headers of a request."""

import re
from dataclasses import dataclass
from typing import Literal

from portal.api.schema.shapes import Json, Shape, flag, listed, text

# Names that several paths hold. Identifiers may hold slashes, sent as %2F or as they are.
IN_PATHS = {
    "blueprint": text("service", "The blueprint's identifier.", minLength=1),
    "identifier": text("checkout", "The entity's identifier.", minLength=1),
}


@dataclass(frozen=True)
class Parameter:
    name: str
    shape: Shape
    place: Literal["query", "path", "header"]
    needed: bool = False

    def json(self) -> Json:
        shown: Json = {"name": self.name, "in": self.place, "schema": self.shape.json()}
        if about := self.shape.schema.get("description"):
            shown["description"] = about
        if self.needed:
            shown["required"] = True
        return shown | {"example": self.shape.example}


def query(name: str, shape: Shape, *, needed: bool = False) -> Parameter:
    return Parameter(name, shape, "query", needed)


def header(name: str, shape: Shape) -> Parameter:
    return Parameter(name, shape, "header")


def in_path(name: str, shape: Shape) -> Parameter:
    return Parameter(name, shape, "path", needed=True)


def names_in(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


UPSERT = query("upsert", flag(True, "Change the entity when it is there already, instead of refusing."))
MERGE = query("merge", flag(True, "With `upsert`: keep what the body does not speak of."))
VALIDATION_ONLY = query("validation_only", flag(False, "Check everything and answer as if, but write nothing."))
CREATE_MISSING = query(
    "create_missing_related_entities", flag(False, "Make the entities that relations name and that are not there yet.")
)
DEPENDENTS = query("delete_dependents", flag(False, "Delete what has a required relation to it as well."))
RUN = query("run_id", text("r_1", "The action run that the change belongs to.", maxLength=100))
# How entities are shown.
SHOWN = (
    query("include", listed(text("properties.tier"), "Only these parts: `title`, `properties`, `properties.tier`, ….")),
    query("exclude", listed(text("relations"), "All but these parts.")),
    query("exclude_calculated_properties", flag(False, "Leave out what the portal computes.")),
    query("attach_title_to_relation", flag(False, "Show relations as `{identifier, title}`.")),
)
