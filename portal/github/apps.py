from django.apps import AppConfig


class GithubConfig(AppConfig):
    name = "portal.github"
    label = "github"

    def ready(self) -> None:
        from deployments.environments import providers
        from portal.actions import jobs
        from portal.github import checks, environments, subscribers, workflows  # noqa: F401

        subscribers.register()
        providers.register("github", environments.Workflow())
        jobs.register("GITHUB", workflows.Workflows())
