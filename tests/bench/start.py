#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How long tmsd takes to begin over an audit log, and how much memory it then has.

start.py TMSD DIR [SECONDS]: starts TMSD on a private bus with the state directory
DIR, which `audit years` has made, three times. Prints one line of KEY=VALUE:
start_ns, the fastest from execve() to READY=1; start_cpu_ns, the least of the
processors' time that it took, which a busy machine changes less; pss_kb,
the most of the first SECONDS (10) of all three, while the index is made and what is
older than the checkpoint is verified.
"""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/>
<allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>
"""


def pss_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return int(re.search(r"^Pss:\s+([0-9]+) kB", f.read(), re.M)[1])


def cpu_ns(pid):
    """What its threads have had of the processors."""
    tasks = f"/proc/{pid}/task"
    total = 0
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total


def wait_ready(ready, tmsd):
    """Until the daemon says that it is ready, on the socket that a service manager would have."""
    while True:
        try:
            said = ready.recv(4096).decode()
        except socket.timeout:
            sys.exit(f"start: tmsd did not become ready in {ready.gettimeout()} s (status {tmsd.poll()})")
        if "READY=1" in said.split("\n"):
            return


def start(tmsd_path, state, where, seconds):
    """One start: (ns until it is ready, ns of the processors by then, the most kB)."""
    path = os.path.join(where, "ready")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(path)
        ready.settimeout(120)
        env = dict(os.environ, STATE_DIRECTORY=state, NOTIFY_SOCKET=path,
                   DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={where}/bus")
        begin_ns = time.monotonic_ns()
        with subprocess.Popen([tmsd_path, f"--config={where}/none"], env=env) as tmsd:
            wait_ready(ready, tmsd)
            ns, cpu = time.monotonic_ns() - begin_ns, cpu_ns(tmsd.pid)
            end, most = time.monotonic() + seconds, 0
            while time.monotonic() < end:
                most = max(most, pss_kb(tmsd.pid))
                time.sleep(0.1)
            tmsd.send_signal(signal.SIGTERM)
            if tmsd.wait(60) != 0:
                sys.exit(f"start: tmsd ended with status {tmsd.returncode}")
    os.unlink(path)
    return ns, cpu, most


def main():
    tmsd, state = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 10
    with tempfile.TemporaryDirectory(prefix="tms-start.") as where:
        os.mkdir(f"{where}/none")
        with open(f"{where}/bus.conf", "w", encoding="ascii") as f:
            f.write(BUS % f"{where}/bus")
        with subprocess.Popen(["dbus-daemon", f"--config-file={where}/bus.conf", "--nofork", "--nopidfile"]) as bus:
            try:
                while not os.path.exists(f"{where}/bus"):
                    time.sleep(0.01)
                got = [start(tmsd, state, where, seconds) for _ in range(3)]
            finally:
                bus.terminate()
    ns, cpu, most = zip(*got)
    print(f"start_ns={min(ns)} start_cpu_ns={min(cpu)} pss_kb={max(most)}")


if __name__ == "__main__":
    main()
