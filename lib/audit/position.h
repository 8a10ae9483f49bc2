/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A place between two records of an audit log, with all that is known there of the records before it: what the daemon
 * needs to write on, and what a checkpoint says.
 */
#ifndef TMS_LIB_POSITION_H
#define TMS_LIB_POSITION_H

#include "merkle.h"

#include <stdbool.h>

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

#endif
