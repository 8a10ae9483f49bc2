/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the audit verbs read the log. A directory that was named, and root's own, are read as they are. Anybody else asks
 * the daemon for a copy (OpenAudit), which is unpacked into a private directory that goes with the program.
 */
#ifndef TMSCTL_AUDIT_PLACE_H
#define TMSCTL_AUDIT_PLACE_H

#include "tmsctl.h"

struct audit_place {
        const char *dir;
        char *temporary; /* NULL: dir is not ours */
};

/*
 * given: the directory that was named; NULL: none was. all: false leaves out all but the log's own files. This and the others
 * return 0, or print the failure and return minus an exit status.
 */
int audit_place_open(struct audit_place *p, const char *given, bool all);
void audit_place_close(struct audit_place *p);

/* Does whoever calls read the daemon's copy, and not the directory itself? */
bool audit_place_is_daemons(const char *given);
/* Unpacks the daemon's copy into a new directory of that name; the files are on disk when this returns. */
int audit_copy_to(const char *dir);

/*
 * audit-unpack.c: unpacks the archive that fd gives into an empty directory. Of a tar archive it takes what OpenAudit
 * sends, and nothing that would get anywhere else.
 */
int audit_unpack(int fd, int to_dir, bool all, bool sync);

#endif
