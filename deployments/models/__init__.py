from deployments.models.commits import Commit, CommitTicket
from deployments.models.deployments import LEVEL, OVER, Deployment, DeploymentConfig, Gate, Status, begun, happened
from deployments.models.hooks import Hook
from deployments.models.reports import InboxItem, ReportRequest
from deployments.models.rollups import DeploymentDay, Ran
from deployments.models.sources import LogSource
from deployments.models.watches import Watch

__all__ = [
    "LEVEL",
    "OVER",
    "Commit",
    "CommitTicket",
    "Deployment",
    "DeploymentConfig",
    "DeploymentDay",
    "Gate",
    "Hook",
    "InboxItem",
    "LogSource",
    "Ran",
    "ReportRequest",
    "Status",
    "Watch",
    "begun",
    "happened",
]
