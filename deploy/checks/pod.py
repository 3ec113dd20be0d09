#!/usr/bin/env python3
"""Runs the pods of Kubernetes manifests with the real program, as a kubelet would, and prints what one tells Prometheus.

    pod.py PROGRAM MANIFEST...        needs PyYAML; root, unshare, ip, bwrap, setpriv, openssl

Two pods of the workload start in a network namespace of their own, each with what its manifest says: user, root file
system, environment, arguments, volumes. Then its probes are asked, until both are ready, and it is stopped within its
grace period. Exit code 77: that cannot be done here.
"""

import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import yaml

# Addresses for documentation; they exist on the loopback of the namespace only.
ADDRESSES = ["192.0.2.1", "192.0.2.2"]
WITHIN_S = 60
TOOLS = ["unshare", "ip", "bwrap", "setpriv", "openssl"]
# What the image has beside the program: the C library, and nothing to run.
IMAGE = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"]


class Failed(Exception):
    pass


class Pod:
    """One pod of a workload, its volumes in a folder, its address on the loopback."""

    def __init__(self, program, documents, folder, index, secrets):
        self.documents, self.folder, self.secrets = documents, folder, secrets
        workload = next(d for d in documents if d["kind"] in ("DaemonSet", "StatefulSet"))
        self.template = workload["spec"]["template"]
        self.spec = self.template["spec"]
        self.address = ADDRESSES[index]
        self.namespace = workload["metadata"].get("namespace", "default")
        self.name = f"{workload['metadata']['name']}-{index}"
        self.container = self.spec["containers"][0]
        self.program = program
        self.variables = self._variables()
        self.http_port = None
        folder.mkdir()
        folder.chmod(0o755)

    def _field(self, path):
        fields = {
            "metadata.name": self.name,
            "metadata.namespace": self.namespace,
            "spec.nodeName": f"host-{self.address.split('.')[-1]}.example",
            "status.podIP": self.address,
            "status.hostIP": self.address,
        }
        if path not in fields:
            raise Failed(f"{self.name}: the field {path} is not one of {', '.join(fields)}")
        return fields[path]

    def _variables(self):
        variables = {}
        for entry in self.container.get("env", []):
            source = entry.get("valueFrom")
            value = self._field(source["fieldRef"]["fieldPath"]) if source else entry["value"]
            variables[entry["name"]] = expanded(value, variables)
        return variables

    def _volume(self, name):
        """The folder of a volume, filled, with the rights a kubelet gives it."""
        context = self.spec.get("securityContext", {})
        group = context.get("fsGroup", 0)
        volume = next((v for v in self.spec.get("volumes", []) if v["name"] == name), None)
        if volume is None:
            raise Failed(f"{self.name}: the volume {name} is mounted and not there")
        path = self.folder / name
        path.mkdir(exist_ok=True)
        if "configMap" in volume:
            wanted = volume["configMap"]["name"]
            maps = (d for d in self.documents if d["kind"] == "ConfigMap" and d["metadata"]["name"] == wanted)
            files, mode = next(maps)["data"], volume["configMap"].get("defaultMode", 0o644)
        elif "secret" in volume:
            files, mode = self.secrets[volume["secret"]["secretName"]], volume["secret"].get("defaultMode", 0o644)
        elif "emptyDir" in volume:
            files, mode = {}, 0o644
        elif "hostPath" in volume:
            # Made by the kubelet as root's; what an init container does to it is done here.
            owner = 65532 if self.spec.get("initContainers") else 0
            os.chown(path, owner, owner)
            return path
        else:
            raise Failed(f"{self.name}: what kind of volume is {name}?")
        for file, text in files.items():
            (path / file).write_text(text)
            os.chown(path / file, 0, group)
            (path / file).chmod(mode)
        os.chown(path, 0, group)
        path.chmod(0o2775)
        return path

    def start(self):
        context = self.spec.get("securityContext", {}) | self.container.get("securityContext", {})
        if not (context.get("runAsNonRoot") and context.get("readOnlyRootFilesystem")):
            raise Failed(f"{self.name}: it would run as root, or on a root file system that can be written to")
        hosts = self.folder / "hosts"
        # As the headless service answers: with all pods.
        mesh = [d["metadata"]["name"] for d in self.documents if d["kind"] == "Service" and d["spec"].get("clusterIP") == "None"]
        hosts.write_text("".join(f"{a} {name}\n" for a in ADDRESSES for name in mesh) + "127.0.0.1 localhost\n")
        sandbox = ["bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--as-pid-1", "--clearenv"]
        sandbox += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
        for folder in IMAGE:
            sandbox += ["--ro-bind-try", folder, folder]
        # bwrap makes the folders above a file for root alone.
        parents = {"/etc", "/usr/bin"}
        for mount in self.container.get("volumeMounts", []):
            parents |= {str(parent) for parent in Path(mount["mountPath"]).parents} - {"/"}
        for folder in sorted(parents):
            sandbox += ["--dir", folder]
        sandbox += ["--ro-bind", shutil.which("setpriv"), "/setpriv", "--ro-bind", str(hosts), "/etc/hosts"]
        sandbox += ["--ro-bind", self.program, "/usr/bin/bellwether", "--proc", "/proc", "--dev", "/dev"]
        for mount in self.container.get("volumeMounts", []):
            read_only = "--ro-bind" if mount.get("readOnly") else "--bind"
            sandbox += [read_only, str(self._volume(mount["name"])), mount["mountPath"]]
        for name, value in self.variables.items():
            sandbox += ["--setenv", name, value]
        sandbox += ["--remount-ro", "/"]
        user, group = context["runAsUser"], context["runAsGroup"]
        groups = ",".join(str(g) for g in {group, context.get("fsGroup", group)})
        sandbox += ["/setpriv", f"--reuid={user}", f"--regid={group}", f"--groups={groups}", "--bounding-set=-all"]
        sandbox += ["--inh-caps=-all", "--no-new-privs", "/usr/bin/bellwether"]
        sandbox += [expanded(argument, self.variables) for argument in self.container.get("args", [])]
        self.log = open(self.folder / "log", "w+")
        self.process = subprocess.Popen(sandbox, stdout=self.log, stderr=subprocess.STDOUT)

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def ask(self, get, headers=None):
        """The status of an HTTP GET as the kubelet sends it, and its text; None while nobody answers."""
        ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        port = self.http_port or ports.get(get["port"], get["port"])
        if not isinstance(port, int):
            raise Failed(f"{self.name}: no port is called {port}")
        url = f"{get.get('scheme', 'HTTP').lower()}://{self.address}:{port}{get['path']}"
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        try:
            request = urllib.request.Request(url, headers=headers or {})
            with urllib.request.urlopen(request, timeout=5, context=anybody) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as err:
            return err.code, err.read().decode()
        except (OSError, http.client.HTTPException):
            return None, ""

    def until_probes_pass(self):
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            deadline = time.monotonic() + WITHIN_S
            while (status := self.ask(self.container[probe]["httpGet"])[0]) != 200:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise Failed(f"{self.name}: {probe} answers {status}\n{self.said()}")
                time.sleep(0.1)

    def stop(self):
        """As a kubelet: SIGTERM, and what is left of the grace period once preStop has slept."""
        pause = self.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        grace = self.spec.get("terminationGracePeriodSeconds", 30) - pause
        # bwrap is process 1 of nothing: the program is, and bwrap its parent out here.
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGTERM)
        try:
            code = self.process.wait(timeout=grace)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed(f"{self.name}: it did not stop within {grace} s\n{self.said()}") from None
        if code != 0:
            raise Failed(f"{self.name}: it stopped with exit code {code}\n{self.said()}")


