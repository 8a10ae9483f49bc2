/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every file of the daemon may use: time, JSON, log lines, and the idioms that the daemon shares with the library.
 *
 * Nothing here blocks. Functions return 0 or a negative errno.
 */
#ifndef TMSD_UTIL_H
#define TMSD_UTIL_H

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <jansson.h>
#include <tms.h>

#include "base/idioms.h"
#include "log.h"

#define STREQ(a, b) (strcmp((a), (b)) == 0)

/* jansson has json_decrefp() itself. */
DEFINE_TRIVIAL_CLEANUP_FUNC(FILE *, fclose)
DEFINE_TRIVIAL_CLEANUP_FUNC(DIR *, closedir)

/* --- Time --------------------------------------------------------------------- */

static inline uint64_t now_ns(clockid_t clock)
{
        struct timespec t;

        (void)clock_gettime(clock, &t);
        return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* --- Text --------------------------------------------------------------------- */

/* jansson's integers are signed. A number above INT64_MAX becomes a text, since it would become negative otherwise. */
static inline json_t *json_u64(uint64_t v)
{
        char buf[24];

        if (v <= INT64_MAX)
                return json_integer((json_int_t)v);
        (void)snprintf(buf, sizeof(buf), "%llu", (unsigned long long)v);
        return json_string(buf);
}

/*
 * Adds value to *object and takes both over. Without memory *object is freed and becomes NULL, so that a caller need
 * only look at the end.
 */
static inline void json_add(json_t **object, const char *key, json_t *value)
{
        if (!*object)
                json_decref(value);
        else if (json_object_set_new(*object, key, value) < 0) {
                json_decref(*object);
                *object = NULL;
        }
}

/* Reads what json_u64() has made. 0: the key is missing or is no number. */
static inline uint64_t json_get_u64(const json_t *object, const char *key)
{
        const json_t *v = json_object_get(object, key);

        if (json_is_integer(v) && json_integer_value(v) >= 0)
                return (uint64_t)json_integer_value(v);
        if (json_is_string(v))
                return strtoull(json_string_value(v), NULL, 10);
        return 0;
}

/* "" when the key is missing or is no text. */
static inline const char *json_get_str(const json_t *object, const char *key)
{
        const char *s = json_string_value(json_object_get(object, key));

        return s ? s : "";
}

#endif
