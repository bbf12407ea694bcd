from deployments.health.commands.maintenance import maintenance_begin, maintenance_end, maintenance_settle
from deployments.health.commands.outside import heartbeat_take, readings_report
from deployments.health.commands.polling import (
    heartbeat_listen,
    heartbeats_excuse,
    prober_tell,
    probes_claim,
    queue_mend,
    silence_of,
)
from deployments.health.commands.probes import (
    probe_create,
    probe_delete,
    probe_rekey,
    probe_update,
    probes_hurry,
    probes_remove,
    probes_rename,
)
from deployments.health.commands.readings import readings_take
from deployments.health.commands.rollup import readings_forget, readings_roll_up

__all__ = [
    "heartbeat_listen",
    "heartbeat_take",
    "maintenance_begin",
    "maintenance_end",
    "maintenance_settle",
    "probe_create",
    "probe_delete",
    "probe_rekey",
    "probe_update",
    "prober_tell",
    "probes_claim",
    "probes_hurry",
    "probes_remove",
    "probes_rename",
    "queue_mend",
    "readings_forget",
    "readings_report",
    "readings_roll_up",
    "readings_take",
    "heartbeats_excuse",
    "silence_of",
]
