from locks.forms.locks import ExtensionForm, LockForm, ReleaseForm, draft, usual_duration

__all__ = ["ExtensionForm", "LockForm", "ReleaseForm", "draft", "usual_duration"]
