from django.apps import AppConfig


class LocksConfig(AppConfig):
    name = "locks"

    def ready(self) -> None:
        from catalog import hooks, kinds
        from locks import bound, live, signs
        from locks.commands import SUBSCRIBER
        from locks.followers import OPENERS, advance, answer_github, github_waits, hear, somebody_waits
        from locks.hooks import no_active_lock, place_changed
        from portal.audit import subscribers

        for each in (live.LOCKED, *live.NOT_HERE):
            kinds.register_live(each)
        kinds.register_live_source(bound.live_of)
        kinds.register_panel(kinds.Panel("service", "locks", "Locks", "locks:panel", order=1))
        kinds.register_panel(kinds.Panel("environment", "locks", "Locks", "locks:environment_panel", order=1))
        kinds.register_panel(kinds.Panel("deploymentConfig", "locks", "Locks", "locks:config_panel", order=1))
        subscribers.subscribe("locks.line", *OPENERS, handle=advance, wants=lambda event: somebody_waits())
        subscribers.subscribe("locks.github", *OPENERS, handle=answer_github, wants=lambda event: github_waits())
        subscribers.subscribe(SUBSCRIBER, *signs.HEARD, handle=hear, stream=signs.stream)
        hooks.before_deletion(no_active_lock)
        hooks.after_change(place_changed, "service", "environment")
