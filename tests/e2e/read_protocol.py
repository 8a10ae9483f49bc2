#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A second reader of protocol files, for the comparison only.

It shares no code and no YAML parser with libtms, so that a mistake in one of
them is seen. It follows tms-protocol(5) for the patterns that treatments
use, and refuses what it does not know rather than guessing.
"""
import re
import sys
from fractions import Fraction

import yaml

UNITS_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9}


class Unknown(Exception):
    """Something in the file that this reader does not understand."""


def duration_ns(value):
    """'100 ms', '1/18 s', '0.2 s' as an exact rational number of nanoseconds."""
    m = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(?:/([0-9]+))?\s+(ns|us|ms|s|min)", str(value))
    if not m:
        raise Unknown(f"'{value}' is not a duration")
    return Fraction(m.group(1)) / int(m.group(2) or 1) * UNITS_NS[m.group(3)]


def percent_permille(value):
    """'120 %' as a rational number of tenths of a percent."""
    m = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*%", str(value))
    if not m:
        raise Unknown(f"'{value}' is not a percentage")
    return Fraction(m.group(1)) * 10


def only(mapping, allowed, where):
    for key in mapping:
        if key not in allowed:
            raise Unknown(f"{where}: this reader does not know '{key}'")


def load(path):
    with open(path, encoding="utf-8") as f:
        return yaml.safe_load(f)


def nearest(x):
    """Nearest integer, halves up."""
    return (2 * x.numerator + x.denominator) // (2 * x.denominator)


def timeline(protocol, threshold_permille, percent=0):
    """[(t_ns, permille)] for a threshold; percent in permille, 0 as the file says."""
    pattern, intensity = protocol["pattern"], protocol["intensity"]
    only(intensity, {"reference", "percent", "muscle"}, "intensity")
    only(pattern, {"burst", "train", "series"}, "pattern")
    burst = pattern.get("burst", {"pulses": 1, "interval": "0 s"})
    train, series = pattern["train"], pattern.get("series", {"trains": 1, "interval": "0 s"})
    only(burst, {"pulses", "interval"}, "pattern.burst")
    only(train, {"pulses", "bursts", "interval", "duration"}, "pattern.train")
    only(series, {"trains", "interval"}, "pattern.series")
    units = train["bursts"] if "burst" in pattern else train["pulses"]

    share = Fraction(percent) if percent else percent_permille(intensity["percent"])
    base = Fraction(1000) if intensity["reference"] == "MSO" else Fraction(threshold_permille)
    permille = nearest(base * share / 1000)

    in_burst, in_train, in_series = (duration_ns(x["interval"]) for x in (burst, train, series))
    return [
        (nearest(k * in_series + j * in_train + i * in_burst), permille)
        for k in range(series["trains"])
        for j in range(units)
        for i in range(burst["pulses"])
    ]


if __name__ == "__main__":
    for t_ns, permille in timeline(load(sys.argv[1]), int(sys.argv[2])):
        print(t_ns, permille, sep="\t")
