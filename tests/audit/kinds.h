/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways to spoil a log, and what a verifier has to say of each. */
#ifndef TMS_TESTS_AUDIT_KINDS_H
#define TMS_TESTS_AUDIT_KINDS_H

#include "tms.h"

#include <stdbool.h>
#include <stddef.h>

#define BIT_OF(result) (1U << (result))
#define PLACES 4

struct expected {
        unsigned results;        /* bits: any of these */
        char place[PLACES][64];  /* "log.jsonl:5": where a tampered log has to be called wrong */
        unsigned places;         /* of these; 0: at some record */
        bool unnamed;            /* at none: a key is wrong */
        const char *seal, *key0; /* anchors to verify against, or NULL */
};

struct kind {
        const char *name;
        size_t (*count)(void); /* of cases, from the log that day.h has */
        void (*spoil)(size_t i, struct expected *ret);
        void (*restore)(size_t i); /* NULL: by day_restore() */
};

/* other: a log of the same records by other keys, whose lines are spliced in. */
void kinds_init(const struct day_line *other, size_t lines);

extern const struct kind kinds[];
extern const size_t kinds_n;

#endif
