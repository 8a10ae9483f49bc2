# SPDX-License-Identifier: GPL-2.0-or-later
"""The graph of a unit's files, taken from the symbols of its objects."""
import os
import subprocess


def stem(source):
    return os.path.basename(source)[:-len('.c')]


def source_of(obj, build, top):
    """The file that the object was made from; None for one that the tree does not have any more."""
    source = os.path.relpath(obj, build)[:-len('.o')] + '.c'
    try:
        # The compiler's own word: not every object has its source's path.
        with open(obj[:-len('.o')] + '.d', encoding='utf-8') as deps:
            source = deps.read().split(':', 1)[1].split()[0]
    except OSError:
        pass
    return source if os.path.exists(os.path.join(top, source)) else None


class Unit:
    """What is linked into one. arrows: file -> files whose symbols it needs; needs: file -> symbols of others."""

    def __init__(self, name, top, build, folders, wanted):
        self.name = name
        self.objects = {}
        self.dashed = set()
        for folder in folders:
            for at, _, names in os.walk(os.path.join(build, folder)):
                for obj in (os.path.join(at, n) for n in names if n.endswith('.o')):
                    source = source_of(obj, build, top)
                    if source and wanted(source):
                        self.objects[source] = obj
        self.files = sorted(self.objects)
        self.needs = {f: set() for f in self.files}
        self.defines = {}
        self._read_symbols()
        self.arrows = {f: {self.defines[s] for s in self.needs[f] if s in self.defines} - {f} for f in self.files}

    def _read_symbols(self):
        if not self.objects:
            return
        by_object = {obj: source for source, obj in self.objects.items()}
        out = subprocess.run(['nm', '-A', '-P', '-g'] + list(by_object), check=True, stdout=subprocess.PIPE,
                             universal_newlines=True).stdout
        for line in out.splitlines():
            obj, symbol = line.split(': ', 1)
            name, kind = symbol.split()[:2]
            if kind in 'Uwv':
                self.needs[by_object[obj]].add(name)
            else:
                self.defines[name] = by_object[obj]

    def symbols(self, a, b):
        return sorted(s for s in self.needs[a] if self.defines.get(s) == b)

    def components(self, files=None):
        """Strongly connected, those first that need none of the others (Tarjan)."""
        files = self.files if files is None else files
        index, low, stack, on, out = {}, {}, [], set(), []

        def visit(f):
            index[f] = low[f] = len(index)
            stack.append(f)
            on.add(f)
            for g in sorted(self.arrows[f] & set(files)):
                if g not in index:
                    visit(g)
                    low[f] = min(low[f], low[g])
                elif g in on:
                    low[f] = min(low[f], index[g])
            if low[f] == index[f]:
                out.append(sorted(stack[stack.index(f):]))
                on.difference_update(out[-1])
                del stack[stack.index(f):]

        for f in files:
            if f not in index:
                visit(f)
        return out

    def circles(self):
        return [c for c in self.components() if len(c) > 1]

    def floors(self, files):
        """Lists of names, the highest floor first; each file is one above the highest that it needs."""
        floor, floors = {}, {}
        for component in self.components(files):
            below = {g for f in component for g in self.arrows[f] if g in floor}
            n = max((floor[g] + 1 for g in below), default=0)
            floor.update((f, n) for f in component)
            names = [stem(f) for f in component]
            floors.setdefault(n, []).append('(%s)' % ' '.join(names) if len(names) > 1 else names[0])
        return [sorted(floors[n]) for n in sorted(floors, reverse=True)]

    def dashed_lines(self):
        targets = {}
        for a, b in self.dashed:
            targets.setdefault(stem(a), set()).add(stem(b))
        return ['%s: %s' % (a, ' '.join(sorted(targets[a]))) for a in sorted(targets)]
