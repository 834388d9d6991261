"""Makes what follows from values.yaml, docs/configuration.schema.json, alerts and dashboards: the chart's schema, the table in its
README, and its copies of rules and dashboards.

Never here: running Helm. `scripts/chart generate` calls this; a test compares what it makes with what is in the repository.
"""

import json
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "helm" / "masternode-exporter"

START, END = "<!-- values: made by `scripts/chart generate` -->\n", "<!-- end of values -->\n"

# Prometheus' own form of a duration.
DURATION = "^((([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?|0)$"
STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
COUNT = {"type": "integer", "minimum": 0}
COUNT_OR_SHARE = {"type": ["integer", "string"], "pattern": "^([0-9]+%)?$", "minimum": 0}

# Labels by which alerts and their exporters differ: an alert may not get another value of one. A test of the exporter compares them with
# those that `masternode-exporter rules --label` refuses.
RESERVED = (
    "alertname severity text network masternode alias node_type group_key group quorum_type source receiver job instance pod container endpoint"
    " service node prometheus prometheus_replica"
).split()
ALERT_LABELS = STRINGS | {"propertyNames": {"not": {"enum": RESERVED}}}

# What a value may be, where its default does not say enough. Keys of `probe` and the like are Kubernetes' own.
SAID = {
    "kind": {"enum": ["Deployment", "StatefulSet", "None"]},
    "replicaCount": COUNT,
    "revisionHistoryLimit": COUNT,
    "terminationGracePeriodSeconds": COUNT,
    "containerPort": {"type": "integer", "minimum": 1024, "maximum": 65535},
    "service.port": PORT,
    "ingress.pathType": {"enum": ["Prefix", "Exact", "ImplementationSpecific"]},
    "service.type": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    "image.digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "existingConfig.kind": {"enum": ["ConfigMap", "Secret"]},
    "watchFiles": {
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {name: {"type": "string", "minLength": 1} for name in ("configMap", "secret")},
        },
    },
    "demo.chains": {"type": "array", "minItems": 1, "items": {"enum": ["dash", "dimecoin", "prcycoin"]}},
    "persistence.size": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?([KMGTPE]i?)?$"},
    "persistence.accessModes": {"type": "array", "minItems": 1, "items": {"type": "string"}},
    "logLevel": {"enum": ["trace", "debug", "info", "warn", "error"]},
    "logFormat": {"enum": ["text", "json"]},
    "podDisruptionBudget.minAvailable": COUNT_OR_SHARE,
    "podDisruptionBudget.maxUnavailable": COUNT_OR_SHARE,
    "tests.timeoutSeconds": {"type": "integer", "minimum": 1},
    "prometheusRule.alertLabels": ALERT_LABELS,
}
for monitor in ["serviceMonitor", "podMonitor"]:
    SAID |= {
        f"{monitor}.interval": {"type": "string", "pattern": DURATION},
        f"{monitor}.scrapeTimeout": {"type": "string", "pattern": DURATION},
        f"{monitor}.scheme": {"enum": ["", "http", "https"]},
        f"{monitor}.sampleLimit": COUNT,
    }
for texts in ["secrets", "extraArgs", "ingress.hosts", "httpRoute.hostnames", "serviceMonitor.targetLabels", "podMonitor.podTargetLabels"]:
    SAID[texts] = {"type": "array", "items": {"type": "string"}}

# Objects whose keys are Kubernetes' own although some have defaults.
FOREIGN = {"startupProbe", "livenessProbe", "readinessProbe", "podSecurityContext", "securityContext"}

ALERT = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "enabled": {"type": "boolean"},
        "severity": {"enum": ["critical", "warning", "info", "none"]},
        "for": {"type": "string", "pattern": DURATION},
        "labels": ALERT_LABELS,
        "annotations": STRINGS,
    },
}


def of_value(path, value):
    """The schema of a value, by its default."""
    name = path.rsplit(".", 1)[-1]
    if path in SAID:
        return SAID[path]
    if path in FOREIGN:
        return {"type": "object"}
    if isinstance(value, dict) and (name.endswith(("abels", "nnotations")) or name == "nodeSelector"):
        return STRINGS
    if isinstance(value, dict) and value:
        below = {key: of_value(f"{path}.{key}", inner) for key, inner in value.items()}
        return {"type": "object", "additionalProperties": False, "properties": below}
    kinds = {dict: "object", list: "array", bool: "boolean", int: "integer", str: "string"}
    return {"type": kinds[type(value)]}


def of_configuration():
    """The schema of the configuration file, which the exporter makes of its own types."""
    whole = json.loads((ROOT / "docs" / "configuration.schema.json").read_text())
    return {key: value for key, value in whole.items() if key not in ("$schema", "title")}


def schema():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    properties = {key: of_value(key, value) for key, value in values.items()}
    properties["config"] = of_configuration()
    rules = yaml.safe_load((ROOT / "alerts" / "masternode.rules.yml").read_text())
    alerts = [rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
    properties["prometheusRule"]["properties"]["rules"] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {alert: {"$ref": "#/definitions/alert"} for alert in alerts},
    }
    # A parent chart hands these to every dependency: its own globals, and the switch of the dependency's condition.
    properties |= {"global": {"type": "object"}, "enabled": {"type": "boolean"}}
    whole = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of masternode-exporter; made by `scripts/chart generate`",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "definitions": {"alert": ALERT},
    }
    return json.dumps(whole, indent=1) + "\n"


def documented():
    """Each documented value: its path, its default, and the comment above it."""
    text = (CHART / "values.yaml").read_text()
    lines = text.splitlines()

    def comment(above):
        words = []
        while above >= 0 and lines[above].strip().startswith("#"):
            line = lines[above].strip().removeprefix("#").strip()
            words.insert(0, line.removeprefix("-- "))
            if line.startswith("-- "):
                return " ".join(words)
            above -= 1
        return None

    def walk(node, path):
        for key, value in node.value:
            name, said = path + [key.value], comment(key.start_mark.line - 1)
            if said is not None:
                default = yaml.safe_load(yaml.serialize(value))
                yield ".".join(name), json.dumps(default, ensure_ascii=False), said
            elif isinstance(value, yaml.MappingNode) and value.value:
                yield from walk(value, name)
            else:
                raise SystemExit(f"values.yaml: {'.'.join(name)} has no comment that begins with `# --`")

    return list(walk(yaml.compose(text), []))


def readme():
    cell = lambda text: text.replace("|", "\\|")
    rows = [f"| `{path}` | `{cell(default)}` | {cell(said)} |\n" for path, default, said in documented()]
    before, rest = (CHART / "README.md").read_text().split(START)
    after = rest.split(END)[1]
    table = "| value | default | meaning |\n|---|---|---|\n" + "".join(rows)
    return before + START + table + END + after


def pages():
    """Everything that is made: its path and its text."""
    rules = [ROOT / "alerts" / name for name in ("masternode.rules.yml", "inhibition.yml")]
    sources = rules + sorted((ROOT / "dashboards").glob("*.json"))
    # Copies, because archivers of GitOps tools skip symbolic links.
    copies = {CHART / "files" / path.relative_to(ROOT): path.read_text() for path in sources}
    return {CHART / "values.schema.json": schema(), CHART / "README.md": readme()} | copies


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text)
        print(f"wrote {path.relative_to(ROOT)}", file=sys.stderr)
