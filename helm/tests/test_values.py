"""Values: which are refused and with what words, and that every good set of them gives objects that Kubernetes knows.

Never here: what single objects do.
"""

import copy
import functools
import json
import re
import unittest
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml
from cloudcoil.models.prometheus_operator import v1, v1alpha1

import chart
import generate

# Wrong values, and what the message says of them: the first ones are the chart's own words, the others those of the schema.
WRONG = [
    ({}, "config.networks names no network: say which node to ask, or set demo.enabled"),
    (chart.NODE | {"replicaCount": 2, "persistence": {"enabled": True}}, "set kind to StatefulSet"),
    (chart.DEMO | {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}, "scraped twice: keep one"),
    (chart.DEMO | {"kind": "None"}, "name the labels of the pods that carry the sidecar"),
    (chart.NODE | {"existingConfig": {"name": "x"}}, "config and existingConfig.name are both set"),
    ({"config": chart.NODE["config"] | {"web": {"listen_address": ":1"}}}, "set that instead"),
    ({"config": chart.NODE["config"] | {"history": {"path": "/x"}}}, "set history.enabled and persistence instead"),
    (chart.DEMO | {"kind": "StatefulSet", "replicaCount": 2, "persistence": {"existingClaim": "x"}}, "one claim for several replicas"),
    (chart.DEMO | {"persistence": {"enabled": True}, "history": {"enabled": False}}, "keeps nothing"),
    (chart.DEMO | {"serviceMonitor": {"enabled": True}, "service": {"enabled": False}}, "needs service.enabled"),
    (chart.DEMO | {"podDisruptionBudget": {"minAvailable": 1, "maxUnavailable": 1}}, "keep one of them"),
    (chart.DEMO | {"webConfig": {"existingSecret": "x", "probe": {"passwordSecret": "asks"}}}, "one of username and passwordSecret"),
    (chart.DEMO | {"webConfig": {"existingSecret": "x", "probe": {"username": "asks"}}}, "one of username and passwordSecret"),
    (chart.DEMO | {"webConfig": {"probe": {"certificateSecret": "asks"}}}, "nothing asks for it: set webConfig.existingSecret"),
    (chart.DEMO | {"webConfig": {"existingSecret": "x", "tls": False, "probe": {"certificateSecret": "asks"}}}, "without TLS"),
    (chart.DEMO | {"webConfig": {"existingSecret": "x", "anonymous": True, "probe": {"certificateSecret": "asks"}}}, "anonymous"),
    ({"config": chart.NODE["config"] | {"alerting": {"alertmanagers": [{"url": "http://alertmanager:9093"}]}},
      "networkPolicy": {"enabled": True}}, "name them in networkPolicy.extraEgress"),
    ({"config": chart.NODE["config"] | {"probe": {"enabled": True}}, "networkPolicy": {"enabled": True}}, "lets no probe"),
    ({"config": chart.NODE["config"] | {"alerting": {"emails": [{"name": "mail", "server": "smtp.example.org:587", "from": "a@example.org", "to": ["b@example.org"]}]}},
      "networkPolicy": {"enabled": True}}, "name them in networkPolicy.extraEgress"),
    ({"config": {"networks": [{"name": "a", "sources": [{"name": "hosted", "url_file": "/etc/masternode-exporter/secrets/rpc/url"}]}]},
      "networkPolicy": {"enabled": True}}, "nothing through to source hosted"),
    (chart.DEMO | {"image": {"registry": ""}}, "image.registry is empty"),
    (chart.DEMO | {"ingress": {"enabled": True}}, "name a host"),
    (chart.NODE | {"ingress": {"enabled": True, "hosts": ["mn.example.org"]}}, "refuses browsers: name it in config.web.allowed_hosts"),
    (chart.DEMO | {"httpRoute": {"enabled": True}}, "belongs to no Gateway"),
    (chart.DEMO | {"httpRoute": {"enabled": True, "parentRefs": [{"name": "a"}]}, "service": {"enabled": False}}, "needs service.enabled"),
    (chart.DEMO | {"replicaCount": "two"}, "replicaCount"),
    (chart.DEMO | {"replicas": 2}, "replicas"),
    (chart.DEMO | {"containerPort": 80}, "containerPort"),
    (chart.DEMO | {"image": {"digest": "sha256:12"}}, "digest"),
    (chart.DEMO | {"kind": "DaemonSet"}, "kind"),
    (chart.DEMO | {"logLevel": "loud"}, "logLevel"),
    (chart.DEMO | {"demo": {"enabled": True, "chains": ["bitcoin"]}}, "chains"),
    (chart.DEMO | {"serviceMonitor": {"interval": "30 seconds"}}, "interval"),
    (chart.DEMO | {"serviceMonitor": {"intervall": "30s"}}, "intervall"),
    (chart.DEMO | {"persistence": {"size": "a lot"}}, "size"),
    (chart.DEMO | {"prometheusRule": {"rules": {"MasternodePoseBanned": {"enabled": False}}}}, "MasternodePoseBanned"),
    (chart.DEMO | {"prometheusRule": {"rules": {"MasternodePoSeBanned": {"severity": "bad"}}}}, "severity"),
    (chart.DEMO | {"prometheusRule": {"rules": {"MasternodePoSeBanned": {"for": "5 minutes"}}}}, "for"),
    (chart.DEMO | {"prometheusRule": {"rules": {"MasternodePoSeBanned": {"labels": {"alias": "x"}}}}}, "alias"),
    (chart.DEMO | {"prometheusRule": {"alertLabels": {"source": "x"}}}, "source"),
    ({"config": {"networks": "dash"}}, "networks"),
    ({"config": {"networks": [{"name": "Dash Main", "sources": []}]}}, "name"),
    ({"config": {"networks": [{"name": "a", "sources": [{"name": "b"}]}]}}, "url"),
    ({"config": {"networks": [{"name": "a", "sources": [{"name": "b", "url": "http://me:secret@dashd:9998"}]}]}}, "url"),
    ({"config": {"networks": [{"name": "a", "sources": [{"name": "b", "url": "http://d", "password": "secret"}]}]}}, "password"),
    ({"config": {"networks": [{"name": "a", "poll_interval": "5 s"}]}}, "poll_interval"),
    ({"config": chart.NODE["config"] | {"series": {"others": "some"}}}, "others"),
    ({"config": chart.NODE["config"] | {"serie": {}}}, "serie"),
    ({"config": chart.NODE["config"] | {"watch": [{"masternode": "x", "alias": 7}]}}, "alias"),
]


