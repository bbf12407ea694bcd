from catalog.forms.blueprint import FormEditor, JsonEditor

__all__ = ["FormEditor", "JsonEditor"]
