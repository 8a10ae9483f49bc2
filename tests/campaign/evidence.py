# SPDX-License-Identifier: GPL-2.0-or-later
"""What a state directory says, and what has to hold of it whatever cut it off."""
import collections
import csv
import datetime
import glob
import json
import os
import subprocess

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
B = os.path.join(TOP, os.environ.get("B", "build"))
SIZE_KB = int(os.environ.get("SIZE_KB", "28672"))
PULSE_TYPES = ("2", "3")
# Columns of a pulse file.
SEQ, TYPE, CARD_NS, OUTCOME, COLUMNS = 0, 2, 13, 17, 28


class Wrong(Exception):
    """What a cut has left is not as it has to be."""


def witnessed(path):
    """When the card gave each pulse."""
    with open(path, encoding="ascii", newline="") as f:
        return [int(r["t_ns"]) for r in csv.DictReader(f, delimiter="\t") if r["kind"] == "pulse"]


def lines_of(audit):
    """{(file, seq): columns} of all whole lines of pulse files."""
    lines = {}
    for path in glob.glob(os.path.join(audit, "pulses/*.tsv")):
        with open(path, encoding="ascii", errors="replace") as f:
            for line in f:
                words = line.rstrip("\n").split("\t")
                if line.endswith("\n") and len(words) == COLUMNS and words[SEQ].isdigit():
                    lines[(os.path.basename(path), int(words[SEQ]))] = words
    return lines


def pulses_of(audit):
    return {key: words for key, words in lines_of(audit).items() if words[TYPE] in PULSE_TYPES}


def is_delivery(words):
    return words[TYPE] == "3" and words[OUTCOME] == "0"


def records(audit):
    ret = []
    for path in sorted(glob.glob(os.path.join(audit, "log*.jsonl")), key=lambda p: (len(os.path.basename(p)), p)):
        with open(path, encoding="utf-8", errors="replace") as f:
            ret += [json.loads(line) for line in f if line.endswith("\n")]
    return ret


def types_of(audit):
    return collections.Counter(r["type"] for r in records(audit))


def behind(audit):
    """An hour behind the last record, by the clock of the machine that wrote it; seconds since 1970."""
    last = max((r["utc"] for r in records(audit)), default="2029-01-10T09:00:00.000000Z")
    return int(datetime.datetime.fromisoformat(last.replace("Z", "+00:00")).timestamp()) + 3600


def verify(audit, when, torn=False):
    """A prefix of itself, which may have a torn last line until a daemon has begun on it."""
    if not os.path.exists(os.path.join(audit, "log.jsonl")):
        return
    done = subprocess.run([os.path.join(B, "tmsctl"), "audit", "verify", audit], capture_output=True, text=True, check=False)
    if done.returncode not in ((8, 9) if torn else (8,)):
        raise Wrong(f"{when} the log does not verify ({done.returncode}): {(done.stdout + done.stderr).strip()}")


def accounted(audit, odometer):
    """What the card has counted is in the log, or said to be missing there."""
    delivered = sum(map(is_delivery, pulses_of(audit).values()))
    more = sum(r["data"]["found"] - r["data"]["expected"] for r in records(audit) if r["type"] == "stimulator.odometer")
    if delivered + more != odometer:
        raise Wrong(f"the card has counted {odometer} pulses, the log has {delivered} and {more} that are not explained")


def relied_on(audit, marks):
    """What the daemon relied on when the power failed is there; marks: see writes.Replay."""
    acknowledged = marks.get("acknowledged", (0, 0))[1]
    last = max((seq for _, seq in lines_of(audit)), default=0)
    if last + 1 < acknowledged:
        raise Wrong(f"all records below {acknowledged} were acknowledged, and the last one that is there is {last}")
    types = types_of(audit)
    for word in ("arm", "start"):
        if types[f"session.{word}.intent"] < marks.get(word, (0, 0))[0]:
            raise Wrong(f"the card was asked to {word}, and no session.{word}.intent is there")


def recover(disk, where):
    """The folder that the file system has after its own recovery."""
    image = os.path.join(where, "image")
    with open(image, "wb") as f:
        f.write(disk)
    done = subprocess.run(["e2fsck", "-fy", image], capture_output=True, text=True, check=False)
    if done.returncode & ~3:
        raise Wrong(f"e2fsck: {done.returncode}: {done.stdout.strip()}")
    state = os.path.join(where, "state")
    os.mkdir(state, 0o700)
    subprocess.run(["debugfs", "-R", f"rdump / {state}", image], capture_output=True, check=True)
    # The daemon's files are its own user's, which is whoever runs this.
    for folder, _, files in os.walk(state):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            os.chown(path, os.getuid(), os.getgid())
    return state
