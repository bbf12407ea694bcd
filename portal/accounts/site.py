"""Django's admin, for administrators, behind the portal's own sign-in."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from portal.accounts.viewer import by_of
from portal.kit.errors import Refused


class PortalAdmin(AdminSite):
    site_header = site_title = "Portcullis settings"
    index_title = "Settings"
    empty_value_display = "–"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        # It would delete rows behind the commands' back.
        self.disable_action("delete_selected")

    def has_permission(self, request: HttpRequest) -> bool:
        """Also tells the views of the admin who is there, for the commands they call."""
        allowed = super().has_permission(request)
        if allowed:
            request.by = by_of(request, "admin")  # type: ignore[attr-defined]
        return allowed

    # The portal's own sign-in counts wrong passwords; there is no second door beside it.
    @method_decorator(never_cache)
    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.user.is_authenticated:
            raise Refused(f"{request.user} may not change the settings: administrators may.")
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[request.user.pk]))
