from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from catalog.models import Entity


def _shas(**more: object) -> "ArrayField[list[str], list[str]]":
    return ArrayField(models.CharField(max_length=64), **more)  # type: ignore[arg-type]


class Commit(models.Model):
    """A commit of a service's code, as reports tell of it. Whatever their order, they come to the same row.

    `parents` are git's own; None where nobody has told. Then `chained` stand for them: the next older change of a
    report. `reaches` are further commits that it is known to contain. All name commits by sha, which may have no row.
    `reverts` holds shas and pull requests (#12).
    """

    service = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="commits", db_index=False)
    sha = models.CharField(max_length=64, db_collation="C")
    message = models.TextField(blank=True, default="")
    author = models.CharField(max_length=254, blank=True, default="")
    committed_at = models.DateTimeField(null=True)
    patch_id = models.CharField(max_length=64, blank=True, default="")
    pull_request = models.CharField(max_length=20, blank=True, default="")
    url = models.TextField(blank=True, default="")
    parents = _shas(null=True)
    chained = _shas(default=list)
    reaches = _shas(default=list)
    reverts = _shas(default=list)
    picked_from = models.CharField(max_length=64, blank=True, default="")
    known_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "sha"], name="commit_once")]
        indexes = [
            models.Index(fields=["sha"], name="commit_sha"),
            models.Index(fields=["pull_request"], name="commit_pull_request", condition=~Q(pull_request="")),
            models.Index(fields=["service", "patch_id"], name="commit_patch", condition=~Q(patch_id="")),
            models.Index(fields=["service"], name="commit_odd", condition=~Q(reverts=[]) | ~Q(picked_from="")),
            models.Index(Lower("author"), F("id").desc(), name="commit_author"),
        ]

    def __str__(self) -> str:
        return self.sha[:10]

    @property
    def title(self) -> str:
        return self.message.strip().partition("\n")[0]

    @property
    def is_merge(self) -> bool:
        return len(self.parents or ()) > 1

    @property
    def is_squash(self) -> bool:
        """Its title names the pull request that it is the whole of."""
        return bool(self.pull_request) and not self.is_merge and self.title.endswith(f"#{self.pull_request})")

    @property
    def sort(self) -> str:
        """In a word, for who shows it; "" for a plain one."""
        if self.reverts:
            return "revert"
        if self.picked_from:
            return "cherry-pick"
        return "merge" if self.is_merge else "squash" if self.is_squash else ""


class CommitTicket(models.Model):
    """That a commit belongs to a ticket such as ABC-123: its message says so, or the branch that it came from."""

    commit = models.ForeignKey(Commit, on_delete=models.CASCADE, related_name="tickets")
    key = models.CharField(max_length=40, db_collation="C")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "commit"], name="commit_ticket_once")]

    def __str__(self) -> str:
        return self.key
