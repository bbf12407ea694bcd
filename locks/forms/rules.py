from datetime import timedelta
from typing import Any

from django import forms

from catalog.builtin import TIERS
from locks import queries, rules
from locks.commands import lock_rule_create, lock_rule_update
from locks.forms.scopes import EFFECTS
from locks.models import Effect, LockRule, ScopeKind
from locks.models.freeze import compact
from locks.rules import RuleWish
from portal.kit.by import By
from portal.kit.errors import PortalError
from portal.kit.forms import refuse

Json = dict[str, Any]

ONS = [
    (LockRule.On.VERDICT, "A deployment's watch fails"),
    (LockRule.On.FAILING, "A probe fails or is down"),
    (LockRule.On.DOWN, "A probe is down"),
]
SCOPES = [
    (ScopeKind.PAIR, "That service there"),
    (ScopeKind.SERVICE, "That service everywhere"),
    (ScopeKind.ENVIRONMENT, "All of that environment"),
]
DRY, REAL, OFF = "dry", "real", "off"
MODES = [(DRY, "Dry run"), (REAL, "Locks"), (OFF, "Off")]
EVERYWHERE = "One a line. Empty is all."


def _lines(label: str, names: str) -> forms.CharField:
    area = forms.Textarea(attrs={"rows": 2, "placeholder": names, "spellcheck": "false"})
    return forms.CharField(label=label, required=False, max_length=20_000, widget=area, help_text=EVERYWHERE)


class RuleForm(forms.Form):
    """Makes a rule that locks by itself, or changes one."""

    name = forms.CharField(
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Canary of production"}),
        error_messages={"required": "Give it a name: its locks are held in it."},
    )
    on = forms.MultipleChoiceField(
        label="When",
        choices=ONS,
        widget=forms.CheckboxSelectMultiple,
        help_text="A watch fails where a deployment did harm; a probe fails before it is down. More than one may be chosen.",
        error_messages={"required": "Say what it acts upon."},
    )
    tiers = forms.MultipleChoiceField(
        label="In tiers",
        required=False,
        choices=[(each, each) for each in TIERS],
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen is all.",
    )
    environments = _lines("Environments", "production")
    services = _lines("Services", "checkout")
    teams = _lines("Teams", "payments")
    scope = forms.ChoiceField(label="Lock", choices=SCOPES, initial=ScopeKind.PAIR, widget=forms.RadioSelect)
    effect = forms.ChoiceField(label="Stops", choices=EFFECTS, initial=Effect.BLOCK)
    lets_rollbacks = forms.BooleanField(
        label="Let rollbacks through",
        required=False,
        initial=True,
        help_text="What breaks a place is mended the quickest by what ran there before.",
    )
    reason = forms.CharField(
        max_length=500,
        initial=rules.REASON,
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
        help_text="Words in braces are filled in: " + ", ".join(f"{{{each}}}" for each in rules.WORDS) + ".",
        error_messages={"required": "Say why: it is what everybody who is stopped will read."},
    )
    healthy_for = forms.CharField(
        label="Once healthy for", max_length=20, initial="10m", help_text="Such as 5m, 10m or 1h."
    )
    at_most = forms.CharField(
        label="In any case after", max_length=20, initial="2h", help_text="Counted from when it last turned bad."
    )
    mode = forms.ChoiceField(
        label="What it does",
        choices=MODES,
        initial=DRY,
        widget=forms.RadioSelect,
        help_text="A dry run locks nothing: it shows what it would have locked.",
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, by: By, rule: LockRule | None = None, **kwargs: Any) -> None:
        initial = _initial(rule) if rule else {}
        kwargs["initial"] = initial | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        self.by, self.rule = by, rule
        self.names = queries.scope_names(by)

    def clean_reason(self) -> str:
        """A line, however it was typed."""
        return " ".join(self.cleaned_data["reason"].split())

    def save(self) -> LockRule | None:
        """The rule, or None with the errors on this form."""
        try:
            if self.rule:
                return lock_rule_update(self.rule, self.wish(), seen=self.cleaned_data["seen"], by=self.by)
            return lock_rule_create(self.wish(), by=self.by)
        except PortalError as error:
            refuse(self, error)
            return None

    def wish(self) -> RuleWish:
        """Of what is filled in so far. Raises Invalid."""
        data = self.cleaned_data
        mode = data.get("mode") or DRY
        body: Json = {name: data.get(name) or "" for name in ("name", "reason", "healthy_for", "at_most")}
        body |= {name: data.get(name) or [] for name in ("on", "tiers")}
        body |= {name: (data.get(name) or "").splitlines() for name in ("environments", "services", "teams")}
        body |= {"scope": data.get("scope") or ScopeKind.PAIR, "effect": data.get("effect") or Effect.BLOCK}
        body |= {"lets_rollbacks": bool(data.get("lets_rollbacks"))}
        body |= {"enabled": mode != OFF}
        if mode != OFF:
            body["dry_run"] = mode == DRY
        return rules.parse(body, base=self.rule)

    def draft(self) -> LockRule:
        """Not saved: for a preview. Raises Invalid with what is wrong about it, but for a name that is still missing."""
        self.is_valid()
        self.cleaned_data["name"] = self.cleaned_data.get("name") or "draft"
        self.cleaned_data["reason"] = self.cleaned_data.get("reason") or rules.REASON
        return LockRule(**self.wish().columns)


def _initial(rule: LockRule) -> Json:
    said = {
        name: getattr(rule, name) for name in ("name", "on", "tiers", "scope", "effect", "lets_rollbacks", "reason")
    }
    said |= {name: "\n".join(getattr(rule, name)) for name in ("environments", "services", "teams")}
    return said | {
        "healthy_for": _written(rule.healthy_for),
        "at_most": _written(rule.at_most),
        "mode": OFF if not rule.enabled else DRY if rule.dry_run else REAL,
        "seen": str(rule.version),
    }


def _written(length: timedelta) -> str:
    return compact(length) or "1m"