@functools.cache
def sets():
    """Each set of values and each Kubernetes, with the objects they give; the sidecar's too."""
    found = []
    for kubernetes in chart.KUBERNETES:
        for file in chart.MATRIX:
            found.append((f"{file.name}, Kubernetes {kubernetes}", kubernetes, chart.render(files=[file], kubernetes=kubernetes)))
        monitored = {"masternode-exporter": {"podMonitor": {"enabled": True}}}
        documents = chart.render(monitored, chart=chart.example(), kubernetes=kubernetes)
        found.append((f"sidecar, Kubernetes {kubernetes}", kubernetes, documents))
    return found


def lost(given, understood, path=""):
    """Keys of an object that its model does not know: it drops them without a word."""
    if isinstance(given, dict) and isinstance(understood, dict):
        for key, value in given.items():
            if key not in understood:
                yield f"{path}.{key}"
            else:
                yield from lost(value, understood[key], f"{path}.{key}")
    elif isinstance(given, list) and isinstance(understood, list):
        for at, (one, other) in enumerate(zip(given, understood)):
            yield from lost(one, other, f"{path}[{at}]")


def check_object(document, kubernetes):
    """Holds an object against the schema of its kind."""
    group, kind = document["apiVersion"], document["kind"]
    if group.startswith("monitoring.coreos.com/"):
        module = v1alpha1 if group.endswith("v1alpha1") else v1
        model = getattr(module, kind).model_validate(document)
        unknown = list(lost(document, model.model_dump(mode="json", by_alias=True, exclude_unset=True)))
        assert not unknown, f"{kind} has keys that its definition does not know: {unknown}"
    elif group.startswith("gateway.networking.k8s.io/"):
        assert kind == "HTTPRoute", kind  # Its definition is none of Kubernetes' own.
    elif group != "policy/v1beta1":
        # The schemas begin with 1.25, where that version is gone; the API server of 1.20 judges it.
        known = kubernetes if tuple(map(int, kubernetes.split(".")[:2])) >= (1, 25) else "1.25"
        kubernetes_validate.validate(document, known, strict=True)


