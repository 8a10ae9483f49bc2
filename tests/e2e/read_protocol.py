#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A second reader of protocol files, for the comparison only.

Written from tms-protocol(5) alone. It shares no code and no YAML parser with
libtms, so that a mistake in one of them is seen. It does not judge files; what
it does not understand it refuses rather than guessing.
"""
import re
import sys
import unicodedata
from fractions import Fraction

import yaml

UNITS_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}
NUMBER = r"([0-9]+(?:\.[0-9]+)?)(?:/([0-9]+))?"
MASK = (1 << 64) - 1


class Unknown(Exception):
    """Something in the file that this reader does not understand."""


def quantity(text, units):
    m = re.fullmatch(NUMBER + r"\s*(\S+)", str(text))
    if not m or m.group(3) not in units:
        raise Unknown(f"'{text}' is not a number with one of {', '.join(units)}")
    return Fraction(m.group(1)) / int(m.group(2) or 1), m.group(3)


def duration_ns(text):
    """'100 ms', '1/18 s' as an exact rational number of nanoseconds."""
    number, unit = quantity(text, UNITS_NS)
    return number * UNITS_NS[unit]


def percent(text):
    return quantity(text, ("%",))[0] / 100


def only(mapping, allowed, where):
    for key in mapping:
        if key not in allowed:
            raise Unknown(f"{where}: this reader does not know '{key}'")


def nearest(x):
    """Nearest integer, a half upwards."""
    return (2 * x.numerator + x.denominator) // (2 * x.denominator)


class Jitter:
    """SplitMix64, a draw for each jittered interval."""

    def __init__(self, seed):
        self.state = seed

    def draw(self, low, high):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
        return low + z * (high - low + 1) // (1 << 64)


class Level:
    """One level of repetition: how many units, and when each begins."""

    def __init__(self, name, mapping):
        counts = [k for k in ("pulses", "bursts", "trains") if k in mapping]
        only(mapping, {"pulses", "bursts", "trains", "interval", "frequency", "onsets", "duration", "wait"}, name)
        self.onsets = [duration_ns(t) for t in mapping["onsets"]] if "onsets" in mapping else None
        self.count = len(self.onsets) if self.onsets else mapping[counts[0]]
        self.jitter, self.interval = None, Fraction(0)
        interval = mapping.get("interval")
        if isinstance(interval, dict):
            self.jitter = (int(duration_ns(interval["from"])), int(duration_ns(interval["to"])))
        elif interval is not None:
            self.interval = duration_ns(interval)
        elif "frequency" in mapping:
            self.interval = 10**9 / quantity(mapping["frequency"], ("Hz",))[0]
        self.regular = self.interval > 0 and self.jitter is None
        self.wait = mapping.get("wait")

    def begin(self):
        """The onset of unit 0."""
        return self.onsets[0] if self.onsets else Fraction(0)

    def next(self, i, now, jitter):
        """The onset of unit i, i > 0, from that of the unit before."""
        if self.onsets:
            return self.onsets[i]
        return now + (jitter.draw(*self.jitter) if self.jitter else self.interval)


def intensity_of(text, main, thresholds):
    """'main', '90 % main', '80 % aMT', '40 % MSO' as an exact share of full output."""
    words = str(text).split()
    if words == ["main"]:
        return main
    share = percent(" ".join(words[:-1]))
    if words[-1] == "main":
        return share * main
    if words[-1] == "MSO":
        return share
    return share * thresholds[words[-1]]


def pattern_end(levels, last_pulse):
    """Where the next leg may begin; levels: the outermost first."""
    end = Fraction(0)
    for level in levels:
        if level.jitter:
            return last_pulse
        if level.onsets:
            # The last unit's end, which the levels inside of it make out.
            end += level.onsets[-1]
        elif level.regular:
            return end + level.count * level.interval
    return end


def pattern_pulses(pattern, main, thresholds):
    """[(onset in ns, exact; share; what it waits for)] from the pattern's first pulse, and its end."""
    only(pattern, {"burst", "train", "series", "intensities", "ramp", "seed"}, "pattern")
    jitter = Jitter(int(pattern.get("seed", 0)))
    one = {"pulses": 1}
    burst = Level("burst", pattern.get("burst", one))
    train = Level("train", pattern.get("train", one))
    series = Level("series", pattern.get("series", one))
    shares = [intensity_of(x, main, thresholds) for x in pattern.get("intensities", ["main"] * burst.count)]
    ramp = pattern.get("ramp")
    pulses = []
    at_train = series.begin()
    for t in range(series.count):
        if t:
            at_train = series.next(t, at_train, jitter)
        factor = Fraction(1)
        if ramp and t < ramp["trains"]:
            start = percent(ramp["start"])
            factor = start + (1 - start) * Fraction(t, ramp["trains"])
        at_burst = train.begin()
        for b in range(train.count):
            if b:
                at_burst = train.next(b, at_burst, jitter)
            at_pulse = burst.begin()
            for k in range(burst.count):
                if k:
                    at_pulse = burst.next(k, at_pulse, jitter)
                # The outermost level of those that have a unit beginning here.
                wait = (not b and not k and series.wait) or (not k and train.wait) or burst.wait
                pulses.append((at_train + at_burst + at_pulse, shares[k] * factor, wait or None))
    return pulses, pattern_end((series, train, burst), pulses[-1][0])


