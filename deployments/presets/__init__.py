"""Links into the tools that hold a place's logs, errors, sessions and traces: how each writes an address.

A preset takes texts and a span of time, and answers an address that opens the tool at just that. Whatever stands in the
texts (`/ $ [ ] % "`, spaces, any letter) arrives there as it was. Where the format comes from is said at each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deployments.presets import aws, grafana, hosted
from deployments.presets.spans import Span

__all__ = ["PRESETS", "Preset", "Span"]

Texts = Mapping[str, str]


@dataclass(frozen=True)
class Preset:
    """`parameters` has each with what it is when nobody says otherwise, where `{{ name }}` stands for a property.

    `needs` are those without which there is no address; of a group in a tuple one is enough.
    """

    title: str
    kind: str
    icon: str
    parameters: dict[str, str]
    needs: tuple[str | tuple[str, ...], ...]
    address: Callable[[Texts, Span], str]


_AWS = {"region": "{{ awsRegion }}"}
_GRAFANA = {"url": "{{ grafanaUrl }}", "org": "1"}

PRESETS = {
    "cloudwatch-insights": Preset(
        "CloudWatch Logs Insights",
        "application",
        "file-text",
        _AWS
        | {"log_group": "{{ logGroup }}", "query": "fields @timestamp, @message\n| sort @timestamp desc\n| limit 1000"},
        ("region", "log_group"),
        aws.insights,
    ),
    "cloudwatch-log-group": Preset(
        "CloudWatch log group",
        "platform",
        "file-text",
        _AWS | {"log_group": "{{ platformLogGroup }}", "pattern": ""},
        ("region", "log_group"),
        aws.log_group,
    ),
    "xray-traces": Preset(
        "X-Ray traces",
        "traces",
        "route",
        _AWS | {"service": "{{ xrayService }}", "filter": ""},
        ("region", ("service", "filter")),
        aws.traces,
    ),
    "xray-map": Preset(
        "X-Ray service map",
        "traces",
        "map",
        _AWS | {"service": "{{ xrayService }}"},
        ("region", "service"),
        aws.service_map,
    ),
    "sentry": Preset(
        "Sentry",
        "errors",
        "bug",
        {
            "url": "https://sentry.io",
            "organization": "{{ sentryOrganization }}",
            "project": "{{ sentryProject }}",
            "environment": "{{ environment }}",
            "release": "{{ version }}",
        },
        ("url", "organization", "project"),
        hosted.sentry,
    ),
    "logrocket": Preset(
        "LogRocket",
        "sessions",
        "eye",
        {"app": "{{ logRocketApp }}"},
        ("app",),
        hosted.logrocket,
    ),
    "datadog-logs": Preset(
        "Datadog logs",
        "application",
        "file-text",
        {
            "url": "https://app.datadoghq.com",
            "service": "{{ datadogService }}",
            "environment": "{{ environment }}",
            "query": "{{ datadogQuery }}",
        },
        ("url", ("service", "query")),
        hosted.datadog_logs,
    ),
    "grafana-explore": Preset(
        "Grafana Explore",
        "metrics",
        "activity",
        _GRAFANA | {"datasource": "{{ grafanaDatasource }}", "type": "prometheus", "query": "{{ grafanaQuery }}"},
        ("url", "datasource", "query"),
        grafana.explore,
    ),
    "loki": Preset(
        "Loki",
        "application",
        "file-text",
        _GRAFANA | {"datasource": "loki", "service": "{{ lokiService }}", "query": "{{ lokiQuery }}"},
        ("url", ("service", "query")),
        grafana.loki,
    ),
    "tempo": Preset(
        "Tempo",
        "traces",
        "route",
        _GRAFANA | {"datasource": "tempo", "service": "{{ tempoService }}", "query": "{{ tempoQuery }}"},
        ("url", ("service", "query")),
        grafana.tempo,
    ),
}
