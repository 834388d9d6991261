"""The chart on a real API server, with both versions of Helm: install, upgrade, roll back, test, uninstall.

Never here: what the objects hold.
"""

import shutil
import sys
import unittest

import yaml

import chart
import cluster

MISSING = [name for name in ("kube-apiserver", "kube-controller-manager") if not (cluster.SERVER / name).exists()]
if not shutil.which("etcd"):
    MISSING.append("etcd")
if MISSING:
    print(f"NOT TESTED: the chart on a real API server, because there is no {', '.join(MISSING)} (scripts/kubernetes)", file=sys.stderr)


@unittest.skipIf(MISSING, "scripts/kubernetes builds what is missing")
class OnACluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cluster.Cluster()

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def helm(self, helm, *arguments):
        done = self.cluster.helm(helm, *arguments)
        self.assertEqual(done.returncode, 0, f"{arguments}\n{done.stdout}{done.stderr}")
        return done.stdout

    def values(self, values):
        path = chart.FOLDER / "cluster-values.yaml"
        path.write_text(yaml.safe_dump(values))
        return path

    def deployment(self, namespace, release):
        return self.cluster.ask(f"/apis/apps/v1/namespaces/{namespace}/deployments/{release}-masternode-exporter")

    def test_a_release_is_installed_upgraded_rolled_back_tested_and_gone(self):
        for helm in chart.HELMS:
            with self.subTest(helm.parent.name):
                name = helm.parent.name
                place = ["--namespace", name]
                checksum = lambda: self.deployment(name, "mn")["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
                self.helm(helm, "install", "mn", chart.packaged(), *place, "--create-namespace", "--wait", "--values", self.values(chart.NODE))
                first = checksum()
                self.assertEqual(self.deployment(name, "mn")["status"]["readyReplicas"], 1)
                changed = chart.IMAGE | {"config": chart.NODE["config"] | {"series": {"others": "watched"}}, "replicaCount": 2}
                self.helm(helm, "upgrade", "mn", chart.packaged(), *place, "--wait", "--values", self.values(changed))
                self.assertNotEqual(checksum(), first)
                self.assertEqual(self.deployment(name, "mn")["status"]["readyReplicas"], 2)
                self.helm(helm, "rollback", "mn", "1", *place, "--wait")
                self.assertEqual(checksum(), first)
                history = yaml.safe_load(self.helm(helm, "history", "mn", *place, "--output", "yaml"))
                self.assertEqual([entry["status"] for entry in history], ["superseded", "superseded", "deployed"])
                self.assertIn("Succeeded", self.helm(helm, "test", "mn", *place))
                self.helm(helm, "uninstall", "mn", *place, "--wait")
                self.assertEqual(self.cluster.ask(f"/apis/apps/v1/namespaces/{name}/deployments")["items"], [])

    def test_the_server_takes_every_set_of_values(self):
        for helm in chart.HELMS:
            self.cluster.helm(helm, "version")
            for file in chart.MATRIX:
                with self.subTest(helm.parent.name, file=file.name):
                    release = file.name.removesuffix("-values.yaml")
                    name = f"{helm.parent.name}-{release}"
                    # Objects of some sets lie in a namespace of their own.
                    for namespace in ("monitoring", name):
                        self.cluster.try_(lambda: self.cluster.ask("/api/v1/namespaces", {"metadata": {"name": namespace}}))
                    self.helm(helm, "install", release, chart.packaged(), "--namespace", name, "--values", file)
                    self.helm(helm, "uninstall", release, "--namespace", name)

    def test_the_server_takes_the_sidecar(self):
        # It is older than native sidecars, so this is the container of older clusters.
        for helm in chart.HELMS:
            name = f"{helm.parent.name}-sidecar"
            self.helm(helm, "install", "node", chart.example(), "--namespace", name, "--create-namespace")
            pods = self.cluster.ask(f"/apis/apps/v1/namespaces/{name}/statefulsets/node")["spec"]["template"]["spec"]["containers"]
            self.assertEqual([pod["name"] for pod in pods], ["node", "masternode-exporter"])
            self.helm(helm, "uninstall", "node", "--namespace", name)


if __name__ == "__main__":
    unittest.main()
