"""Rows of a form, each with a name that no other has."""

from typing import Any

from django.forms import BaseFormSet


class Rows(BaseFormSet):
    def clean(self) -> None:
        if any(self.errors) or not self.management_form.is_valid():
            return
        seen: set[str] = set()
        for form in self.kept():
            name = form.cleaned_data.get("name")
            if name in seen:
                form.add_error("name", "Another row has this identifier.")
            seen.add(name)

    def kept(self) -> list[Any]:
        """In the order people gave them, without the removed and the empty."""
        forms = (
            self.ordered_forms if self.can_order else [each for each in self.forms if each not in self.deleted_forms]
        )
        return [form for form in forms if form.cleaned_data.get("name")]

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if self.can_order:
            form.fields["ORDER"].widget.attrs["aria-label"] = "Order"
        form.fields["DELETE"].label = "Remove"
        if index is not None and index < self.initial_form_count():
            form.fields["name"].widget.attrs["readonly"] = True
