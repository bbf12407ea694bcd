from django.apps import AppConfig


class GithubConfig(AppConfig):
    name = "portal.github"
    label = "github"

    def ready(self) -> None:
        from portal.github import checks, subscribers  # noqa: F401

        subscribers.register()