def expanded(text, variables):
    return re.sub(r"\$\(([A-Za-z_]\w*)\)", lambda m: variables.get(m[1], m[0]), text)


def run(program, manifests):
    documents = [d for file in manifests for d in yaml.safe_load_all(Path(file).read_text()) if d]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in ADDRESSES:
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        scratch.chmod(0o755)
        secrets, ca, token = make_secrets(program, documents, scratch)
        pods = []
        for index in range(len(ADDRESSES)):
            pod = Pod(program, documents, scratch / str(index), index, secrets)
            if index > 0:
                # All pods share one loopback here, on which the first has its port at every address.
                pod.http_port = 7481
                pod.variables["BELLWETHER_HTTP"] = f"{pod.address}:{pod.http_port}"
            pods.append(pod)
        try:
            for pod in pods:
                pod.start()
            for pod in pods:
                pod.until_probes_pass()
            look(pods, token, ca)
            for pod in pods:
                pod.stop()
        finally:
            for pod in pods:
                if hasattr(pod, "process") and pod.process.poll() is None:
                    pod.process.kill()
                    pod.process.wait()


def look(pods, token, ca):
    """Prometheus comes in with its token and not without, and sees that the nodes have met."""
    get = dict(pods[0].container["livenessProbe"]["httpGet"], path="/metrics")
    status, text = pods[0].ask(get)
    insecure = get.get("scheme", "HTTP") == "HTTP"
    if insecure != (status == 200):
        raise Failed(f"/metrics without a token answers {status}: {text[:200]}")
    shown = {} if insecure else {"Authorization": f"Bearer {token}"}
    status, text = pods[0].ask(get, shown)
    if status != 200:
        raise Failed(f"/metrics with the token of `prometheus` answers {status}: {text[:200]}")
    if 'bellwether_members{state="alive"} 1\n' not in text:
        raise Failed("the nodes have not met:\n" + text)
    print(text, end="")
    # A program that dials the service's name, with the certificate checked.
    service = next(d for d in pods[0].documents if d["kind"] == "Service" and d["spec"].get("clusterIP") != "None")
    name = f"{service['metadata']['name']}.{pods[0].namespace}.svc"
    Path("/etc/hosts").write_text(f"{pods[0].address} {name}\n")
    port = service["spec"]["ports"][0]["port"]
    context = ssl.create_default_context(cafile=ca)
    request = urllib.request.Request(f"{'http' if insecure else 'https'}://{name}:{port}/v1/members", headers=shown)
    try:
        with urllib.request.urlopen(request, timeout=5, context=context) as answer:
            members = json.load(answer)
    except OSError as err:
        raise Failed(f"{request.full_url}: {err}") from None
    if len(members) != len(pods):
        raise Failed(f"{request.full_url}: {members}")


