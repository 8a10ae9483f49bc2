#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""After the daemon was killed: no pulse too late, and every witnessed pulse in the audit log.

check_kill.py DIR: DIR/witness.tsv, DIR/vm/kill.tsv and DIR/vm/audit. Prints TAP.
"""
import csv
import glob
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402


def main():
    directory = sys.argv[1]
    pulses, _ = compare.read_witness(os.path.join(directory, "witness.tsv"))
    times = [p["t_ns"] for p in pulses]
    results = []

    with open(os.path.join(directory, "vm/kill.tsv"), encoding="ascii") as f:
        kills = list(csv.DictReader(f, delimiter="\t"))
    for i, kill in enumerate(kills):
        begin, end = int(kill["t_signal_ns"]), int(kill["t_end_ns"])
        until = int(kills[i + 1]["t_signal_ns"]) if i + 1 < len(kills) else 1 << 62
        running = [t for t in times if begin - 10**9 < t <= begin]
        # The next treatment's pulses come seconds later and are before the next signal by design: only
        # those of the same train can be late, and a train's pulses are 0.1 s apart.
        late = [t for t in times if end < t <= min(end + 10**9, until)]
        results.append((bool(running), f"{kill['signal']}: pulses were under way", f"{len(running)}"))
        results.append((not late, f"{kill['signal']}: none after {'the lease' if kill['signal'] == 'STOP' else 'close'}",
                        f"{len(late)} late, the first {late[0] - end if late else 0} ns after"))

    diff = compare.Differences()
    compare.check_chain(os.path.join(directory, "vm/audit"), diff)
    results.append((not diff.lines, "the audit log's chain holds", "; ".join(diff.lines[:3])))
    card_times = []
    for path in sorted(glob.glob(os.path.join(directory, "vm/audit/pulses/*.tsv"))):
        _, answered = compare.read_pulse_file(path)
        card_times += [a["card_ns"] for a in answered.values()]
    card_times.sort()
    results.append((len(card_times) == len(times), "the audit log holds every witnessed pulse",
                    f"{len(times)} witnessed, {len(card_times)} audited"))
    offsets = {t - c for t, c in zip(times, card_times)}
    spread = max(offsets) - min(offsets) if offsets else 1 << 62
    results.append((spread <= 1000, "at the card's times", f"they differ by up to {spread} ns"))

    for n, (good, name, detail) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {n} - {name}")
        if not good:
            print(f"# {detail}")
    print(f"1..{len(results)}")
    return 0 if all(r[0] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
