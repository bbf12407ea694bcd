from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower, Now

from portal.audit.nouns import Noun
from portal.kit.ids import uuid7

SCOPES = {
    "report": "Report deployments",
    "gate": "Ask the gate",
    "lock": "Take and release locks",
    "environment": "Ask for environments, extend them and tear them down",
    "catalog:read": "Read the catalog",
    "catalog:write": "Write entities",
    "admin": "Everything",
}


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email__iexact=email)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, role=User.Role.ADMIN, **fields)


class User(AbstractBaseUser):
    class Role(models.TextChoices):
        ADMIN = "admin"
        MEMBER = "member"

    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    moderates = ArrayField(
        models.CharField(max_length=100),
        default=list,
        blank=True,
        help_text="Blueprints this person may do anything with.",
    )
    timezone = models.CharField(max_length=60, default="UTC")
    is_active = models.BooleanField(default=True)
    is_service = models.BooleanField("service account", default=False, help_text="A program's account: no sign-in.")
    # The link that lets somebody in to set a password is known to its holder alone.
    invitation_hash = models.CharField(max_length=64, blank=True, editable=False)
    invited_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.name or self.email

    def noun(self) -> Noun:
        return Noun("user", str(self.pk), str(self), blueprint="_user", entity=self.email)

    def facts(self) -> dict[str, Any]:
        return {
            "email": self.email,
            "name": self.name,
            "role": self.role,
            "moderates": self.moderates,
            "timezone": self.timezone,
            "is_active": self.is_active,
        }

    @property
    def status(self) -> str:
        """Active, Disabled, Invited, or Staged: here, but nobody has asked them in yet."""
        if not self.is_active:
            return "Disabled"
        if self.is_service or self.last_login or self.has_usable_password():
            return "Active"
        return "Invited" if self.invited_at else "Staged"

    @property
    def kind_title(self) -> str:
        return "Service Account" if self.is_service else "Standard"

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self).split()[0]

    # What Django's admin asks. There are no permissions of single models: admins only.
    @property
    def is_staff(self) -> bool:
        return self.is_active and self.role == self.Role.ADMIN

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff


class Team(models.Model):
    identifier = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=100)
    description = models.CharField(max_length=1000, blank=True)
    members = models.ManyToManyField(User, related_name="teams", blank=True)

    class Meta:
        ordering = ["identifier"]

    def __str__(self) -> str:
        return self.title

    def noun(self) -> Noun:
        return Noun("team", self.identifier, self.title, blueprint="_team", entity=self.identifier)

    def facts(self) -> dict[str, Any]:
        return {"identifier": self.identifier, "title": self.title, "description": self.description}


class Organization(models.Model):
    """The one there is. `settings` and `announcement` are kept as clients send them."""

    name = models.CharField(max_length=100, default="Portcullis")
    settings = models.JSONField(default=dict)
    announcement = models.JSONField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_organization")]

    def __str__(self) -> str:
        return self.name

    def noun(self) -> Noun:
        return Noun("organization", "1", self.name)

    def facts(self) -> dict[str, Any]:
        return {"name": self.name, "settings": self.settings, "announcement": self.announcement}


class Secret(models.Model):
    """Something that outgoing calls need, such as a token. Encrypted, and shown to nobody again."""

    name = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=200, blank=True)
    sealed = models.TextField(editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=254, default="", db_default="", editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_by = models.CharField(max_length=254, default="", db_default="", editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def noun(self) -> Noun:
        return Noun("secret", self.name, self.name)

    def facts(self) -> dict[str, Any]:
        return {"name": self.name, "description": self.description}


def known_scopes(scopes: list[str]) -> None:
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise ValidationError(f"Unknown scope {unknown[0]!r}; the scopes are {', '.join(SCOPES)}.")


class Credential(models.Model):
    """A program's key: a client id with a secret, or a single token for CI. Only the hash of the secret is kept."""

    class Kind(models.TextChoices):
        CLIENT = "client", "client id and secret"
        CI = "ci", "single token for CI"

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.CI)
    name = models.CharField(max_length=100, unique=True)
    user = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="credentials",
        verbose_name="acts for",
        help_text="Somebody's own: it may do what this person may, within its scopes.",
    )
    client_id = models.CharField(max_length=40, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=20), default=list, validators=[known_scopes])
    creates_services = models.BooleanField(
        "makes unknown services",
        default=False,
        db_default=False,
        help_text="A service that it reports and the catalog does not know is made; otherwise its reports wait in the inbox.",
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    token_issued_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def noun(self) -> Noun:
        return Noun("credential", str(self.public_id), self.name)

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "kind": self.kind,
            "name": self.name,
            "client_id": self.client_id,
            "scopes": sorted(self.scopes),
        }
        facts |= {"creates_services": True} if self.creates_services else {}
        return facts | ({"user": self.user.email} if self.user else {})


class Feed(models.Model):
    """The address at which a person's calendar reads the freezes, or the deployments: whoever knows it reads them as
    that person.

    The hash finds it, and the sealed secret lets its person read the address again.
    """

    class Kind(models.TextChoices):
        FREEZES = "freezes"
        DEPLOYMENTS = "deployments"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="feeds")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.FREEZES, db_default=Kind.FREEZES)
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    sealed = models.TextField(editable=False)
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    read_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="feed_once")]

    def __str__(self) -> str:
        return f"the calendar feed of {self.user}" + ("" if self.kind == self.Kind.FREEZES else f", {self.kind}")

    def noun(self) -> Noun:
        which = "" if self.kind == self.Kind.FREEZES else f"/{self.kind}"
        return Noun("feed", f"{self.user_id}{which}", str(self))
