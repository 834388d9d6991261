"""Objects of a release: hardening, probes, rollout and secrets of pods; dashboards; the sidecar.

Never here: rules and inhibitions.
"""

import json
import re
import tarfile
import unittest

import yaml

import chart

NETWORKS = chart.SOURCE / "ci" / "networks-values.yaml"


def pods(documents):
    """Specifications of all pods of a release, hooks included."""
    for document in documents:
        if document["kind"] == "Pod":
            yield document["spec"]
        elif document["kind"] in ("Deployment", "StatefulSet"):
            yield document["spec"]["template"]["spec"]


def ours(spec):
    """Our containers of a pod."""
    containers = spec.get("initContainers", []) + spec["containers"]
    return [one for one in containers if "masternode-exporter" in one["image"]]


class Objects(unittest.TestCase):
    def test_pods_fit_the_restricted_standard(self):
        for file in chart.MATRIX:
            for spec in pods(chart.render(files=[file])):
                with self.subTest(file.name):
                    self.assertIs(spec["automountServiceAccountToken"], False)
                    self.assertIs(spec["securityContext"]["runAsNonRoot"], True)
                    self.assertGreater(spec["securityContext"]["runAsUser"], 0)
                    self.assertEqual(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault")
                    self.assertFalse(set(spec) & {"hostNetwork", "hostPID", "hostIPC"})
                    for container in ours(spec):
                        security = container["securityContext"]
                        self.assertIs(security["allowPrivilegeEscalation"], False)
                        self.assertIs(security["readOnlyRootFilesystem"], True)
                        self.assertEqual(security["capabilities"], {"drop": ["ALL"]})
                        self.assertNotIn("privileged", security)

    def test_probes_ask_the_real_endpoints(self):
        (container,) = ours(chart.pod_of(chart.render(chart.DEMO))["spec"])
        asked = {probe: container[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
        alive, ready = {"path": "/-/healthy", "port": "metrics"}, {"path": "/-/ready", "port": "metrics"}
        self.assertEqual(asked, {"startupProbe": alive, "livenessProbe": alive, "readinessProbe": ready})
        self.assertIn('"/-/ready"', "".join(path.read_text() for path in (chart.ROOT / "src" / "web").rglob("*.rs")))

    def test_watch_files_are_mounted_and_named_in_the_configuration(self):
        values = {"watchFiles": [{"configMap": "customers"}, {"secret": "vip.customers"}]}
        documents = chart.render(values, files=[NETWORKS])
        (config,) = [one for one in documents if one["kind"] == "ConfigMap" and "config.yaml" in one["data"]]
        config = yaml.safe_load(config["data"]["config.yaml"])
        self.assertEqual(config["watch_files"], ["/etc/masternode-exporter/watch/*/*.y*ml"])
        self.assertIn("networks", config)
        pod = chart.pod_of(documents)["spec"]
        (container,) = ours(pod)
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        self.assertEqual(mounts["watch-configmap-customers"], "/etc/masternode-exporter/watch/configmap-customers")
        self.assertEqual(mounts["watch-secret-vip-customers"], "/etc/masternode-exporter/watch/secret-vip-customers")
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        self.assertEqual(volumes["watch-configmap-customers"]["configMap"], {"name": "customers"})
        self.assertEqual(volumes["watch-secret-vip-customers"]["secret"]["secretName"], "vip.customers")
        own = {"config": {"watch_files": ["/extra/*.yml"]}}
        (config,) = [one for one in chart.render(values | own, files=[NETWORKS]) if "config.yaml" in one.get("data", {})]
        config = yaml.safe_load(config["data"]["config.yaml"])
        self.assertEqual(config["watch_files"], ["/extra/*.yml", "/etc/masternode-exporter/watch/*/*.y*ml"])

    def test_with_a_web_configuration_the_probes_are_commands_that_know_it(self):
        for anonymous in (False, True):
            web = {"existingSecret": "web", "anonymous": anonymous}
            documents = chart.render(chart.DEMO | {"webConfig": web, "serviceMonitor": {"enabled": True}})
            (container,) = ours(chart.pod_of(documents)["spec"])
            command = container["readinessProbe"]["exec"]["command"]
            self.assertEqual(command[:2], ["/usr/bin/masternode-exporter", "healthcheck"])
            self.assertEqual("--ready" in command, anonymous)
            for given in (command, container["args"]):
                self.assertIn("--web.config.file=/etc/masternode-exporter/web/web-config.yml", given)
        self.assertEqual(chart.only(documents, "ServiceMonitor")["spec"]["endpoints"][0]["scheme"], "https")

    def test_the_readiness_probe_shows_what_the_secrets_hold_and_nothing_else_does(self):
        probe = {"username": "probe", "passwordSecret": "a", "certificateSecret": "b", "certificateKey": "c.crt"}
        spec = chart.pod_of(chart.render(chart.DEMO | {"webConfig": {"existingSecret": "web", "probe": probe}}))["spec"]
        (container,) = ours(spec)
        place = "/etc/masternode-exporter/probe/"
        shown = [
            "--ready",
            "--username=probe",
            f"--password-file={place}password/password",
            f"--cert-file={place}certificate/c.crt",
            f"--key-file={place}certificate/tls.key",
        ]
        self.assertEqual(container["readinessProbe"]["exec"]["command"][2:7], shown)
        for quiet in ("startupProbe", "livenessProbe"):
            self.assertEqual(container[quiet]["exec"]["command"][1:3], ["healthcheck", "--web.listen-address=:10066"])
        known = chart.succeed(chart.exporter(), "healthcheck", "--help")
        for argument in container["readinessProbe"]["exec"]["command"][2:]:
            self.assertIn(argument.split("=")[0], known)
        secrets = {volume["name"]: volume["secret"] for volume in spec["volumes"] if "secret" in volume}
        mounted = {
            mount["mountPath"]: secrets[mount["name"]]["secretName"]
            for mount in container["volumeMounts"]
            if mount["mountPath"].startswith(place)
        }
        self.assertEqual(mounted, {f"{place}password": "a", f"{place}certificate": "b"})
        self.assertEqual({secret["defaultMode"] for secret in secrets.values()}, {0o440})

    def test_the_notes_name_what_is_missing_and_nothing_else(self):
        def notes(values):
            file = chart.FOLDER / "notes.json"
            file.write_text(json.dumps(chart.DEMO | values))
            # Helm 3 contacts a server even for this.
            said = chart.succeed(chart.HELMS[1], "install", "rel", chart.unpacked(), "--dry-run=client", "--values", file)
            return said.split("NOTES:")[1]

        protected = {"existingSecret": "web"}
        probe = {"username": "probe", "passwordSecret": "a"}
        missing = "The readiness probe has no credentials", "Prometheus may be refused", "Nothing scrapes the exporter", "No alerts are configured"
        for values, expected in [
            ({}, [2, 3]),
            ({"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}, []),
            ({"webConfig": protected, "serviceMonitor": {"enabled": True}}, [0, 1, 3]),
            ({"webConfig": protected | {"anonymous": True}, "podMonitor": {"enabled": True}}, [3]),
            ({"webConfig": protected | {"probe": probe}, "podMonitor": {"enabled": True, "basicAuth": {"username": {"name": "a", "key": "b"}}}}, [3]),
        ]:
            with self.subTest(values=values):
                said = notes(values)
                self.assertEqual([place for place, words in enumerate(missing) if words in said], expected)
                scheme = "--insecure https" if "webConfig" in values else "http"
                self.assertIn(f"curl {scheme}://127.0.0.1:10066/metrics", said)

    def test_the_exporter_knows_every_argument_that_the_chart_gives_it(self):
        known = chart.succeed(chart.exporter(), "--help") + chart.succeed(chart.exporter(), "demo", "--help")
        for file in chart.MATRIX:
            if file.name.startswith("web-") and "--web.config.file" not in known:
                continue
            for spec in pods(chart.render(files=[file])):
                for argument in [one for container in ours(spec) for one in container["args"] if one.startswith("--")]:
                    self.assertIn(argument.split("=")[0], known)

    def test_a_changed_configuration_rolls_the_pods_and_nothing_else_does(self):
        checksum = lambda values: chart.pod_of(chart.render(values))["metadata"]["annotations"]["checksum/config"]
        before = checksum(chart.NODE)
        self.assertEqual(before, checksum(chart.NODE | {"prometheusRule": {"enabled": True}, "service": {"port": 80}}))
        self.assertNotEqual(before, checksum(chart.IMAGE | {"config": chart.NODE["config"] | {"series": {"others": "watched"}}}))

    def test_each_secret_that_the_configuration_names_is_mounted_where_it_says(self):
        spec = chart.pod_of(chart.render(files=[NETWORKS]))["spec"]
        (container,) = ours(spec)
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        self.assertEqual(len(volumes), len(spec["volumes"]))
        mounted = {
            mount["mountPath"]: volumes[mount["name"]]["secret"]["secretName"]
            for mount in container["volumeMounts"]
            if "secret" in volumes[mount["name"]]
        }
        place = "/etc/masternode-exporter/secrets/"
        names = ["dash-rpc", "dash-rpc.standby", "dimecoin-rpc"]
        self.assertEqual(mounted, {place + name: name for name in names})
        for path in re.findall(r"password_file: (\S+)", NETWORKS.read_text()):
            self.assertIn(path.strip("},").rsplit("/", 1)[0], mounted)

    def test_no_set_of_values_makes_a_secret(self):
        for file in chart.MATRIX:
            self.assertNotIn("Secret", [document["kind"] for document in chart.render(files=[file])])

    def test_the_history_stays_where_a_claim_is_asked_for(self):
        documents = chart.render(files=[NETWORKS])
        claim = chart.only(documents, "PersistentVolumeClaim")
        self.assertEqual(claim["metadata"]["annotations"], {"helm.sh/resource-policy": "keep"})
        deployment = chart.only(documents, "Deployment")
        self.assertEqual(deployment["spec"]["strategy"], {"type": "Recreate"})
        (container,) = ours(chart.pod_of(documents)["spec"])
        self.assertIn("--history.path=/var/lib/masternode-exporter/history.db", container["args"])
        stateful = chart.only(chart.render(files=[chart.SOURCE / "ci" / "statefulset-values.yaml"]), "StatefulSet")
        (template,) = stateful["spec"]["volumeClaimTemplates"]
        (container,) = ours(stateful["spec"]["template"]["spec"])
        self.assertIn(template["metadata"]["name"], [mount["name"] for mount in container["volumeMounts"]])
        self.assertNotIn(template["metadata"]["name"], [volume["name"] for volume in stateful["spec"]["template"]["spec"]["volumes"]])

    def test_selectors_find_the_pods_and_hold_no_version(self):
        for file in chart.MATRIX:
            documents = chart.render(files=[file])
            labels = chart.pod_of(documents)["metadata"]["labels"].items()
            for document in documents:
                spec = document.get("spec", {})
                selector = spec.get("selector", spec.get("podSelector"))
                if document["kind"] in ("ServiceMonitor", "PrometheusRule") or selector is None:
                    continue
                selector = selector.get("matchLabels", selector)
                with self.subTest(file.name, kind=document["kind"]):
                    self.assertLessEqual(selector.items(), labels)
                    self.assertFalse({"helm.sh/chart", "app.kubernetes.io/version"} & set(selector))
                    # The pod of `helm test` has the labels of the release too.
                    self.assertEqual(selector["app.kubernetes.io/component"], "exporter")

    def test_the_service_monitor_finds_the_service(self):
        documents = chart.render(files=[chart.SOURCE / "ci" / "monitoring-values.yaml"])
        monitor, service = chart.only(documents, "ServiceMonitor"), chart.only(documents, "Service")
        self.assertLessEqual(monitor["spec"]["selector"]["matchLabels"].items(), service["metadata"]["labels"].items())
        self.assertEqual(monitor["spec"]["endpoints"][0]["port"], service["spec"]["ports"][0]["name"])
        self.assertEqual(monitor["spec"]["namespaceSelector"]["matchNames"], [service["metadata"]["namespace"]])
        self.assertEqual(monitor["metadata"]["namespace"], "monitoring")

    def test_the_network_policy_lets_through_what_the_configuration_needs(self):
        policy = chart.only(chart.render(files=[chart.SOURCE / "ci" / "policies-values.yaml"]), "NetworkPolicy")
        ports = [[port["port"] for port in rule["ports"]] for rule in policy["spec"]["egress"]]
        self.assertEqual(ports, [[53, 53], [9998, 443], [443]])
        self.assertEqual([port["port"] for port in policy["spec"]["ingress"][0]["ports"]], [10066])
        self.assertIn("from", policy["spec"]["ingress"][0])

    def test_the_network_policy_lets_the_proxy_of_a_source_through(self):
        sources = [{"name": "a", "url": "http://dashd:9998", "proxy": "http://proxy:3128"}, {"name": "b", "url": "http://dashd:9996", "proxy": "none"}]
        values = chart.IMAGE | {"config": {"networks": [{"name": "dash", "sources": sources}]}, "networkPolicy": {"enabled": True}}
        policy = chart.only(chart.render(values), "NetworkPolicy")
        self.assertEqual([port["port"] for port in policy["spec"]["egress"][1]["ports"]], [3128, 9996])

    def test_the_network_policy_lets_the_test_of_a_release_through(self):
        documents = chart.render(files=[chart.SOURCE / "ci" / "policies-values.yaml"])
        (rule,) = chart.only(documents, "NetworkPolicy")["spec"]["ingress"]
        selectors = [peer["podSelector"]["matchLabels"].items() for peer in rule["from"] if "podSelector" in peer]
        pod = chart.only(documents, "Pod")
        self.assertTrue([True for selector in selectors if selector <= pod["metadata"]["labels"].items()])
        for key in ("tolerations", "nodeSelector", "priorityClassName"):
            self.assertEqual(pod["spec"][key], chart.pod_of(documents)["spec"][key])
        self.assertEqual(pod["spec"]["containers"][0]["resources"], {"limits": {"memory": "32Mi"}})
        self.assertEqual(chart.only(documents, "Deployment")["metadata"]["annotations"], {"reloader.stakater.com/auto": "true"})

    def test_several_replicas_are_spread_over_nodes_unless_told_otherwise(self):
        spread = lambda values: chart.pod_of(chart.render(chart.DEMO | values))["spec"].get("topologySpreadConstraints")
        self.assertIsNone(spread({}))
        (constraint,) = spread({"replicaCount": 2})
        self.assertEqual((constraint["topologyKey"], constraint["whenUnsatisfiable"]), ("kubernetes.io/hostname", "ScheduleAnyway"))
        labels = chart.pod_of(chart.render(chart.DEMO))["metadata"]["labels"]
        self.assertLessEqual(constraint["labelSelector"]["matchLabels"].items(), labels.items())
        zone = {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
        self.assertEqual(spread({"replicaCount": 2, "topologySpreadConstraints": [zone]}), [zone])

    def test_ingress_and_route_lead_to_the_service(self):
        values = {"ingress": {"enabled": True, "hosts": ["a.example.org", "b.example.org"], "path": "/mn"}}
        route = {"enabled": True, "parentRefs": [{"name": "gateway"}], "hostnames": ["a.example.org"]}
        documents = chart.render(chart.DEMO | values | {"httpRoute": route, "service": {"port": 80}})
        service = chart.only(documents, "Service")
        rules = chart.only(documents, "Ingress")["spec"]["rules"]
        self.assertEqual([rule["host"] for rule in rules], ["a.example.org", "b.example.org"])
        (path,) = rules[0]["http"]["paths"]
        self.assertEqual((path["path"], path["backend"]["service"]["name"]), ("/mn", service["metadata"]["name"]))
        self.assertEqual(path["backend"]["service"]["port"]["name"], service["spec"]["ports"][0]["name"])
        spec = chart.only(documents, "HTTPRoute")["spec"]
        self.assertEqual((spec["parentRefs"], spec["hostnames"]), ([{"name": "gateway"}], ["a.example.org"]))
        self.assertEqual(spec["rules"][0]["backendRefs"], [{"name": service["metadata"]["name"], "port": 80}])

    def test_the_chart_holds_no_symbolic_link(self):
        self.assertFalse([path for path in chart.SOURCE.rglob("*") if path.is_symlink()])

    def test_the_test_of_a_release_asks_its_service(self):
        pod = chart.only(chart.render(chart.DEMO), "Pod")
        self.assertEqual(pod["metadata"]["annotations"]["helm.sh/hook"], "test")
        self.assertIn("--web.listen-address=rel-masternode-exporter.ns:10066", pod["spec"]["containers"][0]["args"])

    def test_each_dashboard_comes_as_it_is_in_a_map_of_its_own(self):
        documents = chart.render(chart.DEMO | {"dashboards": {"enabled": True}})
        maps = [document for document in documents if "grafana_dashboard" in document["metadata"]["labels"]]
        found = {}
        for one in maps:
            self.assertEqual(one["metadata"]["labels"]["grafana_dashboard"], "1")
            self.assertEqual(one["metadata"]["annotations"]["grafana_folder"], "Masternodes")
            ((name, text),) = one["data"].items()
            self.assertLess(len(text), 1 << 20, "more than an object may hold")
            found[name] = text
        files = {f"masternode-{path.name}": path.read_text() for path in (chart.ROOT / "dashboards").glob("*.json")}
        self.assertTrue(files, "there are no dashboards")
        self.assertEqual(found, files)
        self.assertEqual(len({one["metadata"]["name"] for one in maps}), len(files))

    def test_the_package_holds_what_the_chart_needs_and_no_tests_of_ours(self):
        names = tarfile.open(chart.packaged()).getnames()
        below = {name.removeprefix("masternode-exporter/files/") for name in names if "/files/" in name}
        dashboards = {f"dashboards/{path.name}" for path in (chart.ROOT / "dashboards").glob("*.json")}
        self.assertEqual(below, {"alerts/masternode.rules.yml", "alerts/inhibition.yml"} | dashboards)
        self.assertFalse([name for name in names if "/ci/" in name])

    def test_versions_are_those_of_the_exporter(self):
        chart_yaml = yaml.safe_load((chart.SOURCE / "Chart.yaml").read_text())
        version = re.search(r'^version = "(.*)"', (chart.ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
        self.assertEqual((chart_yaml["version"], chart_yaml["appVersion"]), (version, version))
        self.assertIn(f":{version}", chart_yaml["annotations"]["artifacthub.io/images"])
        example = yaml.safe_load((chart.EXAMPLE / "Chart.yaml").read_text())
        self.assertEqual(example["dependencies"][0]["version"], version)


class Sidecar(unittest.TestCase):
    def render(self, kubernetes, values=None):
        return chart.render(values, chart=chart.example(), kubernetes=kubernetes)

    def test_it_is_native_where_the_cluster_knows_that_and_a_container_where_not(self):
        for kubernetes, place, policy in [("1.29", "initContainers", "Always"), ("1.28", "containers", None)]:
            spec = chart.pod_of(self.render(kubernetes))["spec"]
            (container,) = ours(spec)
            self.assertIn(container, spec[place])
            self.assertEqual(container.get("restartPolicy"), policy)
            self.assertEqual(len(spec["containers"]) + len(spec.get("initContainers", [])), 2)

    def test_it_reads_the_cookie_and_sees_nothing_else_of_the_node(self):
        documents = self.render("1.37")
        spec = chart.pod_of(documents)["spec"]
        (container,), (node,) = ours(spec), spec["containers"]
        shared = {mount["name"] for mount in container["volumeMounts"]} & {mount["name"] for mount in node["volumeMounts"]}
        self.assertEqual(shared, {"node-run"})
        (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "node-run"]
        self.assertIs(mount["readOnly"], True)
        config = yaml.safe_load(chart.only(documents, "ConfigMap")["data"]["config.yaml"])
        cookie = config["networks"][0]["sources"][0]["cookie_file"]
        self.assertIn(f"-rpccookiefile={cookie}", node["args"])
        self.assertTrue(cookie.startswith(mount["mountPath"] + "/"))
        # Only the owner can read a cookie, so both run as one user.
        self.assertNotIn("runAsUser", json.dumps([container, node]))

    def test_its_readiness_is_not_that_of_the_node(self):
        (container,) = ours(chart.pod_of(self.render("1.37"))["spec"])
        self.assertEqual(container["readinessProbe"]["httpGet"]["path"], "/-/healthy")
        probe = {"username": "probe", "passwordSecret": "a", "certificateSecret": "b"}
        values = {"masternode-exporter": {"webConfig": {"existingSecret": "web", "probe": probe}}}
        spec = chart.pod_of(self.render("1.37", values))["spec"]
        (container,) = ours(spec)
        self.assertNotIn("--ready", container["readinessProbe"]["exec"]["command"])
        self.assertFalse([volume for volume in spec["volumes"] if volume["name"].startswith("exporter-probe")])

    def test_the_service_finds_the_pods_that_carry_it(self):
        documents = self.render("1.37")
        selector = chart.only(documents, "Service")["spec"]["selector"]
        self.assertLessEqual(selector.items(), chart.pod_of(documents)["metadata"]["labels"].items())
        self.assertFalse([document for document in documents if document["kind"] == "Deployment"])


if __name__ == "__main__":
    unittest.main()
