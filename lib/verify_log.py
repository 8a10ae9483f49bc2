#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""verify_log.py [--key0 FINGERPRINT] [--seal FILE] [--nonce TEXT] DIR...: is an audit log of tmsd whole?

A second verifier, written from AUDIT.md alone. It needs Python 3.11 and openssl(1), and shares nothing with tmsd. DIR is an
exported bundle, a daemon's audit/, or the directory above it; "-" takes directories from standard input, one a line.
One line for each: the verdict, the place of the first fault (file and line, record, byte in the file), and the reason.
Exit status as tmsctl audit verify has it: 0 verified, 8 prefix, 9 torn, 7 tampered or lost, 1 something could not be read.
"""
import argparse
import base64
import concurrent.futures
import functools
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
from types import SimpleNamespace

STATUS = {"verified": 0, "prefix": 8, "torn": 9, "unreadable": 1, "tampered": 7, "lost": 7}  # the worst one last
KEYS = ["seq", "utc", "mono_ns", "boot", "type", "who", "on", "data", "prev"]
TYPES = [int, str, int, str, str, dict, str, dict, str]
ANCHORS = ("key0", "seal", "nonce")
# The columns of pulse files: today's, and those of the daemons that wrote logs of format 1.
PULSE_COLUMNS = ["seq mono_ns type flags run index card_seq train condition leg due_ns triggered_ns due_card_ns card_ns slack_ns "
                 "set_permille delivered_permille outcome cause timeline_gen state_to state_from back_to next_pulse live latched "
                 "edge_ns lost",
                 "seq mono_ns type run pulse card_seq scheduled_ns triggered_ns card_ns set_permille delivered_permille code"]
PULSES = {"\t".join(names.split()).encode() + b"\n": re.compile("\t".join(  # the first line, and the form of those behind it
    ("(%s)" if name in ("seq", "type", "index", "pulse", "triggered_ns", "outcome", "code") else "%s") % ("-?" * (name == "slack_ns") + "[0-9]{1,20}")
    for name in names.split()).encode()) for names in PULSE_COLUMNS}
NO_PULSE = b"1 2 3 4 5 7 8 10 11 12".split()  # outcomes: refused or withdrawn, and its pulse is not left out either
SPKI = bytes.fromhex("302a300506032b6570032100")  # what a raw Ed25519 public key has before it in DER
PULSE_NAME = re.compile(r"pulses/(?=.{1,152}$)[A-Za-z0-9_-][A-Za-z0-9._-]*\.tsv")
HEX64, HEX128 = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{128}")
ESCAPES = {c: f"\\u{c:04X}" for c in range(1, 0x20)} | {ord(c): "\\" + e for c, e in zip('"\\\b\f\n\r\t', '"\\bfnrt')}
NO_CHARACTER = re.compile("[\0\ud800-\udfff\ufdd0-\ufdef" + "".join(
    chr(plane << 16 | last) for plane in range(17) for last in (0xfffe, 0xffff)) + "]")


class Fault(Exception):
    """What is wrong. `line` counts from 1; 0: no record is wrong, but the log as a whole is."""

    def __init__(self, verdict, why, at=None):
        super().__init__(why)
        self.verdict, self.at = verdict, at or SimpleNamespace(file="", line=0, seq=1 << 64, byte=0)

    def __str__(self):
        at = self.at
        place = f"{at.file}:{at.line} (record {at.seq}, byte {at.byte}): " if at.line else ""
        return place + self.args[0]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# --- The one form of a record ---

def text_form(text):
    if NO_CHARACTER.search(text):
        raise ValueError("not a character")
    return '"' + text.translate(ESCAPES) + '"'


def number_form(number):
    if isinstance(number, int):
        if not -2**63 <= number < 2**63:
            raise ValueError("too large a number")
        return str(number)
    text = re.sub(r"e([-+])0*", lambda e: "e" + e[1].strip("+"), "%.17g" % number)
    if "n" in text:
        raise ValueError("no number")
    return text if "." in text or "e" in text else text + ".0"


def form(value, depth=1, members=0, data=False):
    """The text of value in a record, which has this many objects around it; members: of those that are open, without data."""
    if isinstance(value, str):
        return text_form(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return number_form(value)
    members += 0 if isinstance(value, list) or data else len(value)
    if depth > 16 or members > 128 or data and len(value) > 96:
        raise ValueError("too much in one record")
    if isinstance(value, list):
        return "[" + ",".join(form(v, depth + 1, members) for v in value) + "]"
    return "{" + ",".join(text_form(k) + ":" + form(v, depth + 1, members, depth == 1 and k == "data" and isinstance(v, dict))
                          for k, v in value.items()) + "}"


def each_once(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


@functools.lru_cache(maxsize=1 << 15)
def parse(line):
    """The record in these bytes; None: they are none."""
    try:
        text = line.decode()
        record = json.loads(text, object_pairs_hook=each_once)
        if form(record) != text:
            return None
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or list(record) != KEYS or [type(v) for v in record.values()] != TYPES:
        return None
    return record


# --- Keys and signatures: openssl(1) ---

def openssl(*args, **files):
    """Runs openssl with these files, whose names stand in args."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as tmp:
        for name, data in files.items():
            with open(os.path.join(tmp, name), "wb") as f:
                f.write(data)
        return subprocess.run(["openssl", *args], cwd=tmp, capture_output=True, check=False)


