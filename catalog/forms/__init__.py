from catalog.forms.blueprint import FormEditor, JsonEditor
from catalog.forms.bulk import BulkForm
from catalog.forms.cell import CellForm
from catalog.forms.entity import EntityForm, EntityJson

__all__ = ["BulkForm", "CellForm", "EntityForm", "EntityJson", "FormEditor", "JsonEditor"]
