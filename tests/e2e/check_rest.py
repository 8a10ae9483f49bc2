#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What was cut off and its rests are together the protocol, pulse by pulse: at the witness and in the audit log.

check_rest.py DIR: DIR/witness.tsv and DIR/vm/audit. Prints TAP.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402
import read_protocol  # noqa: E402

THRESHOLD_PERMILLE = 500
# Pulses of a burst, and how often its sessions were paused in mid-run.
CHAINS = {"R-1": ("mdd-itbs-600", 3, 3, 0), "R-2": ("ones", 1, 2, 1)}


def of(records, kind, session):
    return [r["data"] for r in records if r["type"] == kind and r["data"].get("session") == session]


def chain(records, subject):
    """The sessions of that subject in which pulses were given, each the rest of the one before."""
    creates = [r["data"] for r in records if r["type"] == "session.create" and r["data"]["subject"] == subject]
    started = [c for c in creates if of(records, "session.start", c["session"])]
    linked = all(c.get("rest_of") == (started[i - 1]["session"] if i else None) for i, c in enumerate(started))
    return [c["session"] for c in started], linked


def check(directory, records, subject, witness, results):
    name, burst, sessions, pauses = CHAINS[subject]
    ids, linked = chain(records, subject)
    results.append((linked and len(ids) == sessions, f"{subject}: each session is the rest of the one before", f"{ids}"))
    given, left, last, moved, schedule = {}, [], None, 0, []
    for n, session in enumerate(ids):
        prepared, end = of(records, "session.prepare", session)[-1], of(records, "session.end", session)[-1]
        protocol = read_protocol.load(os.path.join(directory, "protocols", prepared["sha256"] + ".yaml"))
        schedule = read_protocol.timeline(protocol, THRESHOLD_PERMILLE, 0, {})
        _, answered = compare.read_pulse_file(os.path.join(directory, end["file"]))
        rows = sorted(answered.values(), key=lambda a: a["card_ns"])
        first = prepared.get("first_pulse", 0)
        say = f"{subject}: session {n + 1}"
        results.append((protocol["id"] == name and first + prepared["pulses"] == len(schedule),
                        f"{say}: the same protocol, to its end", f"{first} and {prepared['pulses']}"))
        results.append((rows and rows[0]["index"] == first, f"{say}: begins where it was cut off", f"{rows[:1]}"))
        results.append(([a["index"] for a in rows] == list(range(first, first + len(rows))),
                        f"{say}: no pulse is left out", f"{len(rows)} pulses"))
        results.append((not set(given) & {a["index"] for a in rows}, f"{say}: no pulse is given again", ""))
        results.append((end["delivered"] == len(rows) and end.get("next_pulse") == first + len(rows),
                        f"{say}: its end says what its pulses are", f"{end}"))
        results.append((all(a["set_permille"] == schedule[a["index"]][1] for a in rows),
                        f"{say}: each as strong as the protocol has it", ""))
        gaps = [(b["due_ns"] - a["due_ns"]) - (schedule[b["index"]][0] - schedule[a["index"]][0]) for a, b in zip(rows, rows[1:])]
        results.append((min(gaps, default=0) >= 0, f"{say}: none is early", f"{min(gaps, default=0)} ns"))
        moved += sum(g != 0 for g in gaps)
        if last is not None:
            # The rest of a burst that was begun is not given.
            left += range(last["index"] + 1, first)
            results.append((first - last["index"] - 1 < burst, f"{say}: behind the burst that was begun", f"{last['index']} {first}"))
            results.append((rows and rows[0]["card_ns"] - last["card_ns"] >= schedule[first][0] - schedule[first - 1][0],
                            f"{say}: no sooner than the protocol has it", ""))
        given.update({a["index"]: a for a in rows})
        last = rows[-1] if rows else last
        seen = [witness.get(a["card_ns"]) for a in rows]
        results.append((all(p and p["permille"] == a["delivered_permille"] for p, a in zip(seen, rows)),
                        f"{say}: the witness saw each", f"{sum(p is None for p in seen)} not"))
    results.append((schedule and sorted(list(given) + left) == list(range(len(schedule))), f"{subject}: together the whole protocol",
                    f"{len(given)} given, {len(left)} of bursts that were begun, of {len(schedule)}"))
    results.append((moved == pauses, f"{subject}: in its own time, but for the pause", f"{moved} gaps differ"))
    return len(given)


def main():
    directory = os.path.join(sys.argv[1], "vm/audit")
    pulses, _ = compare.read_witness(os.path.join(sys.argv[1], "witness.tsv"))
    results, diff = [], compare.Differences()
    records = compare.check_chain(directory, diff)
    results.append((not diff.lines, "the audit log's chain holds", "; ".join(diff.lines[:3])))
    # The witness's clock and the card's are one offset apart, which any pulse gives.
    times = []
    for r in records:
        if r["type"] == "session.end" and r["data"].get("file"):
            _, answered = compare.read_pulse_file(os.path.join(directory, r["data"]["file"]))
            times += [a["card_ns"] for a in answered.values()]
    times.sort()
    results.append((len(times) == len(pulses) and times, "the audit log holds every witnessed pulse",
                    f"{len(pulses)} witnessed, {len(times)} audited"))
    offset = pulses[0]["t_ns"] - times[0] if times and pulses else 0
    witness = {}
    for t in times:
        near = [p for p in pulses if abs(p["t_ns"] - offset - t) <= 1000]
        if len(near) == 1:
            witness[t] = near[0]
    count = sum(check(directory, records, subject, witness, results) for subject in CHAINS)
    results.append((count == len(pulses), "nothing else was fired", f"{len(pulses)} witnessed, {count} of the protocols"))

    for n, (good, name, detail) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {n} - {name}")
        if not good:
            print(f"# {detail}")
    print(f"1..{len(results)}")
    return 0 if all(r[0] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