@functools.lru_cache(maxsize=1 << 15)
def signature_holds(public, text, sig):
    return openssl("pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key", "-rawin", "-in", "text",
                   "-sigfile", "sig", key=SPKI + bytes.fromhex(public), text=text,
                   sig=bytes.fromhex(sig)).returncode == 0


@functools.lru_cache(maxsize=1 << 10)
def public_of(pem):
    """The raw public key of a private one; None: this is no Ed25519 key."""
    der = openssl("pkey", "-in", "key", "-pubout", "-outform", "DER", key=pem).stdout
    return der[len(SPKI):].hex() if der.startswith(SPKI) else None


def raw_key(pem):
    body = re.fullmatch(rb"\s*-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*", pem)
    try:
        der = base64.b64decode(b"".join(body[1].split()), validate=True) if body else b""
    except ValueError:
        return None
    return der[len(SPKI):].hex() if der.startswith(SPKI) and len(der) == len(SPKI) + 32 else None


# --- Files ---

def read(path, *, why="", at=None):
    """The bytes of a regular file. One that is missing, or is something else, is a fault if `why` names it."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if why and isinstance(error, (FileNotFoundError, NotADirectoryError)):
            raise Fault("tampered", f"{why} is missing", at) from error
        if why and os.path.islink(path):
            raise Fault("tampered", f"{why} is not a regular file", at) from error
        raise
    with os.fdopen(fd, "rb") as f:
        if why and not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Fault("tampered", f"{why} is not a regular file", at)
        return f.read()


class Counts:
    """What the lines of a pulse file come to."""

    def __init__(self):
        self.size, self.newest, self.waits, self.form, self.digest = 0, -1, None, None, hashlib.sha256()
        self.lines = self.delivered = self.missed = self.unknown = self.pulses = self.next_pulse = self.before = 0

    def add(self, piece):
        """Whole lines; returns what is wrong with them."""
        if piece and self.size == 0:
            self.form = PULSES.get(piece[:piece.find(b"\n") + 1])
            if not self.form:
                return "does not begin as a pulse file does"
        if piece and not piece.endswith(b"\n"):
            return "has no end of line there"
        for line in piece.split(b"\n")[self.size == 0:-1]:
            columns = self.form.fullmatch(line)
            if not columns:
                return "has a line that is not so many decimal columns"
            self.lines += 1
            if int(columns[1]) > self.newest:
                self.newest = int(columns[1])
                self.pulse(columns[2], int(columns[3]), columns[4], columns[5])
        self.size += len(piece)
        self.digest.update(piece)
        return None

    def pulse(self, kind, index, triggered_ns, outcome):
        self.pulses += kind in (b"2", b"3")
        self.missed += kind == b"2" and outcome in (b"17", b"18", b"19")
        self.delivered += kind == b"3" and outcome == b"0"
        if kind == b"2" and outcome == b"16":
            self.unknown, self.waits, self.before = self.unknown + 1, triggered_ns, self.next_pulse
        if kind == b"2" and outcome in (b"16", b"17", b"18", b"19"):
            self.next_pulse = max(self.next_pulse, min(index + 1, 2**32 - 1))
        elif kind == b"3" and triggered_ns == self.waits:
            self.unknown, self.waits = self.unknown - (outcome != b"20"), None
            if outcome in NO_PULSE and self.next_pulse == index + 1:
                self.next_pulse = self.before

    def said(self):
        return self.digest.hexdigest(), self.lines, self.delivered, self.missed, self.unknown, self.next_pulse


@functools.lru_cache(maxsize=1 << 10)
def tally(data, ends):
    """What is said of a pulse file up to each of these sizes, and for the rest whether it has pulses; a text: what is wrong."""
    counts, results = Counts(), []
    for end in ends:
        wrong = "is shorter than that" if end > len(data) else counts.add(data[counts.size:end])
        if wrong:
            return results + [wrong]
        results.append(counts.said())
    if counts.size == 0 and any(head.startswith(data) for head in PULSES):  # a crash left a part of the first line
        return results + [False]
    return results + [counts.add(data[counts.size:data.rfind(b"\n") + 1]) or counts.pulses > 0]


# --- The log ---

class Tree:
    """The Merkle tree of RFC 6962 over the records so far: the roots of its complete subtrees, with how many leaves each has."""

    def __init__(self, size=0, roots=()):
        self.parts = list(zip((1 << i for i in range(size.bit_length(), -1, -1) if size >> i & 1), map(bytes.fromhex, roots)))

    def add(self, leaf):
        self.parts.append((1, leaf))
        while len(self.parts) > 1 and self.parts[-2][0] == self.parts[-1][0]:
            (n, left), (_, right) = self.parts[-2:]
            self.parts[-2:] = [(2 * n, hashlib.sha256(b"\1" + left + right).digest())]

    def root(self):
        return functools.reduce(lambda right, left: hashlib.sha256(b"\1" + left + right).digest(),
                                [h for _, h in reversed(self.parts)]).hex()

    def roots(self):
        return [h.hex() for _, h in self.parts]


class Log:
    def __init__(self, directory, anchors):
        self.dir, self.anchors = directory, anchors
        self.faults, self.seals, self.claims = [], [], []
        self.records, self.torn, self.sealed, self.line, self.tree = 0, None, 0, None, Tree()
        self.key0 = self.next = self.origin = None  # origin: of format 2; sealed: seals so far
        self.first, self.retired, self.close, self.open, self.rest = 0, [], None, False, {}
        self.sessions, self.ended, self.growing, self.named = {}, set(), {}, {}
        self.held = self.fresh = False

    def path(self, name):
        return os.path.join(self.dir, name)

    def names(self, folder):
        try:
            return sorted(n for n in os.listdir(self.path(folder)) if not n.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def check(self, what, *args):
        """Calls what(); a fault that it raises is kept, and the rest is checked all the same."""
        try:
            what(*args)
        except Fault as fault:
            self.faults.append(fault)

    def verdict(self):
        """The first record that does not hold, or whose seal or files do not; only if all hold, what is beside the log."""
        self.check(self.walk)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for seal, holds in zip(self.seals, pool.map(lambda s: signature_holds(*s[1:]), self.seals)):
                if not holds:
                    self.faults.append(Fault("tampered", "a seal whose signature does not hold", seal[0]))
        for claim in self.claims:
            self.check(*claim)
        for name, said in self.named.items():
            self.check(self.pulse_file, name, said)
        for what in (self.anchored, self.key0_file, self.keys, self.pulse_ends, self.unnamed) if self.records else (self.unused,):
            if not self.faults:
                self.check(what)
        if self.faults:
            first = min(self.faults, key=lambda f: f.at.seq)  # of two in one record, the one that was found first
            return first.verdict, str(first)
        if self.torn is not None:
            return "torn", f"{self.torn} bytes without an end of line behind {self.records} records"
        known = f"{self.records} records, {self.sealed} seals"
        return ("verified", known) if self.held or self.fresh else ("prefix", known + ", and nothing that shows where the log ends")

    def walk(self):
        """All records in their order, segment by segment."""
        numbers = {0: "log.jsonl"} if os.path.lexists(self.path("log.jsonl")) else {}
        odd = [n for n in self.names(".") if re.fullmatch(r"log-[0-9]+\.jsonl", n)]
        numbers |= {int(n[4:10]): n for n in odd if len(n) == 16 and n != "log-000000.jsonl"}
        odd = [n for n in odd if n not in numbers.values()]
        self.first = number = min(numbers, default=0)
        while True:
            self.segment(number, numbers.pop(number, "log.jsonl"))
            number += 1
            if number not in numbers:
                break
        if number > 1 and self.empty:
            raise Fault("tampered", f"segment {number - 1} has no whole record, which no crash leaves")
        if odd or numbers:
            raise Fault("lost", f"{(odd + list(numbers.values()))[0]} is no segment that follows from those before")
        if self.first and max((r[0] for r in self.retired), default=0) < self.first:
            raise Fault("lost", f"the log begins with segment {self.first}, and no record says that those before were moved out")
        for segments, records, at in self.retired:
            if self.first and segments == self.first and records != self.begins:
                raise Fault("tampered", "a log.retire with another number of records", at)

    def segment(self, number, name):
        *lines, rest = read(self.path(name), why=name if number else "").split(b"\n")
        at = SimpleNamespace(file=name, line=1, seq=self.records, byte=0)
        byte, kinds, segment_format = 0, [None, None], None
        if self.open:
            raise Fault("tampered", "the segment before was not closed", at)
        self.empty = not lines
        if rest or not lines:
            self.torn = len(rest)
        for index, line in enumerate(lines):
            at = SimpleNamespace(file=name, line=index + 1, seq=self.records, byte=byte)
            record = parse(line)
            if record is None:
                raise Fault("tampered", "not a record", at)
            if index == 0:
                segment_format = self.begin(number, record, at)
            self.record(record, line, at, number, segment_format, index == 0)
            kinds = [kinds[1], record["type"]]
            byte += len(line) + 1
            self.line = line
            self.tree.add(hashlib.sha256(b"\0" + line).digest())
            self.records += 1
        self.open = rest or kinds[1] != "seal" or segment_format == 2 and (kinds[0] != "log.close" or self.close != number)

    def begin(self, number, record, at):
        """The first record of a segment: the segment's format."""
        data = record["data"]
        if record["type"] != ("log.segment" if number else "log.open"):
            raise Fault("tampered", "not the first record of a segment", at)
        if not (same(data, "format", 2) or same(data, "format", 1) and not number) or not is_hex(data.get("key0"), HEX64):
            raise Fault("tampered", "a format that is not known, or no key 0", at)
        if number and number == self.first:  # moved out is what was before
            self.records = self.begins = record["seq"]
            roots = data.get("tree")
            if self.records < 1 or type(data.get("seals")) is not int or not is_hex(data.get("public"), HEX64) or \
                    type(roots) is not list or len(roots) != self.records.bit_count() or not all(is_hex(r, HEX64) for r in roots):
                raise Fault("tampered", "not the beginning of a segment", at)
            self.tree, self.sealed, self.next = Tree(self.records, roots), data["seals"], data["public"]
        if not self.key0:
            self.key0 = data["key0"]
            self.next = self.next or self.key0
            self.origin = "tmsd/" + sha256(bytes.fromhex(self.key0))
            self.beginning = at
        if number and (data["key0"], data.get("origin"), data.get("public"), data.get("tree")) != (
                self.key0, self.origin, self.next, self.tree.roots()) or number and not (
                same(data, "segment", number) and same(data, "seals", self.sealed)):
            raise Fault("tampered", "a segment that does not follow from the one before", at)
        return data["format"]

    def record(self, record, line, at, number, segment_format, first):
        data, kind = record["data"], record["type"]
        if record["seq"] != self.records:
            raise Fault("tampered", f"record {record['seq']} stands where record {self.records} was due", at)
        due = "0" * 64 if self.records == 0 else sha256((b"\0" if segment_format == 2 else b"") + self.line) if self.line is not None \
            else record["prev"]
        if record["prev"] != due or not is_hex(due, HEX64):
            raise Fault("tampered", "does not follow from the line before", at)
        if kind in ("log.open", "log.segment") and not first:
            raise Fault("tampered", f"{kind} stands at a beginning and nowhere else", at)
        if kind == "seal":
            self.seal(record, line, at, number, segment_format)
            self.held = self.held or line == self.anchors.seal
        elif kind == "log.close":
            self.close = data.get("segment")
        elif kind == "log.retire":
            if type(data.get("segments")) is int:
                self.retired.append((data["segments"], data.get("records"), at))
        elif kind == "session.create":
            if isinstance(data.get("session"), str):
                self.sessions[data["session"]] = at
        elif kind == "session.prepare":
            self.claims.append((self.content, f"protocols/{data.get('sha256')}.yaml", None, data.get("sha256"), at))
        elif kind in ("session.pulses", "session.end", "recovery.pulses", "recovery.pulses.intent"):
            self.pulses(kind, data, at, segment_format)
        if "cut_file" in data:
            self.claims.append((self.content, data["cut_file"], data.get("cut_bytes"), data.get("cut_sha256"), at))

    def seal(self, record, line, at, number, segment_format):
        d = record["data"]
        more = [] if segment_format == 1 else ["origin", "size", "root"] + ["checkpoint"] * ("checkpoint" in d)
        if list(d) != ["key", "public", "next", "nonce", *more, "sig"] or not is_hex(d["next"], HEX64) or \
                not is_hex(d["sig"], HEX128) or type(d["nonce"]) is not str or not re.fullmatch("[ -~]{0,128}", d["nonce"]):
            raise Fault("tampered", "not a seal", at)
        if not same(d, "key", self.sealed) or d["public"] != self.next or d["next"] == d["public"]:
            raise Fault("tampered", "a seal by another key than the one announced", at)
        if segment_format == 1:
            text = f"tmsd-seal-1\n{at.seq}\n{record['prev']}\n{d['key']}\n{d['next']}\n{d['nonce']}\n{record['utc']}\n".encode()
        else:
            sig = f'"sig":"{d["sig"]}"'.encode()
            text = b"tmsd-seal-2\n" + b'"sig":""'.join(line.rsplit(sig, 1))
            if d["origin"] != self.origin or not same(d, "size", at.seq) or d["root"] != self.tree.root():
                raise Fault("tampered", "a seal over another origin, size or root", at)
            if "checkpoint" in d:
                begins = {"format": 2, "origin": self.origin, "records": at.seq, "segment": number, "offset": at.byte,
                          "prev": record["prev"], "seals": self.sealed, "public": d["public"], "tree": self.tree.roots()}
                self.claims.append((self.checkpoint, d["checkpoint"], (form(begins)[:-1] + ',"state":').encode(), at))
        self.seals.append((at, d["public"], text, d["sig"]))
        self.sealed, self.next = self.sealed + 1, d["next"]
        self.fresh = self.fresh or self.anchors.nonce not in (None, "") and d["nonce"] == self.anchors.nonce

    def checkpoint(self, digest, begins, at):
        name = f"checkpoints/{at.seq}.json"
        if os.path.lexists(self.path(name)):
            data = read(self.path(name), why=name, at=at)
            if sha256(data) != digest or not data.startswith(begins):
                raise Fault("tampered", f"{name} is not the checkpoint of this seal", at)

    def pulses(self, kind, d, at, segment_format):
        """Notes what the record says of a pulse file."""
        name, session = d.get("file"), d.get("session")
        if kind == "session.end" and isinstance(session, str):
            self.ended.add(session)
        if name is None and kind != "recovery.pulses.intent":
            if any(d.get(count, 0) != 0 for count in ("lines", "bytes", "delivered", "missed", "unknown", "next_pulse")):
                raise Fault("tampered", "counts, and no file", at)
            if kind == "session.end" and isinstance(session, str) and not self.named.get(f"pulses/{session}.tsv"):
                self.sessions.pop(session, None)  # a file with its name is named by no record
            return
        if not isinstance(name, str) or not PULSE_NAME.fullmatch(name):
            raise Fault("tampered", "no pulse file's name", at)
        said = self.named.setdefault(name, [])
        if kind != "recovery.pulses.intent":
            size, *claim = [d.get(k) for k in ("bytes", "sha256", "lines", "delivered", "missed", "unknown", "next_pulse")]
            if type(size) is not int or size < (said[-1][0] if said else 0):
                raise Fault("tampered", "no size, or a smaller one than before", at)
            if segment_format == 2 and "unknown" not in d:
                raise Fault("tampered", "no count of unknown pulses", at)
            said.append((size, claim if "next_pulse" in d else claim[:-1] if "unknown" in d else claim[:-2], at))  # older logs say less
        self.growing[name] = kind not in ("session.end", "recovery.pulses") and (
            kind == "recovery.pulses.intent" or self.growing.get(name, True))

    def pulse_file(self, name, said):
        """What the records say of a file, each of its beginning as it was then."""
        if not said:
            return  # only an intent names it
        data = read(self.path(name), why=name, at=said[0][2])
        ends = tuple(dict.fromkeys(size for size, *_ in said))
        results = tally(data, ends)
        for size, claim, at in said:
            result = results[min(ends.index(size), len(results) - 1)]
            if isinstance(result, str):
                raise Fault("tampered", f"{name} {result}", at)
            if list(result[:len(claim)]) != claim:
                raise Fault("tampered", f"{name} is not what it was, or not what is said of it", at)
        self.rest[name] = (len(data), results[-1])

    def pulse_ends(self):
        """What follows in files behind what the records say of them."""
        for session, at in self.sessions.items():
            name = f"pulses/{session}.tsv"
            if session not in self.ended and name not in self.rest:
                data = read(self.path(name), why=name, at=at)
                self.rest[name], self.named[name] = (len(data), tally(data, ())[-1]), [(0, None, at)]
        for name, (size, result) in self.rest.items():
            due, _, at = self.named[name][-1]
            if isinstance(result, str):
                raise Fault("tampered", f"{name} {result}", at)
            if not self.growing.get(name, True) and size != due:
                raise Fault("tampered", f"{name} has {size} bytes instead of {due}", at)

    def unnamed(self):
        for name in [] if self.first else self.names("pulses"):
            if f"pulses/{name}" not in self.named and name.removesuffix(".tsv") not in self.sessions and PULSE_NAME.fullmatch(f"pulses/{name}"):
                result = tally(read(self.path(f"pulses/{name}")), ())[-1]
                if result:
                    raise Fault("lost", f"pulses/{name}, which no record names, {'has pulses in it' if result is True else result}")

    def content(self, name, size, digest, at):
        if not isinstance(name, str) or not re.fullmatch(r"protocols/[0-9a-f]{64}\.yaml|cut-[A-Za-z0-9._-]{1,190}\.part", name):
            raise Fault("tampered", "not the name of a file that is kept", at)
        data = read(self.path(name), why=name, at=at)
        if sha256(data) != digest or size not in (None, len(data)):
            raise Fault("tampered", f"{name} is not what it was", at)

    def key0_file(self):
        if raw_key(read(self.path("key0.pub"), why="key0.pub")) != self.key0:
            raise Fault("tampered", "key0.pub is not the key that the log began with")

    def numbers(self):
        return {int(n[:-4]) for n in self.names("../keys") if re.fullmatch(r"(0|[1-9][0-9]*)\.pem", n)}

    def unused(self):
        if self.names("pulses") or self.names("protocols") or self.numbers() - {0} or any(vars(self.anchors)[a] for a in ANCHORS):
            raise Fault("lost", "no record, but what only a log with records leaves")

    def keys(self):
        """The keys beside the log, where they may be seen: the one that the last seal announces."""
        if not os.path.isdir(self.path("../keys")) or not os.access(self.path("../keys"), os.R_OK | os.X_OK):
            return
        due, numbers = self.sealed, self.numbers()
        if due not in numbers or max(numbers) > due + 1:
            raise Fault("lost", f"the log announces key {due}, and keys/ has {sorted(numbers) or 'none'}")
        for number in sorted(numbers & {due, due + 1}):
            public = public_of(read(self.path(f"../keys/{number}.pem")))
            if public is None or number == due and public != self.next:
                raise Fault("tampered", f"keys/{number}.pem is not the key that the log announces")

    def anchored(self):
        a = self.anchors
        if a.key0 and sha256(bytes.fromhex(self.key0)) != a.key0.lower():
            raise Fault("tampered", "the log did not begin with that key 0", self.beginning)
        if a.seal and not self.held:
            seq = (parse(a.seal) or {"seq": 0})["seq"]
            raise Fault("lost" if seq >= self.records else "tampered", f"the seal that was kept, record {seq}, is not in the log")
        if a.nonce and not self.fresh:
            raise Fault("lost", "no seal over that nonce")