def make_secrets(program, documents, scratch):
    """What README.md has an operator make: the mesh's secret, the door's certificate, and Prometheus' token."""
    namespace = next(d for d in documents if d["kind"] in ("DaemonSet", "StatefulSet"))["metadata"].get("namespace", "default")
    service = next(d for d in documents if d["kind"] == "Service" and d["spec"].get("clusterIP") != "None")
    secret = subprocess.run([program, "secret", "new"], check=True, capture_output=True, text=True).stdout
    key, certificate = scratch / "tls.key", scratch / "tls.crt"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=bellwether", "-keyout", str(key), "-out", str(certificate)]
    command += ["-addext", f"subjectAltName=DNS:{service['metadata']['name']}.{namespace}.svc"]
    subprocess.run(command, check=True, capture_output=True)
    environment = os.environ | {"SECRET_KEY_BASE": secret.strip()}
    config = next(d for d in documents if d["kind"] == "ConfigMap")["data"]["bellwether.toml"]
    cluster = tomllib.loads(config).get("cluster", "bellwether")
    token = [program, "token", "new", "--cluster", cluster, "--name", "prometheus"]
    token = subprocess.run(token, check=True, capture_output=True, text=True, env=environment).stdout.strip()
    files = {"secret": secret}, {"tls.crt": certificate.read_text(), "tls.key": key.read_text()}
    workload = next(d for d in documents if d["kind"] in ("DaemonSet", "StatefulSet"))
    secrets = {}
    for volume in workload["spec"]["template"]["spec"]["volumes"]:
        if "secret" in volume:
            secrets[volume["secret"]["secretName"]] = files[0] if volume["name"] == "secret" else files[1]
    return secrets, certificate, token


def main():
    if sys.argv[1] == "--inside":
        # Names are looked up here as the pods' network has them.
        with tempfile.NamedTemporaryFile() as hosts:
            subprocess.run(["mount", "--bind", hosts.name, "/etc/hosts"], check=True)
            try:
                run(os.path.abspath(sys.argv[2]), sys.argv[3:])
            except Failed as err:
                sys.exit(str(err))
        return
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if os.geteuid() != 0 or missing:
        print(f"not installed: {', '.join(missing)}" if missing else "it takes root to run pods")
        sys.exit(77)
    inside = ["unshare", "--net", "--mount", sys.executable, os.path.abspath(__file__), "--inside"]
    os.execvp("unshare", inside + sys.argv[1:])


if __name__ == "__main__":
    main()
