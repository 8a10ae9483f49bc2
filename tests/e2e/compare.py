#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare the three records of a treatment: protocol, witness, audit log.

Each is read by code of its own: the protocol file by read_protocol.py, which
shares nothing with the library; the witness file as the card model wrote it
outside the virtual machine; the pulse file of the audit log, with the log's
hash chain checked here and its signatures by tmsctl. They must agree pulse by
pulse. Prints one line and exits 0, or names each difference and exits 1.
"""
import argparse
import hashlib
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import read_protocol  # noqa: E402

EVENT_FIRED, EVENT_ANSWER = 2, 3
RATE_MAX_PPM = 2.0


class Differences:
    """Collects what does not agree; the first few are printed, all are counted."""

    def __init__(self):
        self.lines = []

    def add(self, text):
        self.lines.append(text)


def read_witness(path):
    """All discharges and refused triggers, in the order of the file."""
    with open(path, encoding="ascii") as f:
        header = f.readline().rstrip("\n")
        want = "t_ns\tkind\tamplitude_permille\tseq\tdetail"
        if header != want:
            raise SystemExit(f"compare: {path}:1: header is {header!r}, expected {want!r}")
        pulses, refused = [], []
        for n, line in enumerate(f, 2):
            fields = line.rstrip("\n").split("\t")
            if len(fields) != 5 or fields[1] not in ("pulse", "refused"):
                raise SystemExit(f"compare: {path}:{n}: expected five columns with kind pulse or refused")
            row = {"line": n, "t_ns": int(fields[0]), "permille": int(fields[2]), "detail": fields[4]}
            (pulses if fields[1] == "pulse" else refused).append(row)
    return pulses, refused


def check_chain(directory, diff):
    """The hash chain, sequence numbers, and every hash of another file; returns the records."""
    records, prev = [], {1: "0" * 64, 2: "0" * 64}
    names = ["log.jsonl"] + sorted(n for n in os.listdir(directory) if n.startswith("log-") and n.endswith(".jsonl"))
    for name in names:
        with open(os.path.join(directory, name), "rb") as f:
            lines = f.read().splitlines()
        for n, line in enumerate(lines, 1):
            try:
                rec = json.loads(line)
            except ValueError:
                diff.add(f"audit: {name}:{n}: not a JSON record")
                return records
            if rec.get("seq") != len(records):
                diff.add(f"audit: {name}:{n}: seq is {rec.get('seq')}, expected {len(records)}")
            # The first record of a file says in which format it and the following ones are.
            if n == 1:
                form = rec["data"].get("format")
            if rec.get("prev") != prev.get(form):
                diff.add(f"audit: {name}:{n}: does not follow from the record before it")
            prev = {1: hashlib.sha256(line).hexdigest(), 2: hashlib.sha256(b"\0" + line).hexdigest()}
            records.append(rec)
    for rec in records:
        data = rec["data"]
        if rec["type"] in ("session.pulses", "session.end") and data.get("file"):
            with open(os.path.join(directory, data["file"]), "rb") as f:
                head = f.read(data["bytes"])
            if len(head) != data["bytes"] or hashlib.sha256(head).hexdigest() != data["sha256"]:
                diff.add(f"audit: record {rec['seq']}: {data['file']} is not what was recorded")
        if rec["type"] == "session.prepare":
            path = os.path.join(directory, "protocols", data["sha256"] + ".yaml")
            with open(path, "rb") as f:
                if hashlib.sha256(f.read()).hexdigest() != data["sha256"]:
                    diff.add(f"audit: record {rec['seq']}: its protocol file has changed")
    return records


def read_pulse_file(path):
    """Kernel records by seq: fired and answered pulses."""
    fired, answered, seen = {}, {}, set()
    with open(path, encoding="ascii") as f:
        names = f.readline().rstrip("\n").split("\t")
        if names[:4] != ["seq", "mono_ns", "type", "flags"]:
            raise SystemExit(f"compare: {path}:1: these are not the columns that this daemon writes: {names}")
        for line in f:
            row = dict(zip(names, map(int, line.rstrip("\n").split("\t"))))
            if row["seq"] in seen:
                continue
            seen.add(row["seq"])
            if row["type"] == EVENT_FIRED:
                fired[(row["run"], row["index"])] = row
            elif row["type"] == EVENT_ANSWER and row["outcome"] == 0:
                answered[(row["run"], row["index"])] = row
    return fired, answered


def fit(xs, ys):
    """Least-squares offset and rate of ys over xs, about the first of each."""
    x0, y0 = xs[0], ys[0]
    dx = [x - x0 for x in xs]
    dy = [y - y0 for y in ys]
    n = len(xs)
    mx, my = sum(dx) / n, sum(dy) / n
    var = sum((x - mx) ** 2 for x in dx)
    # The rate is fitted on the difference, which keeps nanoseconds within a double's reach.
    rate = sum((x - mx) * ((y - x) - (my - mx)) for x, y in zip(dx, dy)) / var if var else 0.0
    offset = (my - mx) - rate * mx
    return [(y - x) - offset - rate * x for x, y in zip(dx, dy)], rate


def match(schedule, pulses, tolerance_ns):
    """Pairs each scheduled pulse with the witnessed one near it; the rest is missing or extra."""
    if not schedule or not pulses:
        return [], list(range(len(schedule))), list(range(len(pulses)))
    # The alignment that most of the first pulses agree on, so that one lost or extra pulse does not shift all.
    votes = {}
    for s in schedule[:8]:
        for p in pulses[:8]:
            key = round((p["t_ns"] - s[0]) / (2 * tolerance_ns))
            votes.setdefault(key, []).append(p["t_ns"] - s[0])
    best = max(votes.values(), key=len)
    offset = sorted(best)[len(best) // 2]
    pairs, missing, extra = [], [], []
    i = j = 0
    while i < len(schedule) and j < len(pulses):
        d = pulses[j]["t_ns"] - offset - schedule[i][0]
        if abs(d) <= tolerance_ns:
            pairs.append((i, j))
            offset += d  # follow the slow drift of the clock's rate
            i, j = i + 1, j + 1
        elif d > 0:
            missing.append(i)
            i += 1
        else:
            extra.append(j)
            j += 1
    return pairs, missing + list(range(i, len(schedule))), extra + list(range(j, len(pulses)))


def shift_by_waits(schedule, audited, records, diff):
    """The schedule with each wait as long as the kernel says it was: what follows only ever shifts later."""
    due = {a["index"]: a["due_ns"] for a in audited}
    let_go = {r["data"]["pulse"] for r in records if r["type"] == "session.go" and "error" not in r["data"]}
    out, shift, start = [], 0, None
    for i, (t_ns, permille, wait) in enumerate(schedule):
        if wait and i in due:
            if wait == "operator" and i not in let_go:
                diff.add(f"audit: pulse {i} waits for the operator, and nobody let it go")
            waited = due[i] - start - t_ns - shift if start is not None else 0
            if waited < 0:
                diff.add(f"audit: pulse {i} was {-waited} ns before its own time")
            shift += max(waited, 0)
        if start is None and i in due:
            start = due[i] - t_ns
        out.append((t_ns + shift, permille))
    return out, shift


def check_confirmed(records, diff):
    """What the policy wanted confirmed was confirmed, by somebody, after it was prepared and before it was armed."""
    wanted, confirmed = [], []
    for r in records:
        if r["type"] == "session.prepare":
            wanted, confirmed = r["data"].get("notices", []), []
            if r["data"]["verdict"] == "notice" and not wanted:
                diff.add(f"audit: record {r['seq']}: a notice that is not said")
        elif r["type"] == "session.confirm" and "uid" in r.get("who", {}):
            confirmed = r["data"].get("notices", [])
        elif r["type"] == "session.arm.intent" and confirmed != wanted:
            diff.add(f"audit: record {r['seq']}: armed, and nobody had confirmed: {' '.join(wanted)}")


def check_dose(prepared, protocol, schedule, args, diff):
    """What the log says of the dose is what was asked for, and what comes of it."""
    share = args.percent_permille or round(read_protocol.percent(protocol["intensity"]["percent"]) * 1000)
    want = {
        "threshold_permille": args.threshold_permille,
        "percent_permille": share,
        "max_permille": max(permille for _, permille, _ in schedule),
        "pulses": len(schedule),
    }
    for key, value in want.items():
        if prepared.get(key) != value:
            diff.add(f"audit: session.prepare says {key} {prepared.get(key)}, it was {value}")


def runs(numbers):
    """Rising numbers as [(first, last)] of those that follow each other."""
    out = []
    for n in numbers:
        if out and out[-1][1] == n - 1:
            out[-1] = (out[-1][0], n)
        else:
            out.append((n, n))
    return out


def compare(args, diff):
    protocol = read_protocol.load(args.protocol)
    others = dict((k, int(v)) for k, v in (x.split("=") for x in args.other_threshold))
    schedule = read_protocol.timeline(protocol, args.threshold_permille, args.percent_permille, others)
    pulses, refused = read_witness(args.witness)
    records = check_chain(args.audit, diff)

    ends = [r for r in records if r["type"] == "session.end" and (not args.session or r["data"]["session"] == args.session)]
    # One whose protocol was refused has prescribed nothing, and must have fired nothing.
    for r in [r for r in ends if not r["data"]["prescribed"]]:
        if r["data"].get("delivered"):
            diff.add(f"audit: record {r['seq']}: a session without a protocol has {r['data']['delivered']} pulses")
    ends = [r for r in ends if r["data"]["prescribed"]]
    if len(ends) != 1:
        diff.add(f"audit: {len(ends)} sessions have ended, expected one")
        return None
    end = ends[0]["data"]
    prepared = [r["data"] for r in records if r["type"] == "session.prepare" and r["data"]["session"] == end["session"]]
    with open(args.protocol, "rb") as f:
        sha = hashlib.sha256(f.read()).hexdigest()
    if not prepared or prepared[-1]["sha256"] != sha:
        diff.add("audit: the protocol that was prepared is not the published one")
    if prepared:
        check_dose(prepared[-1], protocol, schedule, args, diff)
    fired, answered = read_pulse_file(os.path.join(args.audit, end["file"]))
    audited = [answered[k] for k in sorted(answered)]
    session = [r for r in records if r["data"].get("session") == end["session"]]
    check_confirmed(session, diff)
    schedule, waited_ns = shift_by_waits(schedule, audited, session, diff)

    gaps = [b[0] - a[0] for a, b in zip(schedule, schedule[1:])]
    tolerance = min(gaps) // 2 if gaps else 1000000
    pairs, missing, extra = match(schedule, pulses, tolerance)
    for j in extra:
        p = pulses[j]
        diff.add(f"witness: line {p['line']}: a pulse at {p['t_ns']} ns that the protocol does not have ({p['detail']})")
    for first, last in runs(missing):
        if first == last:
            diff.add(f"witness: pulse {first} of the protocol, at {schedule[first][0]} ns, was not seen")
        else:
            diff.add(f"witness: pulses {first} to {last} of the protocol, from {schedule[first][0]} ns, were not seen")
    for i, j in pairs:
        if pulses[j]["permille"] != schedule[i][1]:
            diff.add(f"witness: line {pulses[j]['line']}: {pulses[j]['permille']} permille, the protocol wants {schedule[i][1]}")
    for r in refused:
        diff.add(f"witness: line {r['line']}: the card refused a trigger ({r['detail']})")

    if len(audited) != len(schedule):
        have = {a["index"] for a in audited}
        lost = [i for i in range(len(schedule)) if i not in have]
        where = f", the first at pulse {lost[0]}" if lost else ""
        diff.add(f"audit: {len(audited)} pulses delivered, the protocol has {len(schedule)}{where}")
    start = None
    for a in audited:
        i = a["index"]
        if i >= len(schedule):
            diff.add(f"audit: pulse {i} is beyond the protocol's {len(schedule)}")
            continue
        start = a["due_ns"] - schedule[i][0] if start is None else start
        if a["due_ns"] - start != schedule[i][0]:
            diff.add(f"audit: pulse {i} was scheduled at {a['due_ns'] - start} ns, the protocol says {schedule[i][0]}")
        if a["set_permille"] != schedule[i][1]:
            diff.add(f"audit: pulse {i} was set to {a['set_permille']} permille, the protocol says {schedule[i][1]}")
        if (a["run"], i) not in fired:
            diff.add(f"audit: pulse {i} was answered but has no record of its trigger")
    by_index = {i: pulses[j] for i, j in pairs}
    base = None
    for a in audited:
        p = by_index.get(a["index"])
        if p is None:
            continue
        base = p["t_ns"] - a["card_ns"] if base is None else base
        if abs(p["t_ns"] - a["card_ns"] - base) > 1000:
            diff.add(f"audit: pulse {a['index']}: the card's time is {p['t_ns'] - a['card_ns'] - base} ns off the witness")
        if p["permille"] != a["delivered_permille"]:
            diff.add(f"audit: pulse {a['index']}: {a['delivered_permille']} permille recorded, {p['permille']} witnessed")
    if end.get("delivered") != len(audited):
        diff.add(f"audit: the session's end says {end.get('delivered')} delivered, its pulse file has {len(audited)}")

    residuals, rate = fit([schedule[i][0] for i, _ in pairs], [pulses[j]["t_ns"] for _, j in pairs]) if len(pairs) > 1 else ([0], 0.0)
    worst, ppm = max(map(abs, residuals)), rate * 1e6
    if abs(ppm) > RATE_MAX_PPM and not args.untimed:
        diff.add(f"time: the guest's clock is {ppm:.3f} ppm off, at most {RATE_MAX_PPM} is calibration")
    if worst > args.max_error_ns and not args.untimed:
        diff.add(f"time: the worst pulse is {worst:.0f} ns from its time, at most {args.max_error_ns} allowed")
    return {
        "protocol": protocol["id"],
        "prescribed": len(schedule),
        "witnessed": len(pulses),
        "audited": len(audited),
        "extra": len(extra),
        "refused": len(refused),
        "max_error_ns": round(worst),
        "clock_ppm": f"{ppm:.3f}",
        **({"waited_s": f"{waited_ns / 1e9:.1f}"} if waited_ns else {}),
    }


def main():
    ap = argparse.ArgumentParser(description="Compare protocol, witness and audit log, pulse by pulse.")
    ap.add_argument("--label", default="compare")
    ap.add_argument("--protocol", required=True)
    ap.add_argument("--witness", required=True)
    ap.add_argument("--audit", required=True, help="the audit directory")
    ap.add_argument("--session", help="the session's id, where the log has more than one")
    ap.add_argument("--threshold-permille", type=int, required=True)
    ap.add_argument("--percent-permille", type=int, default=0, help="0: as the protocol says")
    ap.add_argument("--other-threshold", action="append", default=[], metavar="KIND=PERMILLE")
    ap.add_argument("--max-error-ns", type=int, default=1000)
    ap.add_argument("--untimed", action="store_true", help="not the instruction-exact clock: times are not judged")
    ap.add_argument("--audit-verdict", default="unchecked", help="what the signature check said")
    args = ap.parse_args()
    diff = Differences()
    result = compare(args, diff)
    if args.audit_verdict != "verified":
        diff.add(f"audit: verification says {args.audit_verdict}")
    for line in diff.lines[:20]:
        print(f"{args.label}: {line}", file=sys.stderr)
    if len(diff.lines) > 20:
        print(f"{args.label}: and {len(diff.lines) - 20} more differences", file=sys.stderr)
    if result:
        verdict = "verified" if not diff.lines else args.audit_verdict
        print(f"{args.label}: " + " ".join(f"{k}={v}" for k, v in result.items()) + f" audit={verdict}")
    if diff.lines:
        print(f"{args.label}: FAILED, {len(diff.lines)} difference(s) between protocol, witness and audit log", file=sys.stderr)
    return 1 if diff.lines or not result else 0


if __name__ == "__main__":
    sys.exit(main())
