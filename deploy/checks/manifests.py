#!/usr/bin/env python3
"""Judges Kubernetes manifests by Kubernetes' own schemas, and whether what names something else names something there.

    manifests.py MANIFEST...        needs PyYAML and kubernetes-validate

Strictly, for the oldest version that deploy/README.md promises and for the newest that has schemas here.
"""

import sys
from pathlib import Path

import kubernetes_validate
import yaml

OLDEST = "1.30"
VERSIONS = [OLDEST, kubernetes_validate.latest_version()]
# Of others, whose schemas are nowhere to be had here.
FOREIGN = {"Certificate", "PodMonitor"}


def problems(documents):
    for document in documents:
        kind, name = document["kind"], document["metadata"]["name"]
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.SchemaNotFoundError:
                if kind not in FOREIGN:
                    yield f"{kind} {name}: Kubernetes {version} has no {document['apiVersion']} {kind}"
            except kubernetes_validate.ValidationError as err:
                where = "/".join(str(part) for part in err.path)
                yield f"{kind} {name}, Kubernetes {version}: {where}: {err.message}"
    workloads = [d for d in documents if d["kind"] in ("DaemonSet", "StatefulSet")]
    if len(workloads) != 1:
        yield f"there are {len(workloads)} workloads, not one"
        return
    yield from references(documents, workloads[0])


def references(documents, workload):
    labels = workload["spec"]["template"]["metadata"]["labels"]
    ports = {port["name"] for c in workload["spec"]["template"]["spec"]["containers"] for port in c["ports"]}
    names = {(d["kind"], d["metadata"]["name"]) for d in documents}
    space = workload["metadata"]["namespace"]
    for document in documents:
        spec, what = document.get("spec", {}), f"{document['kind']} {document['metadata']['name']}"
        if document["kind"] != "Namespace" and document["metadata"].get("namespace") != space:
            yield f"{what}: is not in the namespace {space}"
        selector = spec.get("selector") or spec.get("podSelector") or {}
        selector = selector.get("matchLabels", selector)
        if document["kind"] in ("Service", "PodDisruptionBudget", "NetworkPolicy", "PodMonitor", workload["kind"]):
            if not selector or not selector.items() <= labels.items():
                yield f"{what}: selects {selector}, the pods have {labels}"
        for port in spec.get("ports", []) if document["kind"] == "Service" else spec.get("podMetricsEndpoints", []):
            target = port.get("targetPort", port.get("port") if document["kind"] == "PodMonitor" else None)
            if isinstance(target, str) and target not in ports:
                yield f"{what}: no port of the pods is called {target}"
    if workload["kind"] == "StatefulSet" and ("Service", workload["spec"]["serviceName"]) not in names:
        yield f"the service {workload['spec']['serviceName']} is not there"
    for volume in workload["spec"]["template"]["spec"]["volumes"]:
        wanted = volume.get("configMap", {}).get("name")
        if wanted and ("ConfigMap", wanted) not in names:
            yield f"the ConfigMap {wanted} is not there"


def main():
    documents = [d for file in sys.argv[1:] for d in yaml.safe_load_all(Path(file).read_text()) if d]
    documents = [d for d in documents if d["kind"] != "Kustomization"]
    found = list(problems(documents))
    if found or not documents:
        sys.exit("\n".join(found) or "there are no manifests")
    print(", ".join(VERSIONS))


if __name__ == "__main__":
    main()
