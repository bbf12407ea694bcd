from deployments.environments.models.environment import GOING, TIMED, Environment, State, Step, Warning
from deployments.environments.models.sweep import Sighting, Sweep
from deployments.environments.models.template import PHASES, Template

__all__ = ["GOING", "PHASES", "TIMED", "Environment", "Sighting", "State", "Step", "Sweep", "Template", "Warning"]
