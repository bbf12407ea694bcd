from deployments.health.commands.readings import readings_take

__all__ = ["readings_take"]
