/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session's pulse file: every record that the kernel gave, one a line, with
 * a running hash and count of what is in it. Blocking; after
 * pulsefile_new() only the audit writer's thread may touch it.
 */
#ifndef TMSD_PULSEFILE_H
#define TMSD_PULSEFILE_H

#include <linux/tms.h>
#include "util.h"

/* What stands in the file, all of it written, and synced up to pulsefile_sync(). */
struct pulse_totals {
        uint64_t lines; /* records, without the head line */
        uint64_t bytes;
        uint64_t last_seq; /* of the newest record; valid if lines > 0 */
        uint32_t delivered;
        uint32_t missed;
        uint64_t cut; /* bytes of a torn last line that opening has cut */
};

struct pulsefile;

/* Longest line, for estimates of the room that a session will need. */
#define PULSEFILE_LINE_MAX 200

/* Allocates only. name: "SESSION"; the file is pulses/SESSION.tsv in the directory given to pulsefile_open(). */
int pulsefile_new(const char *name, struct pulsefile **ret);
struct pulsefile *pulsefile_free(struct pulsefile *p); /* closes too; returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct pulsefile *, pulsefile_free)

const char *pulsefile_path(const struct pulsefile *p); /* "pulses/SESSION.tsv" */

/*
 * dir_fd: audit/. Creates the file with its head line, or with existing opens
 * the one that is there, has the disk take it and counts what the disk then
 * has, a torn last line cut off and kept; -EBADMSG if a whole line is none. Synced on return. On failure a file
 * that was created is taken back, and what comes later fails with the same error.
 */
int pulsefile_open(struct pulsefile *p, int dir_fd, bool existing);
/*
 * Records that the file has already (by seq) are passed over. All of them or
 * an error, after which nothing is added any more: the kernel keeps them.
 */
int pulsefile_append(struct pulsefile *p, const struct tms_event *events, size_t n);
int pulsefile_sync(struct pulsefile *p);
/* False after a failed sync, or when a part of a line could not be taken back. */
bool pulsefile_is_sound(const struct pulsefile *p);
/* Of the opening or of the write that failed, else 0. */
int pulsefile_error(const struct pulsefile *p);
/* Has room kept for what comes next; -ENOSPC when the disk has none. */
int pulsefile_replenish(struct pulsefile *p);
/* A record names the file now; before, it may be taken back, if there is no record in it. */
void pulsefile_named(struct pulsefile *p);
void pulsefile_take_back(struct pulsefile *p, int dir_fd);
/* Nothing more will come: takes it back, if it may be, and gives back the room that was kept ahead. */
void pulsefile_finish(struct pulsefile *p, int dir_fd);
const struct pulse_totals *pulsefile_totals(const struct pulsefile *p);
/* The totals as the audit log states them, with the hash so far, added to data. */
int pulsefile_describe(struct pulsefile *p, json_t *data);

#endif
