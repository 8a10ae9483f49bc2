# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel's log says when something is wrong with it."""
import os
import re

# What the kernel says when something is wrong with it. Debian's kernel warns
# of Spectre with the same word, hence the details of "WARNING".
SPLAT = re.compile(
    r"BUG: |BUG\b.*corruption|kernel BUG at|Oops|Kernel panic|general protection fault|"
    r"unable to handle|Unable to handle|double fault|"
    r"WARNING: (CPU|possible|suspicious|inconsistent|bad|Nested|stack|kernel stack|at )|"
    r"INFO: (task .* blocked|possible|trying to register|lockdep|rcu|NMI handler)|"
    r"KASAN|KFENCE|KCSAN|UBSAN|kmemleak: \d+ new|"
    r"detected stalls|self-detected stall|soft lockup|hard LOCKUP|rcu: .*(stall|starved)|"
    r"scheduling while atomic|sleeping function called|Invalid wait context|"
    r"refcount_t: |list_(add|del) corruption|ODEBUG|DMA-API: |nobody cared|"
    r"cut here|Call Trace:|turning off the locking correctness validator|"
    r"Slab .*corrupt|Bad page|bad page|slab error|Poison overwritten"
)
# Died, bad page, warned, locked up.
TAINT_SPLAT = 1 << 7 | 1 << 5 | 1 << 9 | 1 << 14


def read_text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def without_excused(text, excuse):
    """The log without those of lockdep's reports that are the kernel's own: known, and without a frame of ours."""
    def judge(report):
        known = re.search(excuse, report[0]) and not re.search(r"\btms_|\[tms", report[0])
        return "" if known else report[0]

    return re.sub(r"(?ms)^[^\n]*WARNING: possible circular locking.*?^[^\n]*</TASK>[^\n]*$", judge, text) if excuse else text


def splats(out, excuse):
    """The offending lines of the kernel's log, from both of its copies."""
    lines = {}
    for name in ("console.log", "dmesg"):
        for line in without_excused(read_text(os.path.join(out, name)), excuse).splitlines():
            if SPLAT.search(line):
                # Once, though both copies have it.
                lines[re.sub(r"^\[ *[\d.]+\]\s*", "", line.strip())] = line.strip()
    tainted = read_text(os.path.join(out, "tainted")).strip()
    if tainted.isdigit() and int(tainted) & TAINT_SPLAT:
        lines[""] = f"kernel tainted: {tainted}"
    return list(lines.values())