# What a file has besides its pulses is not read here, but has to be known: a key that is not may mean other pulses.
KEYS = {"format", "id", "title", "indication", "age", "target", "coil", "waveform", "status", "verified", "intensity",
        "pattern", "legs", "totals", "course", "citations", "notes"}


def timeline(protocol, threshold_permille, percent_permille=0, other_thresholds=None):
    """[(t_ns, permille, None or what it waits for)] for a threshold; percent_permille of it, 0 as the file says."""
    only(protocol, KEYS, "the file")
    if str(protocol["format"]) != "1":
        raise Unknown(f"format {protocol['format']} is not known here")
    intensity = protocol["intensity"]
    only(intensity, {"reference", "percent", "highest", "muscle", "adjustment"}, "intensity")
    reference = intensity["reference"]
    thresholds = {"MSO": Fraction(1), reference: Fraction(1) if reference == "MSO" else Fraction(threshold_permille, 1000)}
    thresholds.update({k: Fraction(v, 1000) for k, v in (other_thresholds or {}).items()})
    share = Fraction(percent_permille, 1000) if percent_permille else percent(intensity["percent"])
    main = share * thresholds[reference]

    legs = protocol.get("legs") or [{"pattern": protocol["pattern"]}]
    out, base = [], Fraction(0)
    for leg in legs:
        only(leg, {"name", "target", "pattern", "intensity", "pause", "wait", "totals"}, "legs")
        base += duration_ns(leg["pause"]) if "pause" in leg else 0
        leg_main = intensity_of(leg["intensity"], main, thresholds) if "intensity" in leg else main
        pulses, end = pattern_pulses(leg["pattern"], leg_main, thresholds)
        first = len(out)
        out += [(nearest(base + t), nearest(s * 1000), wait) for t, s, wait in pulses]
        if "wait" in leg:
            out[first] = out[first][:2] + (leg["wait"],)
        base += end
    return out


# Signs that Unicode calls format characters, but that are seen.
SEEN = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
# Parts of the names of letters, marks and signs that are not seen.
UNSEEN = ("HANGUL FILLER", "SEONG FILLER", "SCRIPT FILLER", "VARIATION SELECTOR", "GRAPHEME JOINER",
          "VOWEL INHERENT", "PATTERN BLANK", "NULL NOTEHEAD")


def is_seen(char):
    """By Unicode's categories: a character with a form of its own, or a space."""
    if char == " " or ord(char) in SEEN:
        return True
    if unicodedata.category(char) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"):
        return False
    return not any(part in unicodedata.name(char, "") for part in UNSEEN)


def check_source(text):
    """Refuses a text that another reader, or an eye, may read in another way."""
    for i, char in enumerate(text.replace("\r\n", "\n")):
        if char != "\n" and not is_seen(char):
            raise Unknown(f"character {i} is U+{ord(char):04X}, which is not seen")
    quoted = set()
    for token in yaml.scan(text):
        mark = token.start_mark
        if mark.line != text.count("\n", 0, mark.index):
            raise Unknown(f"character {mark.index} is in line {mark.line} for YAML, but not for an editor")
        if isinstance(token, (yaml.AliasToken, yaml.AnchorToken, yaml.TagToken, yaml.DirectiveToken)):
            raise Unknown(f"line {mark.line + 1}: anchors, aliases, tags and directives are not known here")
        if isinstance(token, yaml.ScalarToken) and token.style in ("'", '"'):
            quoted.update(range(mark.index, token.end_mark.index))
    for i, char in enumerate(text):
        if char != " " and unicodedata.category(char) == "Zs" and i not in quoted:
            raise Unknown(f"character {i} only looks like a space")


def check_nodes(node):
    """Keys of ASCII, each once; values that are seen."""
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        if len(set(keys)) < len(keys) or not all(re.fullmatch("[a-z0-9_]+", key) for key in keys):
            raise Unknown(f"line {node.start_mark.line + 1}: a key is there twice, or is none: {keys}")
        for _, value in node.value:
            check_nodes(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            check_nodes(value)
    elif not all(char == "\n" or is_seen(char) for char in node.value):
        raise Unknown(f"line {node.start_mark.line + 1}: a text has characters that are not seen")


def load(path):
    # As it is: newline="" keeps carriage returns.
    with open(path, encoding="utf-8", newline="") as f:
        text = f.read()
    check_source(text)
    check_nodes(yaml.compose(text, Loader=yaml.SafeLoader))
    return yaml.safe_load(text)


if __name__ == "__main__":
    # FILE THRESHOLD-PERMILLE [PERCENT-PERMILLE] [aMT=PERMILLE...]
    numbers = [int(a) for a in sys.argv[2:] if "=" not in a]
    others = dict((k, int(v)) for k, v in (a.split("=") for a in sys.argv[2:] if "=" in a))
    for t_ns, permille, _ in timeline(load(sys.argv[1]), *numbers, other_thresholds=others):
        print(t_ns, permille, sep="\t")
