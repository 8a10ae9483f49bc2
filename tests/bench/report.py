#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""From what the virtual machines left to a table and bench.json.

report.py DIR: DIR has one folder for each machine, with the card's witness.tsv
and what its job wrote: runs, faults, *.cyclictest, *.trace, reads-*.json; and
the files race and record, from the host. Times at the witness are virtual, an instruction a nanosecond.
Exit status 0: all was measured, whether or not the targets are met.
"""
import argparse
import glob
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import compare  # noqa: E402
import read_protocol  # noqa: E402

NS_PER_S = 10**9


class Unmeasured(Exception):
    """A figure that cannot be had, or means nothing; says why."""


def fields(line):
    """A line of KEY=VALUE words as a dictionary, numbers as numbers."""
    pairs = re.findall(r"(\w+)=(\S+)", line)
    return {k: int(v) if re.fullmatch(r"-?[0-9]+", v) else v for k, v in pairs}


def lines_of(*path):
    try:
        with open(os.path.join(*path), encoding="utf-8") as f:
            return f.read().splitlines()
    except FileNotFoundError:
        raise Unmeasured(f"{os.path.join(*path)} is missing") from None


class Machine:
    """One boot: its runs, its witness, its peer."""

    def __init__(self, path):
        self.name, self.path = os.path.basename(path), path
        self.runs = {r["name"]: r for r in map(fields, lines_of(path, "runs"))}
        self.pulses, self.refused = compare.read_witness(os.path.join(path, "witness.tsv"))

    def has(self, name):
        return os.path.exists(os.path.join(self.path, name))

    def peer_ns(self):
        """The worst that cyclictest saw in this boot."""
        worst = [int(m) for path in glob.glob(os.path.join(self.path, "*.cyclictest"))
                 for m in re.findall(r"Max:\s*([0-9]+)", "\n".join(lines_of(path)))]
        if not worst:
            raise Unmeasured(f"{self.name}: cyclictest left nothing")
        return max(worst)

    def trace(self, name):
        """(time in ns, event, fields) of each line of a trace, in its order."""
        for line in lines_of(self.path, f"{name}.trace"):
            m = re.search(r"\s([0-9]+)\.([0-9]{9}): (\w+): (.*)", line)
            if m:
                yield int(m[1]) * NS_PER_S + int(m[2]), m[3], fields(m[4])


class Timing:
    """How far the pulses of a run were from their times, at the witness."""

    def __init__(self, machine, run, protocols):
        schedule = read_protocol.timeline(read_protocol.load(os.path.join(protocols, run["file"] + ".yaml")), run["threshold"])
        if run["window"]:
            schedule = [p for p in schedule if p[0] < run["window"] * NS_PER_S]
        inside = [p for p in machine.pulses if run["from_ns"] <= p["t_ns"] <= run["to_ns"]]
        refused = [p for p in machine.refused if run["from_ns"] <= p["t_ns"] <= run["to_ns"]]
        gaps = [b[0] - a[0] for a, b in zip(schedule, schedule[1:])]
        pairs, missing, extra = compare.match(schedule, inside, min(gaps) // 2)
        wrong = [i for i, j in pairs if inside[j]["permille"] != schedule[i][1]]
        where = f"{machine.name}: {run['name']}"
        if missing or extra or refused or wrong or run["cause"] != "complete":
            raise Unmeasured(f"{where}: {len(missing)} pulses missing, {len(extra)} extra, {len(refused)} refused, "
                             f"{len(wrong)} of wrong amplitude; ended by {run['cause']}")
        residuals, rate = compare.fit([schedule[i][0] for i, _ in pairs], [inside[j]["t_ns"] for _, j in pairs])
        self.name, self.pulses, self.ppm = where, len(pairs), rate * 1e6
        self.worst_ns = round(max(map(abs, residuals)))
        if abs(self.ppm) > compare.RATE_MAX_PPM:
            raise Unmeasured(f"{where}: the machine's clock is {self.ppm:.3f} ppm off, at most {compare.RATE_MAX_PPM} is calibration")

    def __str__(self):
        return f"{self.name}: {self.pulses} pulses, worst {self.worst_ns} ns, clock {self.ppm:+.3f} ppm"


def pulse_error(machines, protocols, notes):
    """The worst of all; against the least that a peer had to suffer in one of these boots."""
    timings = [Timing(m, r, protocols) for m in machines for r in m.runs.values()]
    notes += map(str, timings)
    peers = [m.peer_ns() for m in machines if glob.glob(os.path.join(m.path, "*.cyclictest"))]
    for m, p in zip(machines, peers):
        notes.append(f"{m.name}: cyclictest's worst is {p} ns")
    return max(t.worst_ns for t in timings), min(peers)


def reactions(machines, notes):
    """(handler's entry to SAFE by the trace, card's interrupt to SAFE by the card), the worst of each."""
    entry, card, faults = [], [], 0
    for m in machines:
        for f in map(fields, lines_of(m.path, "faults")):
            faults += 1
            if f.get("answers") != 1 or f["cause"] != "patient_stop":
                raise Unmeasured(f"{m.name}: a fault {f['delay_ns']} ns after a pulse was answered {f.get('answers')} times "
                                 f"and ended by {f['cause']}")
            card.append(f["safe_ns"])
        for name in {f["name"] for f in map(fields, lines_of(m.path, "faults"))}:
            entry += [v["safe_ns"] - v["entered_ns"] for _, event, v in m.trace(name) if event == "tms_fault"]
    if len(entry) < faults:
        raise Unmeasured(f"{faults} faults, but the handler ran {len(entry)} times")
    notes.append(f"faults: {faults}, from 10 ms before a pulse to 2 us after it, idle and under load")
    return max(entry), max(card)


def step_ns(v):
    return v["left_ns"] - v["entered_ns"] - v["spun_ns"]


def hardirq(machine, loaded, notes):
    """Timer's step without its spin, and the answer's interrupt: the worst sum of a pulse."""
    steps, handlers, worst, step, entered = [], [], 0, None, None
    tms = {v["irq"] for _, e, v in machine.trace("hardirq") if e == "irq_handler_entry" and v["name"].startswith("tms")}
    for t_ns, event, v in machine.trace("hardirq"):
        if event == "tms_step":
            step = step_ns(v)
            steps.append(step)
        elif v["irq"] in tms and event == "irq_handler_entry":
            entered = t_ns
        elif v["irq"] in tms and event == "irq_handler_exit" and entered is not None and step is not None:
            handlers.append(t_ns - entered)
            worst = max(worst, step + handlers[-1])
            step = entered = None
    if not handlers:
        raise Unmeasured("hardirq: the trace has no pulse in it")
    under_load = [step_ns(v) for m in loaded for _, e, v in m.trace(next(iter(m.runs))) if e == "tms_step"]
    notes.append(f"hardirq: timer at most {max(steps)} ns, answer at most {max(handlers)} ns; "
                 f"timer under load at most {max(under_load, default=0)} ns")
    return worst


def reads(machine, notes):
    """Register reads a pulse, from two lengths of one protocol; the watchdog's kick has two of its own."""
    totals = {}
    for name in ("reads-20", "reads-60"):
        counts = json.loads("\n".join(lines_of(machine.path, f"{name}.json")))
        n = sum(c.get("reads", 0) for c in counts.values()) - 2 * counts["WATCHDOG_KICK"]["writes"]
        totals[machine.runs[name]["fired"]] = n
    (few, a), (many, b) = sorted(totals.items())
    notes.append(f"reads: {b - a} for {many - few} pulses, the watchdog's own left out")
    return round((b - a) / (many - few), 3)


