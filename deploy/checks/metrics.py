#!/usr/bin/env python3
"""Whether rules and dashboards ask for metrics that nodes have, in queries that Prometheus understands.

    metrics.py queries DASHBOARD.json             prints the dashboard's queries as a rule file, for `promtool check rules`
    metrics.py names METRICS.txt FILE...          METRICS.txt: what a node of a mesh answers at /metrics

Names are looked up by family; a label that a query names has to be one of the family's samples, where there are any.
"""

import json
import re
import sys
from pathlib import Path

import yaml

# Of Prometheus itself, or given to targets when they are scraped.
OF_TARGETS = {"job", "mesh", "node", "instance"}
# Of rules and histograms, not of samples.
OF_QUERIES = {"le", "of"}


def queries(file):
    if file.suffix == ".json":
        dashboard = json.loads(file.read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                yield panel["title"], target["expr"]
        for entry in dashboard["annotations"]["list"]:
            yield entry["name"], entry["expr"]
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                yield variable["name"], re.sub(r"label_values\((.*), \w+\)", r"\1", variable["definition"])
    else:
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                yield rule["alert"], rule["expr"]


def structure(file):
    """What Grafana would show wrongly without a word."""
    dashboard = json.loads(file.read_text())
    panels = dashboard["panels"]
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    if len({panel["id"] for panel in panels}) != len(panels):
        yield "two panels have the same id"
    taken = {}
    for panel in panels:
        title, at = panel["title"], panel["gridPos"]
        if at["x"] + at["w"] > 24:
            yield f"{title}: wider than the page"
        for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            if taken.setdefault(cell, title) != title:
                yield f"{title}: lies over {taken[cell]}"
                break
        if panel["type"] != "row" and not panel.get("targets"):
            yield f"{title}: asks for nothing"
        for target in panel.get("targets", []):
            if target["datasource"]["uid"] != "${datasource}":
                yield f"{title}: is bound to one data source"
            for name in re.findall(r"\$(\w+)", target["expr"]):
                if name not in variables and not name.startswith("__"):
                    yield f"{title}: there is no variable ${name}"


def families(text):
    """The labels of each family; None where it has no samples."""
    found = {name: None for name in re.findall(r"^# TYPE (\w+) ", text, re.M)}
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)", text, re.M))
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.M):
        family = name
        if family not in found:
            family = re.sub(r"_(bucket|sum|count)$", "", name)
        found[family] = (found.get(family) or set()) | set(re.findall(r'(\w+)="', labels))
    for name, kind in kinds.items():
        if kind == "histogram":
            for part in ("bucket", "sum", "count"):
                found[f"{name}_{part}"] = found[name]
    return found


def unknown(known, file):
    for title, query in queries(file):
        for name, labels in re.findall(r"\b((?:bellwether|process)_\w+)(?:\{(.*?)\})?", query):
            if name not in known:
                yield f"{file.name}, {title}: nodes have no {name}"
            elif known[name] is not None:
                for label in set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', labels)) - known[name] - OF_TARGETS:
                    yield f"{file.name}, {title}: {name} has no label {label}"
        named = {name for name in re.findall(r"\b((?:bellwether|process)_\w+)", query) if known.get(name)}
        of_samples = set().union(*(known[name] for name in named)) if named else None
        for grouped in re.findall(r"\bby \(([\w, ]+)\)", query):
            for label in set(grouped.replace(" ", "").split(",")) - OF_TARGETS - OF_QUERIES:
                if of_samples is not None and label not in of_samples:
                    yield f"{file.name}, {title}: nothing it asks for has a label {label}"


def main():
    if sys.argv[1] == "queries":
        file = Path(sys.argv[2])
        wrong = list(structure(file))
        if wrong:
            sys.exit("\n".join(wrong))
        rules = []
        for number, (_, query) in enumerate(queries(file)):
            query = re.sub(r"\$__(rate_)?interval", "5m", query)
            rules.append({"record": f"query:{number}", "expr": re.sub(r"\$\w+", ".*", query)})
        print(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
        return
    known = families(Path(sys.argv[2]).read_text())
    wrong = sorted({text for file in sys.argv[3:] for text in unknown(known, Path(file))})
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
