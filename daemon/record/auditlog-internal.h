/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by auditlog.c (appending), auditlog-seal.c, auditlog-segment.c and auditlog-open.c (opening, recovery). */
#ifndef TMSD_AUDITLOG_INTERNAL_H
#define TMSD_AUDITLOG_INTERNAL_H

#include <fcntl.h>
#include <audit/position.h>
#include <tms.h>
#include "auditlog.h"
#include "history.h"
#include "keys.h"
#include "schema.h"

struct auditlog {
        int dir_fd, log_fd, keys_fd, pulses_fd, protocols_fd, checkpoints_fd;
        bool dirty;   /* written since the last sync */
        bool low;     /* fewer than LOW bytes are free on the disk */
        bool unsound; /* nobody knows what is on disk: nothing may be added */
        /* Behind the last record: what the next one is to say of those before. log_fd is that segment's file. */
        struct tms_audit_position at;
        char file[TMS_AUDIT_SEGMENT_NAME]; /* its name */
        struct history *history;           /* what the records before it come to */
        uint64_t checkpointed;             /* so many records precede the last seal with a checkpoint */
        struct tms_audit_checkpoint older; /* where it was read from; text NULL: from its beginning on */
        struct tms_hasher hasher;
        uint64_t synced;      /* so many bytes of the segment are on disk */
        uint64_t room;        /* the file system has reserved room for the segment up to this size */
        uint64_t undestroyed; /* the lowest key number whose file may still exist */
        char boot[40];        /* this boot's id */
        struct key *key;      /* signs the next seal */
        uint64_t cut;
        char misfit[SCHEMA_WHY]; /* why the last record that was refused does not match its type */
};

/* SHA-256 of a line without its end. */
int auditlog_hash(const char *line, size_t size, char ret[static 65]);
void auditlog_utc_text(uint64_t utc_ns, char ret[static 32]);
/*
 * Writes the keys of the record that is due at that place in the order that AUDIT.md gives, if the record matches its
 * type. *ret has no end of line; *ret_record is the same, and only the caller's as long as it has data.
 */
int auditlog_compose(struct auditlog *l, const struct tms_audit_position *at, const char *type, json_t *who,
                     const char *on, json_t *data, const char *utc, uint64_t mono_ns, char **ret, json_t **ret_record);
/* Moves *at behind that line; on failure its content is not defined. */
int auditlog_advance(struct auditlog *l, struct tms_audit_position *at, const char *line, size_t size);
/* Appends it, and lets the history see the record. */
int auditlog_append_line(struct auditlog *l, char *line, const json_t *record);
/*
 * Before a seal: writes the file of its checkpoint, if one is due, and syncs it. closing: the seal closes the segment.
 * False: there is none, and the seal names none.
 */
bool auditlog_write_checkpoint(struct auditlog *l, bool closing, char ret_hash[static 65]);
/* Writes the seal behind a log.close. */
int auditlog_seal_closing(struct auditlog *l, json_t *who, uint64_t utc_ns, uint64_t mono_ns, char **ret_line);
/* A record that the log has already. */
void auditlog_see(struct auditlog *l, const json_t *record);
/*
 * Reads the log from its newest checkpoint on, and sets what follows from that. 1: done. 0: there is none that can be
 * trusted, nobody was told of anything, and the log is to be read from its beginning on.
 */
int auditlog_resume(struct auditlog *l, const struct auditlog_reading *reading, struct tms_audit_report *report);
/* Removes checkpoints that are not kept any more. */
void auditlog_tidy_checkpoints(struct auditlog *l);
/*
 * Goes on in the next segment, of format 2. The last record is the seal that closes the segment before. On failure the log
 * goes on where it is, as long as it is sound.
 */
int auditlog_begin_segment(struct auditlog *l, uint64_t utc_ns, uint64_t mono_ns);

#endif
