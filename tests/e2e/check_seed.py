#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""check_seed.py DIR SEED: one seed is one run, whatever happens on the host meanwhile. TAP.

A short treatment three times: with the seed, beside a machine with the next seed, so that the host is busy; and with the
seed again, alone, with another terminal, time zone and umask, every installed file dated now, and QEMU halted for
three seconds of the host's time in mid-treatment. The two with the same seed must leave the same files with the same
bytes; the next seed must make other keys, and the same treatment.

Before that a machine that falls idle 20,000 times, three at once on a host with fewer processors than that wants: where the
clock is moved to the next timer is where two threads of QEMU meet (tests/vm/qemu/icount-idle.patch).
"""
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
HALT_S = 3
PATIENCE_S = 600
# Names the run's own folder.
NOT_THE_MACHINES = {"again", "vm/again"}
# Empty-handed runs would be the same, too.
EVIDENCE = ("witness.tsv", "audit/log.jsonl", "audit/key0.pub", "seal.json", "vm/job.log", "vm/journal", "vm/dmesg", "vm/console.log",
            "vm/card.nvram", "vm/card.counts", "vm/key0.fingerprint", "vm/booted")
# What a seed makes: keys, and what they sign.
SEEDED = ("audit/key0.pub", "vm/key0.fingerprint", "seal.json")


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def result(self, name, troubles):
        self.count += 1
        self.failed += bool(troubles)
        print(f"{'not ok' if troubles else 'ok'} {self.count} - {name}")
        for trouble in troubles[:20]:
            print(f"# {trouble}")
        sys.stdout.flush()


def start(out, name, seed, **popen):
    # An earlier run's witness would be taken for this one's.
    shutil.rmtree(f"{out}/{name}", ignore_errors=True)
    command = [f"{HERE}/treat", "--label", name, "--seed", str(seed), "--out", f"{out}/{name}", "--protocol", "ctbs-600", "--mt", "45"]
    # pylint: disable=consider-using-with
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **popen)


def start_idle(out, name, seed):
    shutil.rmtree(f"{out}/{name}", ignore_errors=True)
    command = [f"{HERE}/../vm/run", "--icount", "--seed", str(seed), "--cards", "0", "--timeout", "3600", "--job", f"{HERE}/jobs/idle", "--out", f"{out}/{name}"]
    # pylint: disable=consider-using-with
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process):
    """What is wrong with it, with its last words."""
    said = process.communicate()[0].strip().splitlines()
    return [] if process.returncode == 0 else [f"status {process.returncode}", *said[-15:]]


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(child) for child in f.read().split()]


def find_qemu(pid):
    """The machine's process below pid, or None."""
    for child in children(pid):
        try:
            with open(f"/proc/{child}/comm", encoding="ascii") as f:
                if f.read().startswith("qemu-system"):
                    return child
            found = find_qemu(child)
        except FileNotFoundError:
            continue
        if found:
            return found
    return None


def lines(path):
    try:
        with open(path, "rb") as f:
            return sum(1 for _ in f)
    except FileNotFoundError:
        return 0


def halt_in_mid_treatment(process, witness):
    """What went wrong, or nothing: QEMU stood still for a while, between two pulses."""
    deadline = time.monotonic() + PATIENCE_S
    while lines(witness) < 100:
        if process.poll() is not None or time.monotonic() > deadline:
            return ["the machine was never in mid-treatment"]
        time.sleep(0.05)
    qemu = find_qemu(process.pid)
    if not qemu:
        return ["no QEMU to halt"]
    os.kill(qemu, signal.SIGSTOP)
    time.sleep(HALT_S)
    before = lines(witness)
    os.kill(qemu, signal.SIGCONT)
    return [] if before < 600 else ["the treatment was over before QEMU was halted"]


def files(folder):
    return sorted(os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names)


def content(folder, name):
    with open(os.path.join(folder, name), "rb") as f:
        return f.read()


def first_difference(name, one, two):
    for n, (a, b) in enumerate(zip(one.split(b"\n"), two.split(b"\n")), 1):
        if a != b:
            return f"{name}: line {n}: {a[:120]!r} and {b[:120]!r}"
    return f"{name}: {len(one)} and {len(two)} bytes"


def differences(one, two):
    """Of every file that a machine or its card left in either folder."""
    here, there = files(one), files(two)
    for name in sorted(set(here) ^ set(there)):
        yield f"{name}: only in {one if name in here else two}"
    for name in sorted(set(here) & set(there) - NOT_THE_MACHINES):
        a, b = content(one, name), content(two, name)
        if a != b:
            yield first_difference(name, a, b)


def touch(tree):
    for at, _, names in os.walk(tree):
        for name in names:
            os.utime(os.path.join(at, name), follow_symlinks=False)


def main():
    out, seed = sys.argv[1], int(sys.argv[2])
    one, two, other = (f"{out}/{name}" for name in ("one", "two", "other"))
    tap = Tap()

    idle = [f"{out}/idle-{n}" for n in range(3)]
    for machine in [start_idle(out, os.path.basename(folder), seed) for folder in idle]:
        tap.result("a machine that falls idle", finish(machine))
    tap.result("it noted when it woke", [folder for folder in idle if lines(f"{folder}/woke.tsv") != 20000])
    tap.result("three that fall idle left the same files, bit for bit", [d for folder in idle[1:] for d in differences(idle[0], folder)])

    first, beside = start(out, "one", seed), start(out, "other", seed + 1)
    troubles = finish(first)
    tap.result("a treatment on a busy host", troubles)
    tap.result("a treatment with the next seed", finish(beside))

    touch(f"{os.environ.get('B', 'build')}/tree/{os.environ.get('KERNEL', '6.1')}")
    alone = start(out, "two", seed, umask=0o077, env={**os.environ, "TERM": "vt52", "COLUMNS": "47", "LINES": "11", "TZ": "Asia/Kathmandu"})
    tap.result("QEMU halted in mid-treatment", halt_in_mid_treatment(alone, f"{two}/witness.tsv"))
    tap.result("a treatment on another day of the host", finish(alone))

    tap.result("the same seed left all the evidence", [name for name in EVIDENCE if name not in files(one) or not content(one, name)])
    tap.result("the same seed left the same files, bit for bit", list(differences(one, two)))
    differs = {line.split(":")[0] for line in differences(one, other)}
    tap.result("the next seed left other keys", [f"{name}: the same" for name in SEEDED if name not in differs])
    tap.result("the next seed left as many pulses", [] if lines(f"{one}/witness.tsv") == lines(f"{other}/witness.tsv") else ["another number"])
    print(f"# the same seed left {len(files(one))} files the same, the next one {len(differs)} others")
    print(f"1..{tap.count}")
    return bool(tap.failed)


if __name__ == "__main__":
    sys.exit(main())
