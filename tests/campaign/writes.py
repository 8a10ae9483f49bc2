# SPDX-License-Identifier: GPL-2.0-or-later
"""A log of a disk's writes, as QEMU's blklogwrites keeps it (dm-log-writes), and what a power cut leaves of it.

What was written before a flush is on the disk. Of what was written since, the disk may have anything: each write or
not, and of one only its first sectors.
"""
import struct

MAGIC = 0x6A736677736872
SECTOR = 512
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8


class Write:
    def __init__(self, number, at, data, flush, mark):
        self.number = number  # its place among the entries
        self.at, self.data = at, data
        self.flush = flush    # all that was written before is on disk
        self.mark = mark      # what the daemon relied on, (word, number), or None


def read_log(path, marks_at):
    """All entries, also of a log whose machine was cut off: its own count of entries is older then."""
    with open(path, "rb") as f:
        raw = f.read()
    magic, version, _count, sector = struct.unpack_from("<QQQI", raw)
    if magic != MAGIC or version != 1:
        raise ValueError(f"{path}: no log of writes")
    entries, at = [], sector
    while at + sector <= len(raw):
        start, count, flags, length = struct.unpack_from("<QQQQ", raw, at)
        if flags == 0 and count == 0 or start * sector > 1 << 40 or flags > 15:
            break
        at += sector
        size = 0 if flags & DISCARD else count * sector
        if at + size > len(raw):
            break
        data, mark = raw[at:at + size], None
        at += size
        if size and start * sector == marks_at:
            words = data.split(b"\n")[0].decode("ascii").split()
            if words[:1] == ["tms-mark"]:
                mark = (words[1], int(words[2]))
        entries.append(Write(len(entries), start * sector, data, bool(flags & (FLUSH | FUA)), mark))
    return entries


def begin_of(entries):
    """The entry with which the daemon began: the file system is there by then."""
    return next(e.number for e in entries if e.mark and e.mark[0] == "begin")


class Replay:
    """Disks as power cuts leave them, with the cuts asked for in order."""

    def __init__(self, entries, size):
        self.entries, self.disk, self.done = entries, bytearray(size), 0

    def put(self, disk, entry, size=None):
        data = entry.data[:size]
        end = min(len(disk), entry.at + len(data))
        if end > entry.at:
            disk[entry.at:end] = data[:end - entry.at]

    def cut(self, behind, rng):
        """The disk of a power cut right behind that entry; rng draws what it has of the writes since the last flush."""
        flushed = max((e.number for e in self.entries[:behind + 1] if e.flush), default=0)
        assert flushed >= self.done
        for e in self.entries[self.done:flushed]:
            self.put(self.disk, e)
        self.done = flushed
        disk = bytearray(self.disk)
        kept = rng.choice((0.0, 0.2, 0.5, 0.8, 1.0))
        for e in self.entries[flushed:behind + 1]:
            if rng.random() < kept:
                self.put(disk, e)
            elif len(e.data) > SECTOR and rng.random() < 0.2:
                self.put(disk, e, rng.randrange(len(e.data) // SECTOR) * SECTOR)
        return disk

    def marks(self, behind):
        """What the daemon relied on by then: {word: (how often, the last number)}."""
        ret = {}
        for e in self.entries[:behind + 1]:
            if e.mark:
                ret[e.mark[0]] = (ret.get(e.mark[0], (0, 0))[0] + 1, e.mark[1])
        return ret
