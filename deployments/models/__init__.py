from deployments.models.deployments import LEVEL, Deployment, DeploymentConfig, Gate, Status, begun
from deployments.models.reports import InboxItem, ReportRequest

__all__ = ["LEVEL", "Deployment", "DeploymentConfig", "Gate", "InboxItem", "ReportRequest", "Status", "begun"]