class Values(unittest.TestCase):
    def test_every_set_of_values_passes_the_strictest_lint_of_both_versions(self):
        for helm in chart.HELMS:
            for file in [None, *chart.MATRIX]:
                with self.subTest(helm=helm.parent.name, file=file and file.name):
                    chart.succeed(helm, "lint", "--strict", chart.unpacked(), *(["--values", file] if file else []))

    def test_every_object_is_one_that_its_kubernetes_knows(self):
        kinds = set()
        for name, kubernetes, documents in sets():
            for document in documents:
                with self.subTest(name, kind=document["kind"]):
                    kinds.add(document["kind"])
                    check_object(document, kubernetes)
        self.assertLessEqual({"StatefulSet", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Ingress"}, kinds)
        self.assertLessEqual({"ServiceMonitor", "PodMonitor", "PrometheusRule", "AlertmanagerConfig"}, kinds)

    def test_the_check_of_objects_sees_what_is_wrong(self):
        documents = chart.render(files=[chart.SOURCE / "ci" / "monitoring-values.yaml"])
        for kind, path, value in [
            ("Deployment", ["spec", "replica"], 1),
            ("Deployment", ["spec", "replicas"], "one"),
            ("ServiceMonitor", ["spec", "endpoint"], []),
            ("PrometheusRule", ["spec", "groups", 0, "rules", 0, "expression"], "1"),
            ("AlertmanagerConfig", ["spec", "inhibitRules", 0, "sourceMatch", 0, "matchType"], "like"),
        ]:
            with self.subTest(kind, path=path):
                document = place = copy.deepcopy(chart.only(documents, kind))
                for part in path[:-1]:
                    place = place[part]
                place[path[-1]] = value
                with self.assertRaises(Exception):
                    check_object(document, "1.37")

    def test_both_versions_render_the_same(self):
        by_name = lambda document: (document["kind"], document["metadata"]["name"])
        for name, kubernetes, documents in sets():
            if name.startswith("sidecar"):
                continue
            with self.subTest(name):
                file = chart.SOURCE / "ci" / name.split(",")[0]
                others = chart.render(files=[file], kubernetes=kubernetes, helm=chart.HELMS[0])
                self.assertEqual(sorted(documents, key=by_name), sorted(others, key=by_name))

    def test_wrong_values_are_refused_with_a_message_that_names_them(self):
        for helm in chart.HELMS:
            for values, words in WRONG:
                with self.subTest(helm=helm.parent.name, values=values):
                    done = chart.try_render(values, helm=helm)
                    self.assertNotEqual(done.returncode, 0, "it was taken")
                    self.assertIn(words, done.stderr)

    def test_all_mistakes_of_the_values_together_are_told_at_once(self):
        values = {"persistence": {"enabled": True}, "history": {"enabled": False}, "podMonitor": {"enabled": True}}
        message = chart.try_render(values | {"serviceMonitor": {"enabled": True}}).stderr
        for words in ["names no network", "keeps nothing", "scraped twice"]:
            self.assertIn(words, message)

    def test_schema_and_readme_are_made_of_the_values_and_the_docs_as_they_are(self):
        for path, text in generate.pages().items():
            self.assertEqual(path.read_text(), text, f"{path.name} is out of date: scripts/chart generate")

    def test_the_schema_is_one_and_takes_the_example_of_the_docs(self):
        schema = json.loads((chart.SOURCE / "values.schema.json").read_text())
        jsonschema.Draft7Validator.check_schema(schema)
        config = yaml.safe_load((chart.ROOT / "docs" / "config.example.yaml").read_text())
        jsonschema.validate({"config": config}, schema)

    def test_the_exporter_takes_each_configuration_that_the_chart_writes(self):
        seen = 0
        secrets = chart.FOLDER / "secrets"
        for name, _, documents in sets():
            for document in documents:
                if document["kind"] != "ConfigMap" or "config.yaml" not in document.get("data", {}):
                    continue
                with self.subTest(name):
                    # Where the Secrets are mounted in the pod.
                    text = document["data"]["config.yaml"].replace("/etc/masternode-exporter/secrets", str(secrets))
                    for path in re.findall(r"password_file: (\S+)", text):
                        Path(path).parent.mkdir(parents=True, exist_ok=True)
                        Path(path).write_text("secret")
                    file = chart.FOLDER / "config.yaml"
                    file.write_text(text)
                    said = chart.succeed(chart.exporter(), f"--config.file={file}", "check")
                    self.assertIn("the configuration is good", said)
                    seen += 1
        self.assertEqual(seen, 4 * len(chart.KUBERNETES))


if __name__ == "__main__":
    unittest.main()
