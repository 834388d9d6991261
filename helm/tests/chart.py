"""What the tests of the chart share: both versions of Helm, what they render, and what stands in the repository.

Never here: a test.
"""

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "helm" / "masternode-exporter"
EXAMPLE = ROOT / "helm" / "examples" / "node-with-sidecar"
TOOLS = ROOT / "target" / "kubernetes"
HELMS = [TOOLS / "helm3" / "helm", TOOLS / "helm4" / "helm"]
MATRIX = sorted((SOURCE / "ci").glob("*-values.yaml"))

# Kubernetes that the chart is rendered for: the oldest it supports, the last without native sidecars, and the newest known here.
KUBERNETES = ["1.20.2", "1.28", "1.37"]

# What tests write. Gone with the process.
_folder = tempfile.TemporaryDirectory(prefix="chart-", dir=TOOLS)
FOLDER = Path(_folder.name)


def run(*command, **more):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **more)


def succeed(*command, **more):
    done = run(*command, **more)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


@functools.cache
def packaged():
    """The chart as it is released: nothing outside the package can be what makes a test pass."""
    succeed(HELMS[1], "package", SOURCE, "--destination", FOLDER)
    (package,) = FOLDER.glob("masternode-exporter-*.tgz")
    shutil.unpack_archive(package, FOLDER / "package", filter="data")
    return package


@functools.cache
def unpacked():
    packaged()
    return FOLDER / "package" / "masternode-exporter"


def try_render(values=None, files=(), helm=HELMS[1], chart=None, kubernetes="1.37", release="rel"):
    """What `helm template` does. `values` is laid over `files`."""
    arguments = [word for file in files for word in ("--values", file)]
    if values is not None:
        path = Path(tempfile.mkstemp(suffix=".yaml", dir=FOLDER)[1])
        path.write_text(yaml.safe_dump(values))
        arguments += ["--values", path]
    chart = chart or unpacked()
    return run(helm, "template", release, chart, "--namespace", "ns", "--kube-version", kubernetes, *arguments)


class Loader(yaml.CSafeLoader):
    """Reads YAML as Kubernetes does: a lone `=` is a text."""


Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:value"]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def render(*arguments, **more):
    """The objects of a release."""
    done = try_render(*arguments, **more)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.load_all(done.stdout, Loader) if document]


def only(documents, kind, **labels):
    """The one object of a kind."""
    (found,) = [
        document
        for document in documents
        if document["kind"] == kind and labels.items() <= document["metadata"].get("labels", {}).items()
    ]
    return found


def pod_of(documents):
    """The pod of the Deployment or StatefulSet."""
    (workload,) = [document for document in documents if document["kind"] in ("Deployment", "StatefulSet")]
    return workload["spec"]["template"]


@functools.cache
def example():
    """The chart with the sidecar, with its dependency built of the package."""
    folder = FOLDER / "example"
    shutil.copytree(EXAMPLE, folder / "node-with-sidecar")
    shutil.copytree(unpacked(), folder / "masternode-exporter")
    built = folder / "node-with-sidecar"
    text = (built / "Chart.yaml").read_text()
    (built / "Chart.yaml").write_text(text.replace("file://../../masternode-exporter", "file://../masternode-exporter"))
    succeed(HELMS[1], "dependency", "build", built)
    return built


def exporter():
    """The exporter itself, to ask what it thinks of a configuration."""
    given = os.environ.get("MASTERNODE_EXPORTER_BINARY")
    places = [Path(given)] if given else [ROOT / "target" / build / "masternode-exporter" for build in ("release", "debug")]
    for place in places:
        if place.exists():
            return place
    raise AssertionError("there is no exporter to ask: cargo build --release, or set MASTERNODE_EXPORTER_BINARY")


IMAGE = {"image": {"registry": "registry.example.org"}}
DEMO = IMAGE | {"demo": {"enabled": True}}
NODE = IMAGE | {"config": {"networks": [{"name": "dash-main", "sources": [{"name": "node", "url": "http://dashd:9998"}]}]}}
