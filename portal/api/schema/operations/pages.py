from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import Json, Shape, choice, flag, instant, listed, opened, shown, text
from portal.sidebars import shapes

_SAID: Json = {
    "identifier": "services",
    "type": "blueprint-entities",
    "title": "Services",
    "blueprint": "service",
    "widgets": [{"id": "table", "type": "table-entities-explorer"}],
}
_META = {"createdAt": instant(), "createdBy": text("Terraform"), "updatedAt": instant(), "updatedBy": text("Terraform")}
_WHEN = {name: shape.example for name, shape in _META.items()}


def _shown(schema: Json, said: Json, name: str) -> Shape:
    """The same that was sent, with who and when."""
    fields = {**schema["properties"], "sidebar": {"const": "catalog"}}
    fields |= {each: shape.json() for each, shape in _META.items()}
    required = [*schema["required"], "sidebar", *_META]
    whole = {"type": "object", "properties": fields, "required": required}
    return opened(Shape(whole, said | {"sidebar": "catalog"} | _WHEN, name))


SENT = opened(Shape(shapes.PAGE, _SAID, "PageWish"))
GIVEN = opened(Shape({**shapes.PAGE, "required": []}, {"locked": True}))
PAGE = _shown(shapes.PAGE, _SAID, "Page")
FOLDER = _shown(
    {**shapes.FOLDER, "required": ["identifier", "title"]}, {"identifier": "docs", "title": "Docs"}, "Folder"
)
ITEM = opened(
    shown(
        {
            "identifier": text("services"),
            "title": text("Services"),
            "sidebar": text("catalog"),
            "sidebarType": choice(["folder", "page"], example="page"),
            "parent": text("docs"),
            "after": text("teams"),
            **_META,
        },
        optional="parent after",
    )
)
_LISTS = shown(
    {"users": listed(text("dana@example.org")), "roles": listed(text("Admin")), "teams": listed(text("data"))}
)
PERMISSIONS = shown(
    {"read": _LISTS, "update": _LISTS}, name="PagePermissions", about="Who may see a page, and change it."
)

IDENTIFIER = in_path("identifier", text("services", "The page's identifier.", minLength=1))
WIDGET = in_path("widget", text("table", "The widget's id, wherever in the page it stands.", minLength=1))
SIDEBAR = in_path("name", text("catalog", "The sidebar; there is one.", minLength=1))
NAMED = in_path("identifier", text("docs", "The folder's identifier.", minLength=1))
NO_PAGE = missing("page", 'Page with identifier "servises" was not found')
NO_FOLDER = missing("folder or sidebar", 'Folder with identifier "dox" was not found')
TAKEN = fault(
    "identifier_taken",
    about="Another page or folder has the identifier.",
    message='A page or folder with identifier "services" already exists',
)
KEPT = fault(
    "protected",
    about="The home page stays.",
    message="The home page comes with the portal and stays; it can be changed.",
)
HOLDS = fault(
    "has_dependents",
    about="Something is in it.",
    message="The folder “Docs” holds 2 pages and folders; move or delete them first.",
    details={"items": ["services", "teams"]},
)
READ, WRITE = "page.read", "page.read page.write"
_PLACE = "`parent` is a folder, `after` the page or folder that it stands behind, in the same folder."

