/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a record of the audit log may hold: each type has a row in one table, with its fields. auditlog.c refuses to
 * write a record that does not match its row, and the log has failed then. The tables of fields in lib/AUDIT.md are
 * made from here (`make audit-fields`), and a test fails for a type or a field that no test writes.
 *
 * Nothing here allocates or blocks.
 */
#ifndef TMSD_SCHEMA_H
#define TMSD_SCHEMA_H

#include "util.h"

/* The longest texts, in bytes. Whoever takes a text from outside refuses a longer one, or cuts it (json_clipped()). */
#define SCHEMA_WORD 31       /* a word of one of the tables in lib/base/names.c, or of base/endings.c */
#define SCHEMA_NAME 255      /* an object's path, a name on the bus */
#define SCHEMA_SENTENCE 2048 /* a sentence for people */
#define SCHEMA_MESSAGE 49152 /* all sentences of a refusal: a verdict has 32 reasons of 1279 bytes at most */

enum schema_kind {
        SCHEMA_TEXT,    /* of least to most bytes */
        SCHEMA_HEX,     /* most lower-case hexadecimal digits */
        SCHEMA_NUMBER,  /* an integer from least to most; one above INT64_MAX is the text of its digits */
        SCHEMA_FLAG,    /* true or false */
        SCHEMA_TEXTS,   /* at most items texts, each of least to most bytes */
        SCHEMA_NUMBERS, /* at most items integers, each from least to most */
};

enum schema_need {
        SCHEMA_REQUIRED,
        SCHEMA_OPTIONAL,
        SCHEMA_WITH,    /* there exactly if the field other is */
        SCHEMA_WITHOUT, /* there exactly if the field other is not */
        SCHEMA_UNLESS,  /* required if the field other is not there, else optional */
};

enum schema_since {
        SCHEMA_ALWAYS,  /* every log has the field */
        SCHEMA_AMENDED, /* logs begun before format 1 had the field do not have it; the writer always writes it */
        SCHEMA_FORMAT2, /* as SCHEMA_AMENDED, but only in format 1: where a segment of format 2 lacks it, it is tampered with */
};

struct schema_field {
        const char *name; /* NULL: the end of a list of fields */
        enum schema_kind kind;
        uint64_t least, most;
        size_t items;
        enum schema_need need;
        const char *other;
        enum schema_since since;
};

struct schema_type {
        const char *type;
        bool bare; /* it has none of schema_common */
        const struct schema_field *fields;
};

extern const struct schema_type schema_types[];
extern const size_t schema_n_types;
extern const struct schema_field schema_common[]; /* of every type that is not bare */
extern const struct schema_field schema_who[];    /* of the object who, in every type */

const struct schema_type *schema_find(const char *type); /* NULL: there is no such type */

#define SCHEMA_WHY 256
/*
 * Does a record with that content match its type? who and data may be NULL, which stands for an empty object. -EPROTO:
 * it does not, and why names the type and the field.
 */
int schema_check(const char *type, const json_t *who, const char *on, const json_t *data, char why[static SCHEMA_WHY]);
/* What such a field has to be, in words: "a text of 1 to 39 bytes". */
#define SCHEMA_WORDS 96
const char *schema_words(const struct schema_field *f, char buf[static SCHEMA_WORDS]);

#endif
