from deployments.models.commits import Commit, CommitTicket
from deployments.models.deployments import LEVEL, Deployment, DeploymentConfig, Gate, Status, begun
from deployments.models.hooks import Hook
from deployments.models.reports import InboxItem, ReportRequest
from deployments.models.sources import LogSource

__all__ = [
    "LEVEL",
    "Commit",
    "CommitTicket",
    "Deployment",
    "DeploymentConfig",
    "Gate",
    "Hook",
    "InboxItem",
    "LogSource",
    "ReportRequest",
    "Status",
    "begun",
]
