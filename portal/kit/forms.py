"""Turns what a command refused into errors of the form that asked for it."""

from django import forms
from django.utils import timezone

from portal.kit.errors import PortalError


def refuse(form: forms.BaseForm, error: PortalError, fields: dict[str, str] | None = None) -> None:
    """Each fault goes to the field of its path; `fields` maps paths to fields of other names.

    What belongs to no field stands above the form.
    """
    faults = error.details.get("errors") or [{"path": error.details.get("kind", ""), "message": error.message}]
    for fault in faults:
        path = fault["path"]
        name = (fields or {}).get(path, path)
        known = name in form.fields
        form.add_error(name if known else None, sentence(fault["message"]) if known else whole(fault))


def whole(fault: dict[str, str]) -> str:
    return f"{fault['path']}: {fault['message']}" if fault["path"] not in {"", "body"} else sentence(fault["message"])


def sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."


def zone_name() -> str:
    """The viewer's time zone, in words: `UTC`, `Europe/Berlin`."""
    return timezone.get_current_timezone_name().replace("_", " ")
