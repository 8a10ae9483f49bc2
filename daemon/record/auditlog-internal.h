/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by auditlog.c (appending) and auditlog-open.c (opening, recovery). */
#ifndef TMSD_AUDITLOG_INTERNAL_H
#define TMSD_AUDITLOG_INTERNAL_H

#include <fcntl.h>
#include "auditlog.h"
#include "keys.h"

struct auditlog {
        int dir_fd, log_fd, keys_fd, pulses_fd, protocols_fd;
        bool dirty;           /* written since the last sync */
        bool low;             /* little is free on the disk */
        bool unsound;         /* what the disk has is not known any more: nothing may be added */
        uint64_t bytes;       /* of log.jsonl */
        uint64_t synced;      /* of them on disk */
        uint64_t room;        /* up to this size the file system keeps room for it */
        uint64_t undestroyed; /* keys before key, from this number on, whose files could not be destroyed yet */
        uint64_t seq;         /* of the next record */
        char prev[65];        /* hash of the last record */
        char boot[40];        /* this boot's id */
        char key0[KEY_HEX];
        struct key *key; /* signs the next seal */
        uint64_t cut;
};

/* SHA-256 of a line without its end. */
int auditlog_hash(const char *line, size_t size, char ret[static 65]);

#endif
