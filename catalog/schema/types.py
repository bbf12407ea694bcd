"""Property types. Each says which definitions are its own, what it accepts, and how a page shows it."""

import re
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

Json = dict[str, Any]

COLOURS = (
    "blue turquoise orange purple pink yellow green red gold silver "
    "paleBlue darkGray lightGray bronze lime olive brown"
).split()  # fmt: skip

# What JSON Schema words a definition may hand on to the validator.
_BOUNDS = (
    "enum minLength maxLength pattern minimum maximum exclusiveMinimum exclusiveMaximum "
    "minItems maxItems uniqueItems properties patternProperties additionalProperties required"
).split()  # fmt: skip


class PropertyType:
    """A property type is known by its (type, format, spec, enum or not) and registers itself under `key`.

    `show` names the fragment in templates/catalog/values/ that renders a value.
    """

    key: ClassVar[str]
    label: ClassVar[str]
    type: ClassVar[str]
    format: ClassVar[str | None] = None
    spec: ClassVar[str | None] = None
    show: ClassVar[str] = "text"

    def owns(self, definition: Json) -> bool:
        if self.spec:
            return definition.get("spec") == self.spec
        return definition.get("type") == self.type and definition.get("format") == self.format

    def definition(self) -> Json:
        """The least definition of this type."""
        named = {"type": self.type, "format": self.format, "spec": self.spec}
        return {key: word for key, word in named.items() if word}

    def json_schema(self, definition: Json) -> Json:
        """What a value must satisfy, in JSON Schema."""
        schema = {word: definition[word] for word in ("type", *_BOUNDS) if word in definition}
        form = definition.get("format")
        # `labeled-url` is of an object, and says nothing of a text.
        return schema | ({"format": form} if form and definition["type"] == "string" else {})

    def parse(self, text: str) -> Any:
        """A value from what a person typed; ValueError says what would be right."""
        return text


class Text(PropertyType):
    key, label, type = "text", "Text", "string"

    def owns(self, definition: Json) -> bool:
        return definition.get("type") == "string"


class Enum(PropertyType):
    key, label, type, show = "enum", "Enum", "string", "enum"

    def owns(self, definition: Json) -> bool:
        return "enum" in definition and definition.get("type") in ("string", "number")

    def definition(self) -> Json:
        return {"type": "string", "enum": []}


class Number(PropertyType):
    key, label, type, show = "number", "Number", "number", "number"

    def parse(self, text: str) -> Any:
        try:
            return int(text)
        except ValueError:
            return float(text)


class Boolean(PropertyType):
    key, label, type, show = "boolean", "Toggle", "boolean", "boolean"

    def parse(self, text: str) -> Any:
        if text.lower() not in {"true", "false"}:
            raise ValueError("must be true or false")
        return text.lower() == "true"


class Object(PropertyType):
    key, label, type, show = "object", "Object", "object", "json"

    def owns(self, definition: Json) -> bool:
        return definition.get("type") == "object"


class Array(PropertyType):
    key, label, type, show = "array", "List", "array", "list"

    def owns(self, definition: Json) -> bool:
        return definition.get("type") == "array"

    def json_schema(self, definition: Json) -> Json:
        schema = super().json_schema(definition)
        if definition.get("items"):
            schema["items"] = json_schema(definition["items"])
        return schema


class Url(PropertyType):
    key, label, type, format, show = "url", "URL", "string", "url", "url"


class DateTime(PropertyType):
    key, label, type, format, show = "date-time", "Date", "string", "date-time", "date_time"


class Email(PropertyType):
    key, label, type, format, show = "email", "Email", "string", "email", "email"


class Markdown(PropertyType):
    key, label, type, format, show = "markdown", "Markdown", "string", "markdown", "long_text"


class Yaml(PropertyType):
    key, label, type, format, show = "yaml", "YAML", "string", "yaml", "long_text"


class Proto(PropertyType):
    key, label, type, format, show = "proto", "Proto", "string", "proto", "long_text"


class Person(PropertyType):
    key, label, type, format, show = "user", "User", "string", "user", "person"


class Team(PropertyType):
    key, label, type, format = "team", "Team", "string", "team"


class Timer(PropertyType):
    """An instant, usually ahead; once it is past the timer has expired."""

    key, label, type, format, show = "timer", "Timer", "string", "timer", "timer"


class LabeledUrl(PropertyType):
    key, label, type, format, show = "labeled-url", "Labelled URL", "object", "labeled-url", "json"

    def json_schema(self, definition: Json) -> Json:
        text = {"type": "string"}
        parts = {"url": text | {"format": "url"}, "displayText": text, "label": text}
        return super().json_schema(definition) | {"properties": parts, "required": ["url"]}


class OpenApi(PropertyType):
    key, label, type, spec, show = "open-api", "OpenAPI", "object", "open-api", "json"


class AsyncApi(PropertyType):
    key, label, type, spec, show = "async-api", "AsyncAPI", "object", "async-api", "json"


class EmbeddedUrl(PropertyType):
    key, label, type, format, spec, show = "embedded-url", "Embedded URL", "string", "url", "embedded-url", "url"


class Ipv4(PropertyType):
    key, label, type, format = "ipv4", "IPv4 address", "string", "ipv4"


class Ipv6(PropertyType):
    key, label, type, format = "ipv6", "IPv6 address", "string", "ipv6"


class BlueprintName(PropertyType):
    key, label, type, format = "blueprints", "Blueprint", "string", "blueprints"


# The first that owns a definition wins, so the particular stand before the general.
TYPES: tuple[PropertyType, ...] = (
    Enum(),
    EmbeddedUrl(),
    OpenApi(),
    AsyncApi(),
    Url(),
    LabeledUrl(),
    DateTime(),
    Timer(),
    Email(),
    Person(),
    Team(),
    Markdown(),
    Yaml(),
    Proto(),
    Ipv4(),
    Ipv6(),
    BlueprintName(),
    Number(),
    Boolean(),
    Object(),
    Array(),
    Text(),
)
BY_KEY = {each.key: each for each in TYPES}


def type_of(definition: Json) -> PropertyType:
    return next((each for each in TYPES if each.owns(definition)), BY_KEY["text"])


def json_schema(definition: Any) -> Any:
    if not isinstance(definition, dict):
        return definition  # of a list in a list, as it was sent: compiling the schema says what is wrong with it
    if "type" not in definition:
        return {}
    return type_of(definition).json_schema(definition)


# A link with one of these would run in the page that shows it.
SCRIPTS = {"javascript", "data", "vbscript"}
# A date, or a date and a time as RFC 3339 writes it; fromisoformat alone takes weeks and more.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)


def _is_url(value: str) -> bool:
    if any(character <= " " for character in value):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and parts.scheme not in SCRIPTS


def _is_instant(value: str) -> bool:
    if not _INSTANT.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


FORMATS = {"url": _is_url, "date-time": _is_instant, "timer": _is_instant}