def cost(machine, notes):
    """ns a pulse, compiled, verified and played: {pulses: cost}."""
    out = {}
    for pulses in (600, 1000000):
        run = machine.runs[f"cost-{pulses}"]
        steps = [step_ns(v) for _, e, v in machine.trace(f"cost-{pulses}") if e == "tms_step"]
        # The first are probes of the arming, which spin as well but fire nothing.
        steps = steps[-500:]
        parts = [run["compile_ns"] / run["pulses"], run["load_ns"] / run["pulses"], sum(steps) / len(steps)]
        out[pulses] = sum(parts)
        notes.append(f"cost: in a timeline of {pulses}: compile {parts[0]:.1f}, load and verify {parts[1]:.1f}, "
                     f"engine {parts[2]:.1f} ns a pulse, the last after {run['fired']} fired")
    return out


def row(name, value, unit, peer=None, peer_value=None, ratio=None):
    return {"name": name, "value": value, "unit": unit, "peer": peer, "peer_value": peer_value, "ratio": ratio}


def against(name, value, unit, peer, peer_value):
    return row(name, value, unit, peer, peer_value, round(peer_value / max(value, 1), 1))


def rows_of(where, protocols, notes):
    machines = {os.path.basename(p): Machine(p) for p in sorted(glob.glob(os.path.join(where, "vm", "*"))) if os.path.isdir(p)}
    idle = [machines[n] for n in ("idle", "day") if n in machines]
    loaded = [m for n, m in machines.items() if n.startswith("load-")]
    rows = []
    value, peer = pulse_error(idle, protocols, notes)
    rows.append(against("pulse_error_max_idle", value, "ns", "cyclictest max", peer))
    value, peer = pulse_error(loaded, protocols, notes)
    rows.append(against("pulse_error_max_loaded", value, "ns", "cyclictest max", peer))
    entry, card = reactions([machines["idle"], *loaded], notes)
    rows.append(row("safe_reaction_max", entry, "ns"))
    rows.append(row("fault_to_safe_max", card, "ns"))
    rows.append(row("hardirq_max", hardirq(machines["idle"], loaded, notes), "ns"))
    rows.append(row("mmio_reads_per_pulse", reads(machines["idle"], notes), "reads"))
    costs = cost(machines["cost"], notes)
    rows.append(row("cost_per_pulse_ratio", round(costs[1000000] / costs[600], 3), "ratio",
                    "ns a pulse in 600", round(costs[600], 1), round(costs[1000000] / costs[600], 3)))
    races = {r["pulses"]: r for r in map(fields, lines_of(where, "race"))}
    race = races[1000000]
    rate, peer = (round(race["pulses"] * NS_PER_S / race[k]) for k in ("verify_ns", "memcpy_ns"))
    rows.append(row("verifier_rate", rate, "pulses/s", "memcpy", peer, round(rate / peer, 3)))
    for pulses in (3000, 1000000):
        both = races[pulses]["compile_ns"] + races[pulses]["verify_ns"]
        rows.append(row(f"compile_and_verify_{pulses}", both, "ns", "memcpy", races[pulses]["memcpy_ns"],
                        round(both / races[pulses]["memcpy_ns"], 1)))
    return rows + record_rows(where, notes)


