from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CatalogConfig(AppConfig):
    name = "catalog"

    def ready(self) -> None:
        from django.db.models import Exists

        from catalog import builtin, changelog, compute, kinds, people, permissions, search
        from portal.accounts.queries import restricted_when

        builtin.register()
        people.register()
        changelog.register()
        restricted_when(Exists(permissions.restricted()))
        search.bound_by(permissions.bounds)
        # Any app's migration may add a kind, so each one's end installs what is missing.
        post_migrate.connect(kinds.install, sender=self, dispatch_uid="catalog.kinds")
        post_migrate.connect(people.install, sender=self, dispatch_uid="catalog.people")
        post_migrate.connect(compute.install, sender=self, dispatch_uid="catalog.compute")
