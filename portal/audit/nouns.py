from dataclasses import dataclass


@dataclass(frozen=True)
class Noun:
    """What an event is about: its kind and id, its name for people, and where it belongs.

    `blueprint` and `entity` are catalog identifiers, so that an entity's changelog finds the event;
    `service` and `environment` say which place of the matrix it touches.
    """

    kind: str
    id: str
    title: str
    blueprint: str = ""
    entity: str = ""
    service: str = ""
    environment: str = ""
    # Whether its blueprint sends its changelog somewhere. Not kept: it decides who is told.
    is_watched: bool = False
