/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session's pulse file: every record that the kernel gave, one in each line, with a running hash and count. Blocking.
 * After pulsefile_new() only the audit writer's thread may touch it.
 */
#ifndef TMSD_PULSEFILE_H
#define TMSD_PULSEFILE_H

#include <linux/tms.h>
#include "util.h"

/* What the file holds. All of it is written; it is on disk after pulsefile_sync(). */
struct pulse_totals {
        uint64_t lines; /* records, without the head line */
        uint64_t bytes;
        uint64_t last_seq; /* of the newest record; valid if lines > 0 */
        uint32_t delivered;
        uint32_t missed;
        uint32_t unknown;    /* triggers without an answer of the card */
        uint32_t next_pulse; /* index behind the last pulse that was given, may have been, or was left out */
        bool waiting;        /* one of these is the last trigger, whose answer may still come */
        uint64_t cut;        /* bytes of an unfinished last line that opening has cut off */
};

struct pulsefile;

/* Allocates only. name: "SESSION"; the file is pulses/SESSION.tsv in the directory given to pulsefile_open(). */
int pulsefile_new(const char *name, struct pulsefile **ret);
struct pulsefile *pulsefile_free(struct pulsefile *p); /* closes too; returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct pulsefile *, pulsefile_free)

const char *pulsefile_path(const struct pulsefile *p); /* "pulses/SESSION.tsv" */

/*
 * dir_fd: audit/. Creates the file with its head line; or, with existing, opens the file that is there, syncs it, drops
 * it from memory, and counts and hashes what is then read from the disk. An unfinished last line is cut off and kept.
 * -EBADMSG: a whole line is no record. The file is synced when this returns. On failure a file that was created is
 * removed, and every later call fails with the same error.
 */
int pulsefile_open(struct pulsefile *p, int dir_fd, bool existing);
/*
 * Appends the records except those that the file has already, by their seq. It writes all of them or fails; after a
 * failure nothing is added any more, and the kernel keeps the records.
 */
int pulsefile_append(struct pulsefile *p, const struct tms_event *events, size_t n);
int pulsefile_sync(struct pulsefile *p);
/* False after a failed sync, or when a half-written line could not be cut off. */
bool pulsefile_is_sound(const struct pulsefile *p);
/* The error of the opening or of the write that failed, else 0. */
int pulsefile_error(const struct pulsefile *p);
/* Reserves room for the next records; -ENOSPC: the disk has none. */
int pulsefile_replenish(struct pulsefile *p);
/* From now on a record names the file, so it stays. Before that it is removed again if it holds no record. */
void pulsefile_named(struct pulsefile *p);
void pulsefile_take_back(struct pulsefile *p, int dir_fd);
/*
 * Nothing more will be added: removes the file if no record names it and it holds none, and gives back the reserved
 * room.
 */
void pulsefile_finish(struct pulsefile *p, int dir_fd);
const struct pulse_totals *pulsefile_totals(const struct pulsefile *p);
/* Adds the totals and the hash so far to data, as the audit log states them. */
int pulsefile_describe(struct pulsefile *p, json_t *data);

#endif
