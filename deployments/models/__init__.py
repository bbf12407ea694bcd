from deployments.models.commits import Commit, CommitTicket
from deployments.models.deployments import LEVEL, Deployment, DeploymentConfig, Gate, Status, begun
from deployments.models.reports import InboxItem, ReportRequest

__all__ = [
    "LEVEL",
    "Commit",
    "CommitTicket",
    "Deployment",
    "DeploymentConfig",
    "Gate",
    "InboxItem",
    "ReportRequest",
    "Status",
    "begun",
]
