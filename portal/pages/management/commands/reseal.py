from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from catalog.webhooks.models import Webhook
from deployments.models import Hook
from portal.accounts.models import Feed, Secret
from portal.kit.errors import Conflict
from portal.kit.seal import seal, unseal

SEALED: list[tuple[Any, str]] = [(Secret, "sealed"), (Feed, "sealed"), (Webhook, "secret"), (Hook, "secret")]


class Command(BaseCommand):
    help = "Encrypts every secret anew under PORTCULLIS_SECRET_KEY, so that a former key may leave PORTCULLIS_SECRET_KEY_FALLBACKS."

    def handle(self, *args: Any, **options: Any) -> None:
        lost = [f"{model._meta.verbose_name} {row}" for model, field in SEALED for row in _resealed(model, field)]
        if lost:
            raise CommandError(f"No key reads these; set them again: {', '.join(lost)}.")
        self.stdout.write("Every secret is encrypted under the present key. Former keys are needed no more.")


def _resealed(model: Any, field: str) -> list[Any]:
    """Those that no present key reads."""
    return [row for row in model.objects.exclude(**{field: ""}).order_by("pk") if not _reseal(model, field, row.pk)]


@transaction.atomic
def _reseal(model: Any, field: str, pk: int) -> bool:
    row = model.objects.select_for_update().filter(pk=pk).first()
    if row is None:
        return True
    try:
        fresh = seal(unseal(getattr(row, field)))
    except Conflict:
        return False
    model.objects.filter(pk=pk).update(**{field: fresh})
    return True
