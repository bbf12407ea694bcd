from catalog.forms.blueprint import FormEditor, JsonEditor
from catalog.forms.entity import EntityForm, EntityJson

__all__ = ["EntityForm", "EntityJson", "FormEditor", "JsonEditor"]
