/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What somebody fills in about a course, as an object of named values: which names there are, and what each value may
 * be. No field is free text, so that none can hold a person's name.
 *
 * Nothing here allocates or blocks.
 */
#ifndef TMSD_COURSE_FORM_H
#define TMSD_COURSE_FORM_H

#include "code.h"
#include "util.h"

enum form_kind {
        FORM_WORD,    /* one of words */
        FORM_WORDS,   /* at most most of them, each once */
        FORM_ID,      /* least to most letters, digits, dots, hyphens and underscores: no blank, so no full name */
        FORM_IDS,     /* at most items of these, with commas inside */
        FORM_HEX,     /* most lower-case hexadecimal digits */
        FORM_DATE,    /* YYYY-MM-DD, a day that there is */
        FORM_NUMBER,  /* from least to most */
        FORM_NUMBERS, /* at most items of these */
};

struct form_field {
        const char *name; /* NULL: the end of a list of fields */
        enum form_kind kind;
        const char *const *words; /* ends with NULL */
        uint64_t least, most;
        size_t items;
        bool optional;
};

#define FORM_WHY 1024 /* room for a sentence that names all words of a field */

struct form {
        const struct form_field *fields;
        /* What the fields have to be together; NULL: nothing. Called when each field is as it should be. */
        int (*together)(const json_t *filled, char why[static COURSE_WHY]);
};

/*
 * Is it filled in as it should be? -EINVAL: a field is unknown, missing or wrong; why names the field, what was
 * expected, and what to do.
 */
int form_check(const struct form *form, const json_t *filled, char why[static FORM_WHY]);

/* Reads YYYY-MM-DD of 1900 to 2199 into a civil day (civil.h). -EINVAL: there is no such day. */
int form_date(const char *text, int32_t *ret);

#endif