def record_rows(where, notes):
    """What tests/bench/record has left: the audit log on this host."""
    said = {r["row"]: r for r in map(fields, lines_of(where, "record"))}
    rows = []

    def race(name, ours_ns, peer, peer_ns):
        rows.append(row(name, ours_ns, "ns", peer, peer_ns, round(peer_ns / ours_ns, 3)))
    race("audit_append", said["append"]["append_ns"], "write + fdatasync", said["append"]["bare_ns"])
    for kind in ("10hz", "itbs"):
        race(f"audit_verify_{kind}", said[f"verify_{kind}"]["verify_ns"], "openssl dgst", said[f"verify_{kind}"]["digest_ns"])
    # Two logs, one of few seals and one of many, tell the two costs apart.
    few, many = said["records"], said["seals"]
    per_seal = (many["verify_ns"] - few["verify_ns"] * many["records"] / few["records"]) / \
               (many["seals"] - few["seals"] * many["records"] / few["records"])
    per_record = (few["verify_ns"] - per_seal * few["seals"]) / few["records"]
    rows.append(row("audit_ns_per_record", round(per_record), "ns"))
    rows.append(row("audit_us_per_seal", round(per_seal / 1000, 1), "us"))
    race("index_rebuild", said["index"]["index_ns"], "verify", said["index"]["verify_ns"])
    rows.append(row("daemon_start", said["start"]["start_ns"], "ns"))
    rows.append(row("daemon_start_cpu", said["start"]["start_cpu_ns"], "ns"))
    rows.append(row("daemon_pss", said["start"]["pss_kb"], "kB"))
    notes.append(f"record: verified {few['records']} records with {few['seals']} seals, {many['records']} with {many['seals']}")
    return rows