def same(data, key, number):
    return type(data.get(key)) is int and data[key] == number


def is_hex(value, of):
    return isinstance(value, str) and of.fullmatch(value) is not None


def segments(directory):
    try:
        return {e.name: (e.stat().st_size, e.inode()) for e in os.scandir(directory) if re.fullmatch(r"log[-0-9]*\.jsonl", e.name)}
    except OSError:
        return None


def verify(directory, anchors):
    """(verdict, sentence). A log that grew meanwhile is looked at again before it is called bad."""
    if os.path.isdir(os.path.join(directory, "audit")):
        directory = os.path.join(directory, "audit")
    for _ in range(20):
        before = segments(directory)
        try:
            result = Log(directory, anchors).verdict()
        except OSError as error:  # perhaps of a key that was listed, and destroyed behind the next seal
            result = "unreadable", str(error)
        if result[0] in ("verified", "prefix") or before == segments(directory):
            break
    return result


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--key0", metavar="FINGERPRINT", help="SHA-256 of the raw first public key, as noted at installation")
    options.add_argument("--seal", metavar="FILE", help="the line of a seal that was kept elsewhere")
    options.add_argument("--nonce", metavar="TEXT", help="a number made up now, over which the daemon has made a seal")
    options.add_argument("dir", nargs="+", metavar="DIR")
    anchors = options.parse_args()
    if anchors.seal:
        anchors.seal = read(anchors.seal).rstrip(b"\n")
    worst = "verified"
    for directory in (line.rstrip("\n") for line in sys.stdin) if anchors.dir == ["-"] else anchors.dir:
        result, sentence = verify(directory, anchors)
        print(f"{directory}: {result}: {sentence}", flush=True)
        worst = max(worst, result, key=list(STATUS).index)
    return STATUS[worst]


if __name__ == "__main__":
    sys.exit(main())
