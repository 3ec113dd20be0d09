#!/usr/bin/env python3
"""Whether alerts, their runbooks and their tests belong together, and the commands in the documents exist.

    alerts.py PROGRAM FOLDER DOCUMENT...        needs PyYAML

FOLDER has alerts.yml, alerts_test.yml and RUNBOOKS.md. What a rule means promtool judges; this looks that none was
left out. In each DOCUMENT, what is written as `bellwether …` has to be a command of PROGRAM.
"""

import re
import subprocess
import sys
from pathlib import Path

import yaml


def problems(folder):
    groups = yaml.safe_load((folder / "alerts.yml").read_text())["groups"]
    rules = {rule["alert"]: rule for group in groups for rule in group["rules"]}
    headings = set(re.findall(r"^## (\w+)$", (folder / "RUNBOOKS.md").read_text(), re.M))
    for name in sorted(rules.keys() - headings):
        yield f"{name} has no runbook"
    for name in sorted(headings - rules.keys()):
        yield f"the runbook {name} is of no alert"
    fires, quiet = set(), set()
    for test in yaml.safe_load((folder / "alerts_test.yml").read_text())["tests"]:
        for case in test["alert_rule_test"]:
            (fires if case["exp_alerts"] else quiet).add(case["alertname"])
    for name, rule in rules.items():
        if name not in fires or name not in quiet:
            yield f"{name} is not shown to {'fire' if name not in fires else 'stay quiet'}"
        wanted = f"deploy/prometheus/RUNBOOKS.md#{name.lower()}"
        if rule["annotations"].get("runbook") != wanted:
            yield f"{name}: the annotation `runbook` is not {wanted}"
        if not rule["annotations"].get("summary") or not rule["labels"].get("severity"):
            yield f"{name} has no summary or no severity"


def unknown_commands(program, documents):
    commands = set()
    for document in documents:
        # Lines that end in a backslash go on; a command with placeholders in capitals is cut off there.
        text = re.sub(r"\\\n\s*", " ", document.read_text())
        for words in re.findall(r"(?:^|[`$(]|\| |\w=\S+ )bellwether((?: [a-z-]+[a-z]\b(?![:/=.]))+)", text, re.M):
            commands.add(tuple(word for word in words.split() if not word.startswith("-"))[:2])
    for words in sorted(commands):
        for length in (2, 1):
            asked = subprocess.run([program, "help", *words[:length]], capture_output=True)
            if asked.returncode == 0:
                break
        else:
            yield f"there is no command `bellwether {' '.join(words)}`"
    if not commands:
        yield "no command was found in the documents"


def main():
    program, folder, *documents = sys.argv[1:]
    folder = Path(folder)
    found = list(problems(folder))
    found += unknown_commands(program, [folder / "RUNBOOKS.md", *map(Path, documents)])
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
