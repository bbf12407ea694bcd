"""What clients may say of pages and folders. Keys that are not named here are kept as they are."""

from typing import Any

Json = dict[str, Any]

TYPES = ["blueprint-entities", "dashboard", "home", "entity"]
_TEXT: Json = {"type": "string"}
_OBJECTS: Json = {"type": "array", "items": {"type": "object"}}

PAGE: Json = {
    "type": "object",
    "properties": {
        "identifier": _TEXT,
        "type": {"enum": TYPES},
        "title": {"type": "string", "maxLength": 200},
        "icon": {"type": "string", "maxLength": 100},
        "description": _TEXT,
        "blueprint": _TEXT,
        "parent": _TEXT,
        "after": _TEXT,
        "locked": {"type": "boolean"},
        "showInSidebar": {"type": "boolean"},
        "widgets": _OBJECTS,
        "pageFilters": _OBJECTS,
    },
    "required": ["identifier", "type"],
}
FOLDER: Json = {
    "type": "object",
    "properties": {
        "identifier": _TEXT,
        "sidebar": {"enum": ["catalog"]},
        "title": {"type": "string", "minLength": 1, "maxLength": 200},
        "parent": _TEXT,
        "after": _TEXT,
    },
    "required": ["title"],
    "additionalProperties": False,
}
_TEXTS: Json = {"type": ["array", "null"], "items": _TEXT}
_LISTS: Json = {
    "type": "object",
    "properties": {"users": _TEXTS, "roles": _TEXTS, "teams": _TEXTS},
    "additionalProperties": False,
}
PERMISSIONS: Json = {
    "type": "object",
    "properties": {"read": _LISTS, "update": _LISTS},
    "additionalProperties": False,
}
WIDGET: Json = {"type": "object", "properties": {"id": _TEXT, "type": _TEXT}}
