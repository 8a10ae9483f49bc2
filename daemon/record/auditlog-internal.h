/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by auditlog.c (appending) and auditlog-open.c (opening, recovery). */
#ifndef TMSD_AUDITLOG_INTERNAL_H
#define TMSD_AUDITLOG_INTERNAL_H

#include <fcntl.h>
#include "auditlog.h"
#include "keys.h"
#include "schema.h"

struct auditlog {
        int dir_fd, log_fd, keys_fd, pulses_fd, protocols_fd;
        bool dirty;           /* written since the last sync */
        bool low;             /* fewer than LOW bytes are free on the disk */
        bool unsound;         /* nobody knows what is on disk: nothing may be added */
        uint64_t bytes;       /* of log.jsonl */
        uint64_t synced;      /* so many of those bytes are on disk */
        uint64_t room;        /* the file system has reserved room for log.jsonl up to this size */
        uint64_t undestroyed; /* the lowest key number whose file may still exist */
        uint64_t seq;         /* of the next record */
        char prev[65];        /* hash of the last record */
        char boot[40];        /* this boot's id */
        char key0[KEY_HEX];
        struct key *key; /* signs the next seal */
        uint64_t cut;
        char misfit[SCHEMA_WHY]; /* why the last record that was refused does not match its type */
};

/* SHA-256 of a line without its end. */
int auditlog_hash(const char *line, size_t size, char ret[static 65]);

#endif
