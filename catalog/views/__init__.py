from catalog.views.details import entity_detail
from catalog.views.lists import entity_list, home, view_removal, views

__all__ = ["entity_detail", "entity_list", "home", "view_removal", "views"]
