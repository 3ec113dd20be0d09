#!/usr/bin/env python3
"""Helm's own linter and engine on a chart, by the library that the PyPI package `helm-sdkpy` carries.

    helm.py present                                          whether the library is there, and for this machine
    helm.py lint CHART
    helm.py render CHART NAMESPACE RELEASE [VALUES.json]     prints the manifests, and on stderr the notes

Helm installs only into a cluster. So this answers as the API server of an empty one that takes everything, and what is
printed is what Helm stored there as the release: rendered by its engine, its values judged by the chart's schema.
"""

import base64
import ctypes
import gzip
import http.server
import importlib.util
import json
import pathlib
import platform
import re
import sys
import tempfile
import threading

KINDS = {
    "v1": ["ConfigMap", "Secret", "Service", "Namespace"],
    "apps/v1": ["DaemonSet", "StatefulSet"],
    "networking.k8s.io/v1": ["NetworkPolicy"],
    "policy/v1": ["PodDisruptionBudget"],
    "cert-manager.io/v1": ["Certificate"],
    "monitoring.coreos.com/v1": ["PodMonitor"],
}
WARNING = 2


class Cluster(http.server.BaseHTTPRequestHandler):
    """An API server that has nothing, takes what it is given, and keeps Helm's releases."""

    releases = []

    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/version":
            self.answer(200, {"major": "1", "minor": "31", "gitVersion": "v1.31.0"})
        elif path == "/api":
            self.answer(200, {"kind": "APIVersions", "versions": ["v1"]})
        elif path == "/apis":
            groups = [group.split("/") for group in KINDS if "/" in group]
            version = lambda g, v: {"groupVersion": f"{g}/{v}", "version": v}  # noqa: E731
            groups = [{"name": g, "versions": [version(g, v)], "preferredVersion": version(g, v)} for g, v in groups]
            self.answer(200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        elif (group := path.removeprefix("/apis/").removeprefix("/api/")) in KINDS:
            resources = [
                {"name": plural(kind), "kind": kind, "namespaced": kind != "Namespace", "verbs": ["get", "create"]}
                for kind in KINDS[group]
            ]
            self.answer(200, {"kind": "APIResourceList", "groupVersion": group, "resources": resources})
        elif path.endswith("/secrets"):
            self.answer(200, {"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": []})
        else:
            self.answer(404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404})

    def do_POST(self):
        given = self.rfile.read(int(self.headers["Content-Length"]))
        if "protobuf" in self.headers["Content-Type"]:
            # Helm's own secret, the release: gzipped JSON in base64, whose first letters are the mark of gzip.
            release = re.search(rb"H4sI[A-Za-z0-9+/]+=*", given)
            self.releases.append(json.loads(gzip.decompress(base64.b64decode(release[0]))))
            self.answer(201, {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "release"}})
        else:
            self.answer(201, json.loads(given))

    def do_PUT(self):
        self.do_POST()

    def answer(self, code, what):
        body = json.dumps(what).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def plural(kind):
    return kind.lower()[:-1] + "ies" if kind.endswith("y") else kind.lower() + "s"


class Helm:
    """Helm for one namespace, in one cluster."""

    def __init__(self, namespace, server):
        # Beside the package's own Python, which wants a newer one than many systems have.
        package = importlib.util.find_spec("helm_sdkpy")
        if package is None:
            sys.exit("helm-sdkpy is not installed: scripts/install-deploy-tools")
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        folder = pathlib.Path(package.origin).parent / "_lib" / f"linux-{machine}"
        self.library = ctypes.CDLL(str(folder / "libhelm_sdkpy.so"))
        self.library.helm_sdkpy_last_error.restype = ctypes.c_char_p
        self.handle = ctypes.c_ulonglong()
        access = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {}}],
            "current-context": "c",
        }
        # Read when Helm first asks the cluster, so it stays until this process ends.
        self.access = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(access, self.access)
        self.access.flush()
        arguments = [text.encode() for text in (namespace, self.access.name, "", "{}")]
        self.ask("config_create", *arguments, ctypes.byref(self.handle))

    def ask(self, function, *arguments):
        if getattr(self.library, f"helm_sdkpy_{function}")(*arguments) != 0:
            sys.exit((self.library.helm_sdkpy_last_error() or b"Helm failed and says nothing").decode())

    def lint(self, chart):
        out = ctypes.c_char_p()
        self.ask("lint", self.handle, chart.encode(), ctypes.byref(out))
        return json.loads(out.value)

    def install(self, chart, release, values):
        out = ctypes.c_char_p()
        options = json.dumps({"disable_openapi_validation": True, "wait": False}).encode()
        arguments = [text.encode() for text in (release, chart, values, "")]
        self.ask("install", self.handle, *arguments, options, ctypes.byref(out))


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Cluster)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    if sys.argv[1] == "present":
        Helm("default", address)
        return
    if sys.argv[1] == "lint":
        said = Helm("default", address).lint(sys.argv[2])
        # The library keeps the words of a finding to itself; rendering says them.
        found = [f"{message['Path']}: severity {message['Severity']}" for message in said["Messages"] or []]
        found = [text for text, message in zip(found, said["Messages"] or []) if message["Severity"] >= WARNING]
        if found or said.get("Errors") or said["TotalChartsLinted"] != 1:
            sys.exit("\n".join(found) or json.dumps(said))
        return
    chart, namespace, release = sys.argv[2:5]
    values = pathlib.Path(sys.argv[5]).read_text() if len(sys.argv) > 5 else "{}"
    Helm(namespace, address).install(chart, release, values)
    kept = Cluster.releases[0]
    print(kept["manifest"])
    print(kept["info"]["notes"], file=sys.stderr)


if __name__ == "__main__":
    main()
