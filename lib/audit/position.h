/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A place between two records of an audit log, with all that is known there of the records before it: what the daemon
 * needs to write on, and what a checkpoint says.
 */
#ifndef TMS_LIB_POSITION_H
#define TMS_LIB_POSITION_H

#include "merkle.h"

#include <stdbool.h>
#include <sys/types.h>

#define TMS_AUDIT_SEGMENTS_MAX 999999 /* the highest number of one */
#define TMS_AUDIT_SEGMENT_NAME 17     /* size of a segment's name, with its NUL */
#define TMS_AUDIT_ORIGIN (5 + 64 + 1) /* size of "tmsd/" and key 0's fingerprint, with its NUL */

/* All zero: before the first record. */
struct tms_audit_position {
        unsigned format;          /* of the segment; 0: no record yet */
        uint64_t segment, offset; /* the file, and how many of its bytes precede the place */
        uint64_t records, seals;  /* before it, in all segments */
        bool sealed, closed;      /* the record before is a seal; and closes its segment, with a log.close before it */
        char month[8];            /* of the segment's first record, by its utc: "2026-01" */
        char head[65];            /* the last record's hash, as the next one in this segment has it as prev */
        unsigned char leaf[TMS_MERKLE_HASH]; /* the last record's leaf hash */
        char key0[65], next_public[65];      /* raw public keys, hex; next_public signs the next seal */
        char origin[TMS_AUDIT_ORIGIN];       /* the log's name */
        struct tms_merkle tree;              /* over all records */
};

/* The name of that segment's file: "log.jsonl", "log-000001.jsonl". */
void tms_audit_segment_name(uint64_t segment, char ret[static TMS_AUDIT_SEGMENT_NAME]);

/*
 * What a checkpoint says of that place, up to the value of "state": the text that AUDIT.md gives. malloc'd; NULL without
 * memory.
 */
char *tms_audit_position_text(const struct tms_audit_position *at);

#define TMS_AUDIT_CHECKPOINT_MAX ((off_t)16 * 1024 * 1024) /* bytes of the longest one */
#define TMS_AUDIT_CHECKPOINT_NAME 26                       /* size of a checkpoint's name, with its NUL */

/* The name, in checkpoints/, of the checkpoint of the seal that so many records precede: "12.json". */
void tms_audit_checkpoint_name(uint64_t records, char ret[static TMS_AUDIT_CHECKPOINT_NAME]);
/* The number of records in such a name. False: no checkpoint has that name, and the number means nothing. */
bool tms_audit_checkpoint_parse_name(const char *name, uint64_t *ret_records);

/* A checkpoint of a log, and the place of the seal that names it. */
struct tms_audit_checkpoint {
        struct tms_audit_position at; /* before that seal */
        bool closing;                 /* the record before the seal is a log.close */
        char seal_sha256[65];         /* of the seal's line, without its end */
        char *text;                   /* the whole file */
        const char *state;            /* what it says of the writer's state, in JSON; in text */
        size_t size, state_size;
};

void tms_audit_checkpoint_clear(struct tms_audit_checkpoint *c); /* all zero again */
/*
 * The newest checkpoint whose seal is in the last segment, or is the last record of the segment before. 1; 0: there is
 * none; or -ENOMEM, -EMFILE, -ENFILE. Whether the seal holds, tms_audit_read_from() tells.
 */
int tms_audit_checkpoint_find(int dir_fd, struct tms_audit_checkpoint *ret);

struct tms_audit_report;
struct tms_error;

/*
 * tms_audit_read(), from the seal of that checkpoint on: a log of which everything from there on holds, and whose last
 * seal announces the key that is in keys/. Nothing is known of what is older. Where the log is bad, the report has no
 * line, and tms_audit_read() has to find it.
 */
int tms_audit_read_from(int dir_fd, const struct tms_audit_checkpoint *from,
                        int (*record)(uint64_t line, const char *json, size_t size, void *userdata), void *userdata,
                        struct tms_audit_report *ret, struct tms_audit_position *ret_position, struct tms_error *error);
/*
 * tms_audit_read(), of the whole log while it is being written. The log may be read more than once; each time begins
 * with line 1.
 */
int tms_audit_read_live(int dir_fd, int (*record)(uint64_t line, const char *json, size_t size, void *userdata),
                        void *userdata, struct tms_audit_report *ret, struct tms_error *error);

#endif
