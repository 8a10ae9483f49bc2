#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""seed.py NAME: the seed that a run of that name has when it is given no other.

With instruction-exact time one seed is one run, bit for bit: the seed makes all of the machine's random numbers, and its
date is always the same. What no seed holds is in README.md.
"""
import argparse
import hashlib
import os
import shlex
import sys

# Later than anything in the machine was made, which so never sees a file or a log of the future. No change of daylight
# saving time, of month or of year is near.
DATE = "2029-01-10T09:00:00"
HIGHEST = (1 << 63) - 1


def of(name):
    """The same on every host and in every year: Python's own hash() is not."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)


def number(text):
    if not text.isascii() or not text.isdigit() or int(text) > HIGHEST:
        raise argparse.ArgumentTypeError(f"'{text}': expected a whole number from 0 to {HIGHEST}")
    return int(text)


def for_qemu(seed):
    # "clock=vm": the date goes on with the machine's time, not the host's.
    return ["-seed", str(seed), "-rtc", f"base={DATE},clock=vm"]


def again(argv, seed):
    """The command that makes the same run once more. What of the environment chooses another QEMU belongs to it."""
    qemu = os.environ.get("TMS_QEMU")
    words = [f"TMS_QEMU={qemu}"] if qemu else []
    rest = argv[1:] if seed is None or "--seed" in argv or any(w.startswith("--seed=") for w in argv) else ["--seed", str(seed), *argv[1:]]
    return shlex.join([*words, argv[0], *rest])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: seed.py NAME")
    print(of(sys.argv[1]))
