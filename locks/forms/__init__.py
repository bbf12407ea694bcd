from locks.forms.freezes import FreezeForm
from locks.forms.locks import ExtensionForm, LockForm, ReleaseForm, usual_duration
from locks.forms.rules import RuleForm
from locks.forms.scopes import draft

__all__ = ["ExtensionForm", "FreezeForm", "LockForm", "ReleaseForm", "RuleForm", "draft", "usual_duration"]
