from django.apps import AppConfig


class GithubConfig(AppConfig):
    name = "portal.github"
    label = "github"

    def ready(self) -> None:
        from portal.github import subscribers

        subscribers.register()
