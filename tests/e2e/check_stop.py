#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Was every Stop obeyed in time, whatever went wrong around it?

check_stop.py DIR: DIR/vm/stop.tsv and DIR/vm/trace.txt of the machine, DIR/witness.tsv and
DIR/witness.tsv.1 of its cards. All times are virtual: an instruction is a nanosecond. Prints TAP.
"""
import collections
import csv
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402

MS = 10**6
# From the moment at which the bus has written the call to the daemon's socket to the card's SAFE.
ARRIVAL_TO_SAFE_NS = 2 * MS
# From the call to SAFE, with a bus that is itself busy, and otherwise. The answer's own way back is bounded only where
# the bus is not busy: behind a flood it stands in the bus's queue, whatever the daemon does.
CALL_NS = {"1": 50 * MS, "0": 10 * MS}
# The machine's clock against the virtual one: measured at each Stop, good to this.
CLOCK_NS = 5000


def read_arrivals(path):
    """Serial number to the CLOCK_MONOTONIC times at which the bus tried to pass that call on; the last one did."""
    line = re.compile(r"^\s*dbus-daemon-\d+\s.*\s(\d+)\.(\d+): sent: .* serial=(\d+)$")
    arrivals = collections.defaultdict(list)
    with open(path, encoding="ascii", errors="replace") as f:
        for text in f:
            m = line.match(text)
            if m:
                arrivals[int(m[3])].append(int(m[1]) * 10**9 + int(m[2].ljust(9, "0")))
    return arrivals


class Judge:
    def __init__(self, directory):
        self.arrivals = read_arrivals(os.path.join(directory, "vm/trace.txt"))
        self.pulses = [[p["t_ns"] for p in compare.read_witness(os.path.join(directory, name))[0]]
                       for name in ("witness.tsv", "witness.tsv.1")]
        self.worst = collections.defaultdict(lambda: [0, 0, 0])

    def stop(self, row):
        """What is wrong with this Stop."""
        call, reply, until = int(row["call_ns"]), int(row["reply_ns"]), int(row["until_ns"])
        bound, worst = CALL_NS[row["flood"]], self.worst[row["trouble"]]
        if row["flood"] == "0" and reply - call > bound:
            yield f"answered {(reply - call) / MS:.3f} ms after the call"
        worst[2] = max(worst[2], reply - call)
        late = [t for t in self.pulses[int(row["card"])] if reply < t <= until]
        if late:
            yield f"{len(late)} pulses after the answer, the first {(late[0] - reply) / MS:.3f} ms"
        if row["error"] != "-":
            yield f"answered with {row['error']}"
        if row["call"] == "Session.Pause":
            return
        if row["safe"] != "1":
            yield "the card was not SAFE at the answer"
            return
        safe = int(row["safe_ns"])
        arrived = [t + int(row["offset_ns"]) for t in self.arrivals.get(int(row["cookie"]), [])]
        if not arrived:
            yield "nobody saw the bus pass it on"
            return
        # SAFE before the call, where the session's own end or its step was so. A card that was looked at just before the
        # call may have been armed between the two, by what the session's owner had asked for: then it counts as the others.
        if row["ran"] == "1" or safe > call:
            worst[0] = max(worst[0], safe - arrived[-1])
            worst[1] = max(worst[1], safe - call)
            if safe - arrived[-1] > ARRIVAL_TO_SAFE_NS + CLOCK_NS:
                yield f"SAFE {(safe - arrived[-1]) / MS:.3f} ms after it came to the daemon's socket"
            if safe - call > bound:
                yield f"SAFE {(safe - call) / MS:.3f} ms after the call"

    def fired(self, row):
        """A card that is said to have fired until then: its pulses are what shows that Stop has an effect."""
        call = int(row["call_ns"])
        return any(call - 1000 * MS < t <= call for t in self.pulses[int(row["card"])])


def main():
    directory = sys.argv[1]
    judge = Judge(directory)
    results = []
    with open(os.path.join(directory, "vm/stop.tsv"), encoding="ascii") as f:
        rows = list(csv.DictReader(f, delimiter="\t"))

    stopped_before = set()
    for row in rows:
        name = f"{row['trouble']}: {row['step']}: {row['call']} of " \
               f"{'the same' if row['card'] == '0' else 'another'} card"
        wrong = list(judge.stop(row))
        key = (row["scene"], row["card"])
        if row["card"] == "1" and key not in stopped_before:
            if row["ran"] != "1":
                wrong.append("the other card had ended by itself before")
            elif not judge.fired(row):
                wrong.append("the other card did not fire before")
        stopped_before.add(key)
        results.append((name, wrong))

    for trouble, (arrival, safe, reply) in judge.worst.items():
        print(f"# {trouble}: at most {arrival / MS:.3f} ms from the daemon's socket to SAFE, {safe / MS:.3f} ms from the "
              f"call to SAFE, {reply / MS:.3f} ms to the answer")
    with open(os.path.join(directory, "vm/verify.status"), encoding="ascii") as f:
        status = f.read().strip()
    with open(os.path.join(directory, "vm/verify.txt"), encoding="utf-8") as f:
        results.append(("the audit log verifies afterwards", [] if status == "0" else [f.read().strip()]))
    for n, (name, wrong) in enumerate(results, 1):
        print(f"{'not ok' if wrong else 'ok'} {n} - {name}")
        for line in wrong:
            print(f"# {line}")
    print(f"1..{len(results)}")
    return 1 if any(wrong for _, wrong in results) else 0


if __name__ == "__main__":
    sys.exit(main())
