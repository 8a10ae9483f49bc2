#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""check_terminal.py OUT: what a newcomer does on a terminal of 24 lines and 80 columns: `make vm`'s machine with its
second terminal, and a treatment as `make demo` gives it. TAP on standard output; what was shown is kept in OUT.

A wait ends when it is too long for any host; nothing else here goes by the host's clock.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

TOO_LONG_S = 900
PROMPT = rb"root@tms-vm:[^\r\n]*# "
tests = []


class Terminal:
    """A command on a pseudo terminal of its own."""

    def __init__(self, name, *command):
        self.shown, self.at = b"", 0
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            os.execvp(command[0], command)
        self.log = open(os.path.join(sys.argv[1], name + ".log"), "wb")

    def read(self, until):
        """Some more of what is shown; False when there is none any more."""
        if not select.select([self.master], [], [], max(0, until - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self.master, 4096)
        except OSError:
            data = b""
        self.log.write(data)
        self.log.flush()
        self.shown += data
        return bool(data)

    def sees(self, pattern, seconds=TOO_LONG_S):
        """Behind what was seen before."""
        until = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.shown[self.at:])
            if found:
                self.at += found.end()
                return True
            if not self.read(until):
                return False

    def types(self, text):
        os.write(self.master, text)

    def ends(self):
        """Its exit status, or None when it does not end."""
        until = time.monotonic() + TOO_LONG_S
        while self.read(until):
            pass
        if time.monotonic() >= until:
            os.kill(self.pid, signal.SIGTERM)
            os.waitpid(self.pid, 0)
            return None
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def ok(what, result):
    tests.append(result)
    print("%s %u - %s" % ("ok" if result else "not ok", len(tests), what), flush=True)
    return result


def shell(kernel):
    tree = os.path.join(os.environ.get("B", "build"), "tree", kernel)
    vm = Terminal("first", "tests/vm/run", "--shell", "--icount", "--kernel", kernel, "--install", tree)
    if not ok("a prompt in the first terminal", vm.sees(PROMPT)):
        vm.types(b"exit\n")
        vm.ends()
        return
    vm.types(b"stty size\n")
    ok("the first terminal knows its size", vm.sees(rb"24 80\r") and vm.sees(PROMPT))
    vm.types(b"sleep 100000; echo left $((40 + 2))\n")
    vm.sees(rb"sleep [^\n]*\n")
    second = Terminal("second", "tests/vm/terminal")
    ok("a prompt in the second terminal", second.sees(rb"leaves") and second.sees(PROMPT))
    # Once the other terminal shows it, the first one is in its program.
    second.types(b"until pgrep -x sleep; do :; done; stty size\n")
    ok("the second terminal knows its size", second.sees(rb"24 80\r") and second.sees(PROMPT))
    third = subprocess.run(["tests/vm/terminal"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           timeout=TOO_LONG_S, check=False)
    ok("a third is told that the second terminal is another window's", third.returncode == 1 and
       "another window" in third.stderr)
    vm.types(b"\x03")
    ok("^C ends a program in the first terminal", vm.sees(PROMPT))
    second.types(b"sleep 100000\n")
    second.sees(rb"sleep [^\n]*\n")
    vm.types(b"until pgrep -xt hvc1 sleep; do :; done; echo seen $((40 + 2))\n")
    ok("the first terminal sees the second one's program", vm.sees(rb"seen 42\r") and vm.sees(PROMPT))
    second.types(b"\x03")
    ok("^C ends a program in the second terminal", second.sees(PROMPT))
    second.types(b"exit\n")
    ok("the second terminal has a new shell behind exit", second.sees(PROMPT))
    second.types(b"stty size\n")
    ok("and still knows its size", second.sees(rb"24 80\r") and second.sees(PROMPT))
    vm.types(b"exit\n")
    ok("exit ends the machine", vm.ends() == 0)
    ok("the second terminal says so", second.ends() == 0 and b"the machine has ended" in second.shown)


def demo():
    treat = Terminal("demo", "tests/e2e/treat", "--label", "terminal", "--out", os.path.join(sys.argv[1], "demo"),
                     "--protocol", "mdd-itbs-600", "--mt", "50", "--live")
    status = treat.ends()
    ok("a treatment that is shown on a terminal comes to its end", status == 0)
    ok("its progress was shown", rb"600/600" in treat.shown or rb"600 of 600" in treat.shown)
    ok("its three records agree", re.search(rb"prescribed=600 witnessed=600 audited=600 extra=0", treat.shown) is not None)


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    shell(os.environ.get("KERNEL", "6.1"))
    demo()
    print("1..%u" % len(tests))
    return 0 if all(tests) else 1


if __name__ == "__main__":
    sys.exit(main())
