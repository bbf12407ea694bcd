from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from catalog.importers import documents

LONGEST = documents.MOST_BYTES


COMPONENT = """apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: checkout
spec:
  type: service
  lifecycle: production
  owner: payments"""
LINES = """*                    @larder/platform
/services/checkout/  @larder/payments"""


class _Source(forms.Form):
    """A text that is pasted, or a file; one of them."""

    text = forms.CharField(
        required=False, strip=False, widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false"})
    )
    file = forms.FileField(required=False, label="Or a file", help_text="At most 900 kB.")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        file = cleaned.get("file")
        if file:
            if file.size > min(LONGEST, settings.MAX_BODY_BYTES):
                raise ValidationError(f"The file holds {file.size:,} bytes; {LONGEST:,} are read.")
            try:
                cleaned["text"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                raise ValidationError("The file is not a text in UTF-8.") from None
        if not cleaned.get("text", "").strip() and not self.errors:
            raise ValidationError("Paste a text, or choose a file.")
        return cleaned


class CatalogInfoForm(_Source):
    name = "catalog-info.yaml"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = "catalog-info.yaml"
        self.fields["text"].help_text = "One document or many, parted by lines of ---."
        self.fields["text"].widget.attrs["placeholder"] = COMPONENT


class CodeownersForm(_Source):
    name = "CODEOWNERS"
    repository = forms.RegexField(
        r"^https?://[^\s/]+/\S+$",
        label="Repository",
        max_length=500,
        help_text="Its address, as the services have it: https://github.com/larder/checkout",
        error_messages={"invalid": "Give the address of the repository, such as https://github.com/larder/checkout."},
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )
    field_order = ["repository", "text", "file"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = "CODEOWNERS"
        self.fields["text"].help_text = "Of several lines that match, the last one counts."
        self.fields["text"].widget.attrs["placeholder"] = LINES
