"""Whether it is us who have no network."""

from concurrent.futures import ThreadPoolExecutor

from django.conf import settings

from portal.kit import outgoing
from portal.kit.outgoing import NoAnswer, NotAllowed

WITHIN = 3.0  # seconds


def unreachable() -> str:
    """Why none of the references can be reached; empty where one can, or where there are none. Takes `WITHIN` at most.

    Any answer will do, whatever it says.
    """
    addresses = list(settings.HEALTH_REFERENCES)
    if not addresses:
        return ""
    with ThreadPoolExecutor(len(addresses), thread_name_prefix="references") as together:
        said = list(together.map(_silence, addresses))
    return "" if "" in said else " ".join(said)


def _silence(address: str) -> str:
    try:
        if address.startswith("tcp://"):
            host, _, port = address.removeprefix("tcp://").rpartition(":")
            outgoing.reach(host.strip("[]"), int(port), timeout=WITHIN)
        else:
            outgoing.call("HEAD", address, None, {}, timeout=WITHIN)
    except (NoAnswer, NotAllowed, ValueError) as silence:
        return str(silence)
    return ""