GROUP = Group(
    "Pages",
    "Pages, the folders they stand in, and the sidebar that lists both. Widgets are kept as they are sent.",
    [
        Operation(
            "pages",
            "GET",
            "/pages",
            "List pages",
            needs=READ,
            parameters=[query("compact", flag(True, "Without widgets and filters."))],
            answers={200: ok("All that the viewer may see.", pages=listed(PAGE))},
        ),
        Operation(
            "page_create",
            "POST",
            "/pages",
            "Make a page",
            about=_PLACE,
            needs="page.write",
            body=SENT,
            answers={201: ok("It is made.", page=PAGE), 404: missing("blueprint, folder or page"), 409: TAKEN},
        ),
        Operation(
            "page",
            "GET",
            "/pages/{identifier}",
            "One page",
            needs=READ,
            parameters=[IDENTIFIER],
            answers={200: ok("As it was sent.", page=PAGE), 404: NO_PAGE},
        ),
        Operation(
            "page_replace",
            "PUT",
            "/pages/{identifier}",
            "Set the whole page",
            about=_PLACE,
            needs=WRITE,
            parameters=[IDENTIFIER],
            body=SENT,
            answers={200: ok("As it is now.", page=PAGE), 404: NO_PAGE, 409: TAKEN},
        ),
        Operation(
            "page_update",
            "PATCH",
            "/pages/{identifier}",
            "Change what is given of a page",
            about=f"Null takes a key away. {_PLACE}",
            needs=WRITE,
            parameters=[IDENTIFIER],
            body=GIVEN,
            answers={200: ok("As it is now.", page=PAGE), 404: NO_PAGE, 409: TAKEN},
        ),
        Operation(
            "page_delete",
            "DELETE",
            "/pages/{identifier}",
            "Delete a page",
            needs=WRITE,
            parameters=[IDENTIFIER],
            answers={200: ok("It is gone."), 404: NO_PAGE, 409: KEPT},
        ),
        Operation(
            "widget_update",
            "PATCH",
            "/pages/{identifier}/widgets/{widget}",
            "Change what is given of a widget",
            needs=WRITE,
            parameters=[IDENTIFIER, WIDGET],
            body=opened(Shape(shapes.WIDGET, {"type": "markdown"})),
            answers={200: ok("It is changed.", identifier=text("table")), 404: NO_PAGE},
        ),
        Operation(
            "widget_delete",
            "DELETE",
            "/pages/{identifier}/widgets/{widget}",
            "Delete a widget",
            needs=WRITE,
            parameters=[IDENTIFIER, WIDGET],
            answers={200: ok("It is gone."), 404: NO_PAGE},
        ),
        Operation(
            "page_permissions",
            "GET",
            "/pages/{identifier}/permissions",
            "Who may see and change a page",
            needs=READ,
            parameters=[IDENTIFIER],
            answers={200: ok("All lists.", permissions=PERMISSIONS), 404: NO_PAGE},
        ),
        Operation(
            "page_permit",
            "PATCH",
            "/pages/{identifier}/permissions",
            "Set who may see and change a page",
            about="Only the lists that are given are replaced.",
            needs=WRITE,
            parameters=[IDENTIFIER],
            body=Shape(shapes.PERMISSIONS, {"read": {"roles": ["Admin"]}}),
            answers={200: ok("All lists.", permissions=PERMISSIONS), 404: NO_PAGE},
        ),
        Operation(
            "sidebar",
            "GET",
            "/sidebars/{name}",
            "What stands in the sidebar",
            needs=READ,
            parameters=[SIDEBAR],
            answers={
                200: ok(
                    "In order, a folder before what is in it.",
                    sidebar=shown({"identifier": text("catalog"), "items": listed(ITEM)}),
                ),
                404: missing("sidebar"),
            },
        ),
        Operation(
            "folder_create",
            "POST",
            "/sidebars/{name}/folders",
            "Make a folder",
            about=f"Folders go three deep. {_PLACE}",
            needs="page.write",
            parameters=[SIDEBAR],
            body=Shape(shapes.FOLDER, {"identifier": "docs", "title": "Docs"}),
            answers={201: ok("It is made.", folder=FOLDER), 404: NO_FOLDER, 409: TAKEN},
        ),
        Operation(
            "folder_update",
            "PATCH",
            "/sidebars/{name}/folders/{identifier}",
            "Change what is given of a folder",
            needs=WRITE,
            parameters=[SIDEBAR, NAMED],
            body=Shape({**shapes.FOLDER, "required": []}, {"title": "Documents"}),
            answers={200: ok("As it is now.", folder=FOLDER), 404: NO_FOLDER, 409: TAKEN},
        ),
        Operation(
            "folder_delete",
            "DELETE",
            "/sidebars/{name}/folders/{identifier}",
            "Delete a folder",
            needs=WRITE,
            parameters=[SIDEBAR, NAMED],
            answers={200: ok("It is gone."), 404: NO_FOLDER, 409: HOLDS},
        ),
    ],
)