# What each figure is to be: the column, the bound, and whether it is the least or the most.
TARGETS = (
    ("pulse_error_max_idle", "value", "<=", 100),
    ("pulse_error_max_idle", "ratio", ">=", 50),
    ("pulse_error_max_loaded", "value", "<=", 100),
    ("pulse_error_max_loaded", "ratio", ">=", 1000),
    ("safe_reaction_max", "value", "<=", 3000),
    ("fault_to_safe_max", "value", "<=", 23000),
    ("hardirq_max", "value", "<=", 3000),
    ("mmio_reads_per_pulse", "value", "<=", 2),
    ("cost_per_pulse_ratio", "value", "<=", 1.05),
    ("verifier_rate", "value", ">=", 50000000),
    ("compile_and_verify_3000", "value", "<=", 5000000),
    ("compile_and_verify_1000000", "value", "<=", 500000000),
    ("audit_append", "ratio", ">=", 0.9),
    ("audit_verify_10hz", "ratio", ">=", 0.5),
    ("audit_verify_itbs", "ratio", ">=", 0.25),
    ("index_rebuild", "ratio", ">=", 0.8),
    ("daemon_start", "value", "<=", 1000000000),
    ("daemon_pss", "value", "<=", 16384),
)


def show(rows):
    def cell(x):
        return "" if x is None else f"{x:,}" if isinstance(x, (int, float)) else x
    head = ("name", "value", "unit", "peer", "peer_value", "ratio")
    table = [head] + [tuple(cell(r[k]) for k in head) for r in rows]
    width = [max(len(line[i]) for line in table) for i in range(len(head))]
    for line in table:
        print("  ".join(c.rjust(w) if i in (1, 4, 5) else c.ljust(w) for i, (c, w) in enumerate(zip(line, width))).rstrip())


def judge(rows):
    by_name = {r["name"]: r for r in rows}
    missed = 0
    for name, column, how, bound in TARGETS:
        x = by_name[name][column]
        holds = x <= bound if how == "<=" else x >= bound
        missed += not holds
        print(f"bench: {'holds ' if holds else 'MISSED'} {name} {column} {x:,} {how} {bound:,}")
    print(f"bench: {len(TARGETS) - missed} of {len(TARGETS)} targets hold")


def main():
    ap = argparse.ArgumentParser(description="Make a table and bench.json of what the virtual machines left.")
    ap.add_argument("--protocols", required=True, help="where the protocol files are")
    ap.add_argument("--json", required=True, help="the file to write")
    ap.add_argument("where")
    a = ap.parse_args()
    notes = []
    try:
        rows = rows_of(a.where, a.protocols, notes)
    except Unmeasured as e:
        print("\n".join(f"bench: {n}" for n in notes))
        print(f"bench: not measured: {e}", file=sys.stderr)
        return 1
    with open(a.json, "w", encoding="utf-8") as f:
        json.dump(rows, f, indent=2)
        f.write("\n")
    print("\n".join(f"bench: {n}" for n in notes))
    show(rows)
    judge(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
