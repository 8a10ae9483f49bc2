# SPDX-License-Identifier: GPL-2.0-or-later
"""The three tables beside this file: order, circles, sleepers. '#' begins a comment."""
import fnmatch
import os

from graph import stem


def rows(path):
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            words = line.split('#', 1)[0].split()
            if words:
                yield words


class Order:
    """A row: a room (a folder, or one file without .c), and the rooms that it may know, with all that those may."""

    def __init__(self, path):
        self.may, self.ranks = {}, []
        for room, *below in rows(path):
            self.may[room] = set(below)
            self.ranks.append(room)
        for _ in self.may:
            for room in self.may:
                self.may[room] |= {r for b in self.may[room] for r in self.may.get(b, ())}

    def room(self, source):
        """The nearest room that the table has; None: the unit's own folder, of which it says nothing."""
        at = source[:-len('.c')]
        while at:
            if at in self.may:
                return at
            at = os.path.dirname(at)
        return None

    def rank(self, room):
        return self.ranks.index(room) if room in self.ranks else -1

    def check(self, unit):
        wrong = []
        for a in unit.files:
            from_room = self.room(a)
            if os.path.dirname(a).count('/') and from_room != os.path.dirname(a) and from_room != a[:-len('.c')]:
                wrong.append('%s: folder %s is not in tests/arrows/order' % (a, os.path.dirname(a)))
            for b in sorted(unit.arrows[a]):
                to_room = self.room(b)
                if from_room and to_room and from_room != to_room and to_room not in self.may[from_room]:
                    wrong.append('against the order: %s -> %s (%s)' % (a, b, ' '.join(unit.symbols(a, b))))
        for room in self.ranks:
            if room in self.may[room]:
                wrong.append('tests/arrows/order: %s may know itself' % room)
        return sorted(set(wrong))


class Circles:
    """A row: a unit, and files of it that may be in one circle. Rows only get shorter, and fewer."""

    def __init__(self, path):
        self.rows = [(unit, set(names)) for unit, *names in rows(path)]
        self.needed = [set() for _ in self.rows]

    def check(self, unit):
        wrong = []
        for circle in unit.circles():
            names = {stem(f) for f in circle}
            for i, (of, allowed) in enumerate(self.rows):
                if of == unit.name and names <= allowed:
                    self.needed[i] |= names
                    break
            else:
                wrong.append('%s: a circle: %s' % (unit.name, ' '.join(circle)))
                for a in circle:
                    wrong += ['    %s -> %s (%s)' % (a, b, ' '.join(unit.symbols(a, b)))
                              for b in sorted(unit.arrows[a] & set(circle))]
        return wrong

    def left_over(self, units):
        wrong = ['tests/arrows/circles: there is no %s' % of for of, _ in self.rows if of not in units]
        for (of, allowed), needed in zip(self.rows, self.needed):
            if allowed - needed:
                wrong.append('tests/arrows/circles: strike, these are in no circle any more: %s %s' %
                             (of, ' '.join(sorted(allowed - needed))))
        return wrong


class Sleepers:
    """First a row 'rooms' with those that must not sleep, then symbols of the kernel that may, with * and ?."""

    def __init__(self, path):
        table = list(rows(path))
        self.rooms = set(table[0][1:])
        self.patterns = [p for row in table[1:] for p in row]

    def check(self, unit, order):
        wrong = []
        for f in unit.files:
            if order.room(f) not in self.rooms:
                continue
            for symbol in sorted(unit.needs[f] - set(unit.defines)):
                if any(fnmatch.fnmatchcase(symbol, p) for p in self.patterns):
                    wrong.append('may sleep: %s calls %s' % (f, symbol))
        return wrong
