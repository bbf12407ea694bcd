from deployments.environments.forms.lives import ExtensionForm, PinForm, TeardownForm
from deployments.environments.forms.requests import RequestForm
from deployments.environments.forms.templates import TemplateForm

__all__ = ["ExtensionForm", "PinForm", "RequestForm", "TeardownForm", "TemplateForm"]
