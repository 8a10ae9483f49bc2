# SPDX-License-Identifier: GPL-2.0-or-later
"""
Callbacks, read from the sources; their style makes that possible: a function
and a struct begin in the first column and end with a '}' there.

A callback is a struct's member that is a pointer to a function, by a typedef or
plainly, or to a struct named *_ops or *_user. It is set where its object is
made: in a function that allocates, or is named *_new, *_init, *_alloc, *_create, *_open,
or by an initialiser. An assignment anywhere else is found by the member's name,
in the files that see the struct, unless a struct of that file has another member
of the name: two such names are taken for one. To set it to NULL is free. What is
passed on as an argument only, and not kept, is no member and not looked at.

Dashed arrows: a function of the unit that takes a callback calls back whoever
calls it.
"""
import os
import re

ALLOCATES = re.compile(r'\b(?:malloc|calloc|realloc|reallocarray|new|new0|kzalloc|kmalloc|kvmalloc|kcalloc)\(')
CREATES = re.compile(r'_(?:new|init|alloc|create|open)$')
FN_TYPEDEF = re.compile(r'^typedef\s[^;(]*\(\*(\w+)\)\(', re.M)
STRUCT = re.compile(r'^(?:static const |static )?struct (\w+)? ?\{\n(.*?)^\}', re.M | re.S)
FUNCTION = re.compile(r'^(?!struct|union|enum|typedef|static const|#|\})[^\n;={]*?\b(\w+)\(([^;{}]*?)\)\n\{\n(.*?)^\}',
                      re.M | re.S)
PROTOTYPE = re.compile(r'^[\w][^;{}=]*?\b(\w+)\(((?:[^;{}])*)\);', re.M)
MEMBER = re.compile(r'(\w+)(?:\[\w*\])?[,;]')
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)


def strip_comments(text):
    return re.sub(r'/\*.*?\*/|//[^\n]*', lambda m: re.sub(r'[^\n]', ' ', m.group()), text, flags=re.S)


class Sources:
    def __init__(self, top):
        self.text = {}
        for folder in ('lib', 'daemon', 'kernel'):
            for at, _, names in os.walk(os.path.join(top, folder)):
                for path in (os.path.join(at, n) for n in sorted(names) if n.endswith(('.c', '.h'))):
                    with open(path, encoding='utf-8') as f:
                        self.text[os.path.relpath(path, top)] = strip_comments(f.read())
        self.typedefs = {name for text in self.text.values() for name in FN_TYPEDEF.findall(text)}
        names = '|'.join(sorted(self.typedefs)) or r'(?!)'
        self.is_callback = re.compile(r'\(\*\s*(\w+)\)\(|\b(?:%s)\b|\bstruct \w+_(?:ops|user) \*' % names)
        self.member = re.compile(r'\(\*\s*(\w+)\)\(|\b(?:%s) ([\w, ]+);|\bstruct \w+_(?:ops|user) \*(\w+);' % names)

    def sees(self, path):
        """The file and all that it includes."""
        seen, todo = set(), [path]
        while todo:
            at = todo.pop()
            if at in seen:
                continue
            seen.add(at)
            for name in INCLUDE.findall(self.text[at]):
                # Which of two with one name is not asked: the path of the build decides it.
                todo += [p for p in self.text if p == name or p.endswith('/' + os.path.basename(name))
                         and p.split('/')[0] in (path.split('/')[0], 'lib', 'kernel')]
        return seen

    def members(self, path):
        found = set()
        for _, body in STRUCT.findall(self.text[path]):
            for match in self.member.finditer(body):
                found.update(re.findall(r'\w+', ' '.join(g for g in match.groups() if g)))
        return found

    def names(self, path):
        """Members that an assignment in the file would set."""
        own = self.members(path)
        plain = {name for _, body in STRUCT.findall(self.text[path]) for name in MEMBER.findall(body)} - own
        return set().union(own, *(self.members(p) for p in self.sees(path))) - plain


def check(top, allowed_path):
    """Sentences about callbacks that are set elsewhere than in a creation. The file of those allowed only shrinks."""
    src = Sources(top)
    with open(allowed_path, encoding='utf-8') as f:
        allowed = {line.split('#', 1)[0].strip() for line in f} - {''}
    needed, wrong = set(), []
    for path, text in sorted(src.text.items()):
        names = src.names(path)
        if not names:
            continue
        is_set = re.compile(r'(?:->|[\w\])]\.)(%s)\s*=(?!=)(?!\s*NULL\b)' % '|'.join(sorted(names)))
        for function, _, body in FUNCTION.findall(text):
            if CREATES.search(function) or ALLOCATES.search(body):
                continue
            for name in sorted({m.group(1) for m in is_set.finditer(body)}):
                entry = '%s %s %s' % (os.path.basename(path), function, name)
                needed.add(entry)
                if entry not in allowed:
                    wrong.append('a callback is set elsewhere than where its object is made: %s: %s() sets %s' %
                                 (path, function, name))
    wrong += ['tests/arrows/elsewhere: strike, this is set there no more: ' + e for e in sorted(allowed - needed)]
    return wrong


def calls_back(top, unit):
    """Dashed arrows (from, to) between the unit's files."""
    src = Sources(top)
    takes = set()
    for path, text in src.text.items():
        if path.endswith('.h'):
            takes.update(name for name, args in PROTOTYPE.findall(text) if src.is_callback.search(args))
    return {(unit.defines[s], f) for f in unit.files for s in unit.needs[f] if s in takes and s in unit.defines}
