"""A Kubernetes without nodes: etcd, the real API server and its controllers, and a stand-in for the kubelet that says what it is told.

Never here: a test.
"""

import json
import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.request

import chart

SERVER = chart.TOOLS / "server"
TOKEN = "token-of-the-tests"

KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "https://127.0.0.1:{port}", insecure-skip-tls-verify: true}}}}]
users: [{{name: u, user: {{token: {token}}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""

# Kinds of the Prometheus operator, with any content: it is held against their real schemas elsewhere.
OPERATOR_KINDS = [
    ("servicemonitors", "ServiceMonitor", "v1"),
    ("podmonitors", "PodMonitor", "v1"),
    ("prometheusrules", "PrometheusRule", "v1"),
    ("alertmanagerconfigs", "AlertmanagerConfig", "v1alpha1"),
]


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


class Cluster:
    """Runs from the start to `stop`."""

    def __init__(self):
        self.folder = chart.FOLDER / "cluster"
        self.folder.mkdir()
        self.processes = []
        self.ending = threading.Event()
        self.port = free_port()
        key, public = self.folder / "sa.key", self.folder / "sa.pub"
        chart.succeed("openssl", "genrsa", "-out", key, "2048")
        chart.succeed("openssl", "rsa", "-in", key, "-pubout", "-out", public)
        (self.folder / "tokens.csv").write_text(f'{TOKEN},tests,tests,"system:masters"\n')
        self.kubeconfig = self.folder / "kubeconfig"
        self.kubeconfig.write_text(KUBECONFIG.format(port=self.port, token=TOKEN))
        self.kubeconfig.chmod(0o600)
        store = f"http://127.0.0.1:{free_port()}"
        peer = f"http://127.0.0.1:{free_port()}"
        self.start(
            "etcd", f"--data-dir={self.folder}/etcd", f"--listen-client-urls={store}", f"--advertise-client-urls={store}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        )
        self.start(
            SERVER / "kube-apiserver", f"--etcd-servers={store}", "--bind-address=127.0.0.1", f"--secure-port={self.port}",
            "--insecure-port=0", f"--cert-dir={self.folder}/certs", "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={key}", f"--service-account-key-file={public}",
            f"--token-auth-file={self.folder}/tokens.csv", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24",
            "--disable-admission-plugins=ServiceAccount",
        )
        self.await_("the API server", lambda: self.ask("/readyz", raw=True) == "ok")
        self.start(
            SERVER / "kube-controller-manager", f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--port=0", "--secure-port=0",
            "--controllers=deployment,replicaset,statefulset,garbagecollector,namespace,disruption", "--bind-address=127.0.0.1",
        )
        for plural, kind, version in OPERATOR_KINDS:
            self.define(plural, kind, version)
        self.kubelet = threading.Thread(target=self.say_that_pods_run, daemon=True)
        self.kubelet.start()

    def start(self, *command):
        words = [str(word) for word in command]
        with open(self.folder / "log", "a") as log:
            self.processes.append(subprocess.Popen(words, stdout=log, stderr=log, cwd=self.folder))

    def stop(self):
        self.ending.set()
        self.kubelet.join()
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def await_(self, what, holds, seconds=120):
        until = time.monotonic() + seconds
        while not self.try_(holds):
            dead = [process.args[0] for process in self.processes if process.poll() is not None]
            log = (self.folder / "log").read_text()[-2000:]
            assert not dead and time.monotonic() < until, f"{what} did not come; ended: {dead}\n{log}"
            self.ending.wait(0.2)

    @staticmethod
    def try_(holds):
        try:
            return holds()
        except OSError:
            return False

    def ask(self, path, body=None, method=None, kind="application/json", raw=False):
        """A request to the API server."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind}
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            text = answer.read().decode()
        return text if raw else json.loads(text)

    def define(self, plural, kind, version):
        open_schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        spec = {
            "group": "monitoring.coreos.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind, "singular": kind.lower()},
            "versions": [{"name": version, "served": True, "storage": True, "schema": open_schema}],
        }
        name = {"name": f"{plural}.monitoring.coreos.com"}
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        self.ask(path, {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": name, "spec": spec})
        self.await_(kind, lambda: self.ask(f"/apis/monitoring.coreos.com/{version}/{plural}") is not None)

    def say_that_pods_run(self):
        while not self.ending.wait(0.2):
            self.try_(self.look_at_pods)

    def look_at_pods(self):
        for pod in self.ask("/api/v1/pods")["items"]:
            if pod["metadata"].get("deletionTimestamp") or pod["status"].get("phase") in ("Running", "Succeeded"):
                continue
            hook = "helm.sh/hook" in pod["metadata"].get("annotations", {})
            ready = {"type": "Ready", "status": "False" if hook else "True", "lastTransitionTime": pod["metadata"]["creationTimestamp"]}
            status = {"phase": "Succeeded" if hook else "Running", "conditions": [ready]}
            path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}/status"
            self.ask(path, {"status": status}, "PATCH", "application/merge-patch+json")

    def helm(self, helm, *arguments):
        home = {"HELM_CACHE_HOME": "cache", "HELM_CONFIG_HOME": "config", "HELM_DATA_HOME": "data"}
        environment = os.environ | {"KUBECONFIG": str(self.kubeconfig)} | {key: str(self.folder / value) for key, value in home.items()}
        return chart.run(helm, *arguments, env=environment)
