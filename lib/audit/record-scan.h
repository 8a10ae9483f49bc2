/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A line of the log as a record, in one pass and without an allocation. A record has one form only (AUDIT.md,
 * "Records"), the one in which the daemon writes it, so that two different lines are never the same record. The
 * scanner takes that form and no other: what is JSON, but not in that form, is no record.
 *
 * The fields are spans of the line, and are valid as long as the line is. A text in a span is still escaped, and is
 * read by one of the functions below.
 */
#ifndef TMS_LIB_RECORD_SCAN_H
#define TMS_LIB_RECORD_SCAN_H

#include "base.h"

/* Bounds of a record; a line beyond one of them is no record. The daemon's records stay far below. */
#define RECORD_DEPTH_MAX 16   /* objects and arrays inside each other; the record itself is the first */
#define RECORD_DATA_MAX 96    /* members of data */
#define RECORD_OTHERS_MAX 128 /* members of the record itself, and of objects in it, that are open at the same time */
#define RECORD_REAL_MAX 40    /* characters of a number that is no integer */

/* A value as it stands in the line, a text with its quotation marks. text NULL: there is no such value. */
struct record_value {
        const char *text;
        size_t size;
};

struct record_member {
        struct record_value key, value; /* key: without its quotation marks */
};

struct record {
        struct record_value seq, utc, mono_ns, boot, type, who, on, data, prev;
        int64_t number; /* of seq */
        size_t n_members;
        struct record_member member[RECORD_DATA_MAX]; /* of data; the first n_members are set */
};

enum record_fault {
        RECORD_OK,
        RECORD_NO_OBJECT,  /* no JSON object, or one that has a key twice */
        RECORD_NO_TEXT,    /* one of the texts is missing or no text: fault_key says which */
        RECORD_NO_VALUE,   /* one of the other values is missing, or of another kind than it should be */
        RECORD_MORE_KEYS,  /* there are more keys than a record has: fault_at says how many */
        RECORD_OTHER_FORM, /* not in the one form of a record from byte fault_at on */
        RECORD_TOO_MANY,   /* more members or levels than the bounds above, at byte fault_at */
};

struct record_scan {
        enum record_fault fault;
        const char *fault_key;
        size_t fault_at; /* bytes before it */
        struct record record;
};

/* Fills all of *ret but the members of data that are not there. Returns ret->fault. record: valid after RECORD_OK. */
enum record_fault record_scan(const char *text, size_t size, struct record_scan *ret);

/* The text is a number of JSON's that is no integer. Is it the one form of its value? */
bool record_is_real(const char *text, size_t size);

/* The value of that member of data; its text is NULL if there is none. key has no character that is escaped. */
struct record_value record_data(const struct record *r, const char *key);

/* All of the following accept a value that is not there: it is of no kind. */
bool record_is_string(struct record_value v);
bool record_is_integer(struct record_value v);
bool record_string_is(struct record_value v, const char *s);
/* Copies as much of the text as there is room for, and a NUL. Returns the whole text's length; 0 if v is no text. */
size_t record_string_copy(struct record_value v, char *buf, size_t size);
/* False, with *ret as it was: v is no integer. */
bool record_int64(struct record_value v, int64_t *ret);
bool record_bool(struct record_value v, bool *ret);

#endif
