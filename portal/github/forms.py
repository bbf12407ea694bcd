from django import forms
from django.conf import settings


class ImportForm(forms.Form):
    organization = forms.CharField(
        label="Organisation",
        max_length=100,
        help_text="Its name, as it stands in the address: larder of https://github.com/larder",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    token = forms.CharField(
        label="Token",
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["token"].required = not settings.GITHUB_TOKEN
        kept = "Empty for the portal’s own (PORTCULLIS_GITHUB_TOKEN). " if settings.GITHUB_TOKEN else ""
        self.fields["token"].help_text = (
            f"{kept}Fine-grained, for the organisation: Contents and Metadata of repositories, Members; all to read. "
            "It is encrypted, and forgotten when the import has ended."
        )
