from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class AdminConfig(DjangoAdminConfig):
    default_site = "portal.accounts.site.PortalAdmin"

    def ready(self) -> None:
        from django.contrib import admin
        from django.contrib.auth.models import Group

        super().ready()
        # Teams and roles say who may do what; a group would say nothing.
        admin.site.unregister(Group)
