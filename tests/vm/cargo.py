# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run brings into the machine: one tar, the same bytes for the same files, whenever they were made."""
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
GUEST = os.path.join(HERE, "guest")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "tmsd")
# The date of every file in it, which is the host's else. Before the root file system was made, whose systemd takes a newer
# /usr for an update: 2025-01-01.
FILES_DATE_S = 1735689600


class Trouble(Exception):
    """Something that keeps the machine from running; says what."""


def build_lab():
    """The static tms-lab, compiled when its source changed."""
    source = os.path.join(GUEST, "lab.c")
    with open(source, "rb") as f:
        key = hashlib.sha256(f.read()).hexdigest()[:12]
    program = os.path.join(CACHE, f"tms-lab-{key}")
    if not os.path.exists(program):
        os.makedirs(CACHE, exist_ok=True)
        temporary = f"{program}.{os.getpid()}"
        subprocess.run([os.environ.get("CC", "gcc"), "-O2", "-Wall", "-Wextra", "-Werror", "-static",
                        "-o", temporary, source], check=True)
        os.rename(temporary, program)
    return program


class Cargo:
    """The tar that init unpacks over the root."""

    def __init__(self, path):
        self.tar = tarfile.open(path, "w", format=tarfile.GNU_FORMAT)
        self.names = []

    @staticmethod
    def place(name):
        """The root has merged /usr: /lib and its like are links, and stay so."""
        name = name.strip("/")
        return re.sub(r"^(bin|sbin|lib|lib64)(?=/|$)", r"usr/\1", name)

    def add(self, path, name, mode=None, own_mode=True):
        """With own_mode False, its mode is what it would be in a workspace of root's, whatever this host's umask is."""
        def owned_by_root(info):
            info.name = self.place(info.name)
            info.uid = info.gid = 0
            info.uname = info.gname = "root"
            info.mtime = FILES_DATE_S
            if mode is not None and info.isreg():
                info.mode = mode
            if not own_mode and not info.issym():
                info.mode = 0o755 if info.mode & 0o100 else 0o644
            if not info.isdir():
                self.names.append(info.name)
            return info
        self.tar.add(path, self.place(name), filter=owned_by_root)

    def add_tree(self, path):
        for entry in sorted(os.listdir(path)):
            self.add(os.path.join(path, entry), entry)

    def add_text(self, text, name, mode=0o644):
        with tempfile.NamedTemporaryFile("w") as f:
            f.write(text)
            f.flush()
            self.add(f.name, name, mode)

    def close(self):
        self.tar.close()


def check_modules(tree, kernel):
    """The tree's modules must be this kernel's: another's would just not be found."""
    with open(f"{kernel}/release", encoding="utf-8") as f:
        release = f.read().strip()
    found = []
    for modules in (f"{tree}/lib/modules", f"{tree}/usr/lib/modules"):
        found += os.listdir(modules) if os.path.isdir(modules) else []
    if found and release not in found:
        raise Trouble(f"{tree}: its modules are for {', '.join(sorted(found))}, the machine runs "
                      f"{release}: build them with KDIR=$(tests/vm/kernel-headers --kernel ...) CC=$(tests/vm/compiler)")


def make_cargo(path, a, kernel, on_tty):
    cargo = Cargo(path)
    if a.install:
        check_modules(a.install, kernel)
        cargo.add_tree(a.install)
    cargo.add_text("".join(n + "\n" for n in cargo.names), "opt/vm/files")
    for name in ("agent", "postinst"):
        cargo.add(os.path.join(GUEST, name), f"opt/vm/{name}", 0o755)
    for name in ("vm.target", "vm-job.service"):
        cargo.add(os.path.join(GUEST, name), f"etc/systemd/system/{name}", 0o644)
    # With an identity, it is not taken for a machine's first boot.
    cargo.add_text("746d7364746d7364746d7364746d7364\n", "etc/machine-id")
    cargo.add(build_lab(), "usr/local/bin/tms-lab", 0o755)
    if a.job:
        cargo.add(os.path.realpath(a.job), "opt/vm/job", 0o755)
    for put in a.put:
        source, _, to = put.partition(":")
        if not os.path.exists(source):
            raise Trouble(f"--put: {source} does not exist")
        source = os.path.realpath(source)
        if not to or to.endswith("/"):
            to = (to or "/root/") + os.path.basename(source)
        cargo.add(source, to, own_mode=False)
    # Of no use to a job without a terminal, which must not depend on the host's.
    size = shutil.get_terminal_size()
    terminal = f"TERM={os.environ.get('TERM', 'linux')}\nLINES={size.lines}\nCOLUMNS={size.columns}\n"
    cargo.add_text(
        f"JOB={'/opt/vm/job' if a.job else '/opt/vm/shell'}\n"
        f"JOB_TTY={int(on_tty)}\n" + (terminal if on_tty else ""),
        "opt/vm/env")
    if a.shell:
        cargo.add(os.path.join(GUEST, "shell"), "opt/vm/shell", 0o755)
    cargo.close()
