#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""report.py COVERAGE.json UNREACHED: what gcovr counted, as a table of folders, and the lines of safety-relevant folders that
nothing ran. UNREACHED says of some why no test reaches them; a row is a file, a tab, a regular expression that is in the line, a
tab, and the reason. Fails when such a line has no reason."""
import collections
import json
import os
import re
import sys

SAFETY = ("lib/policy", "lib/dose", "lib/protocol", "daemon/gates", "daemon/treat", "daemon/record",
          "daemon/course")


def read_reasons(path):
    rows = []
    for line in open(path, encoding="utf-8"):
        line = line.rstrip("\n")
        if line and not line.startswith("#"):
            name, text, reason = line.split("\t")
            rows.append({"file": name, "text": re.compile(text), "reason": reason, "lines": 0})
    return rows


def main():
    files = json.load(open(sys.argv[1], encoding="utf-8"))["files"]
    reasons = read_reasons(sys.argv[2])
    folders = collections.defaultdict(lambda: [0, 0])
    bare = []
    for f in sorted(files, key=lambda f: f["file"]):
        name = f["file"]
        folder = os.path.dirname(name)
        source = open(name, encoding="utf-8").read().split("\n")
        # A line that several functions have (an inline one of a header) is run if any of them was.
        runs = collections.Counter()
        for line in f["lines"]:
            if not line.get("gcovr/noncode"):
                runs[line["line_number"]] += line["count"]
        folders[folder][0] += sum(1 for n in runs.values() if n)
        folders[folder][1] += len(runs)
        for number in sorted(n for n, count in runs.items() if not count and folder in SAFETY):
            text = source[number - 1].strip()
            known = [r for r in reasons if r["file"] in (name, "*") and r["text"].search(text)]
            for r in known[:1]:
                r["lines"] += 1
            if not known:
                bare.append(f"{name}:{number}: {text}")

    print(f"{'folder':<16} {'run':>6} {'lines':>6}")
    for folder in sorted(folders):
        run, lines = folders[folder]
        print(f"{folder:<16} {run:>6} {lines:>6} {100 * run / lines:5.1f} %{'  safety-relevant' if folder in SAFETY else ''}")
    run, lines = (sum(column) for column in zip(*folders.values()))
    print(f"{'all':<16} {run:>6} {lines:>6} {100 * run / lines:5.1f} %")

    print(f"coverage: {sum(r['lines'] for r in reasons)} lines of safety-relevant folders are not run, with a reason in {sys.argv[2]}; "
          f"{len(bare)} without one")
    for line in bare:
        print(f"  {line}")
    debts = sum(r["lines"] for r in reasons if r["reason"].startswith("no test:"))
    print(f"coverage: {debts} of the lines with a reason are a debt: a test could run them")
    for r in reasons:
        if not r["lines"]:
            print(f"coverage: {sys.argv[2]}: all such lines are run: {r['file']}: {r['text'].pattern}")
    return 1 if bare else 0


sys.exit(main())
