/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A protocol file as a tree in which every node knows its place, and typed
 * access to it. Every read_*() names the key, what is there and what was
 * expected when it refuses.
 */
#ifndef TMS_LIB_TREE_H
#define TMS_LIB_TREE_H

#include "source.h"

enum node_kind {
        NODE_TEXT,
        NODE_LIST,
        NODE_MAP,
};

struct node {
        enum node_kind kind;
        unsigned line, column; /* where it starts, from 1 */
        char *text;            /* NODE_TEXT */
        bool escaped;          /* NODE_TEXT: the file does not spell it as it is, but with a "\" */
        size_t n;              /* NODE_LIST, NODE_MAP: children, in the file's order */
        struct node **children;
        char *key; /* its key when the parent is a map */
        unsigned key_line, key_column;
        size_t index; /* its index, from 0, when the parent is a list */
        struct node *parent;
};

/* Times and intervals are ratios of nanoseconds in lowest terms: 1/18 s is 500000000/9. */
struct ratio {
        uint64_t num, den;
};

/* Two days of ticks at this fit 63 bits, so that no sum of allowed times can overflow. */
#define RATIO_DEN_MAX 50000u

int tree_parse(const struct reader *reader, const char *text, size_t size, struct node **ret);
struct node *node_free(struct node *n);
DEFINE_TRIVIAL_CLEANUP_FUNC(struct node *, node_free)

struct node *node_get(const struct node *map, const char *key);

/* Fills the error with the node's place and dotted path; returns -EINVAL. */
int node_fail(const struct reader *reader, const struct node *n, const char *format, ...) _printf_(3, 4);
/* The same for a key that should be in map and is not. */
int node_missing(const struct reader *reader, const struct node *map, const char *key, const char *expected);
/* n must be a map with no keys but these (NULL-terminated). */
int node_check_keys(const struct reader *reader, const struct node *n, const char *const *allowed);
/* Text that is no free text must be printable ASCII, as the file spells it. */
int node_check_spelling(const struct reader *reader, const struct node *n, const char *expected);
int node_check_list(const struct reader *reader, const struct node *n, size_t min, size_t max, const char *of);

/* --- tree-map.c: the value of a key of map --------------------------------------------------------- */

/* Words, in any number of lines. Without the key *ret is left alone, and it is an error if required. */
int map_text(const struct reader *reader, const struct node *map, const char *key, bool required, char **ret);
/* The same in one line: what is shown beside other things, and must not look like another line of them. */
int map_line(const struct reader *reader, const struct node *map, const char *key, bool required, char **ret);
/* Required. */
int map_choice(const struct reader *reader, const struct node *map, const char *key, const char *const *choices,
               unsigned *ret);
/* Without the key *ret is left alone. */
int map_number(const struct reader *reader, const struct node *map, const char *key, uint64_t min, uint64_t max,
               uint32_t *ret);

/* --- tree-read.c: these read the node itself --------------------------------------------------------- */

int read_text(const struct reader *reader, const struct node *n, size_t max, char **ret);
/* The same in one line. */
int read_line(const struct reader *reader, const struct node *n, size_t max, char **ret);
int read_count(const struct reader *reader, const struct node *n, uint64_t min, uint64_t max, uint64_t *ret);
int read_bool(const struct reader *reader, const struct node *n, bool *ret);
int read_choice(const struct reader *reader, const struct node *n, const char *const *choices, unsigned *ret);
int read_time(const struct reader *reader, const struct node *n, struct ratio *ret);
int read_frequency(const struct reader *reader, const struct node *n, struct ratio *ret_interval);
int read_percent(const struct reader *reader, const struct node *n, uint32_t max_permille, uint32_t *ret_permille);

/* --- quantity.c: text to numbers, without a place; what was expected comes back as a sentence ----- */

int quantity_time(const char *text, struct ratio *ret, const char **ret_expected);
int quantity_frequency(const char *text, struct ratio *ret_interval, const char **ret_expected);
/* "120 %" and, when ret_rest is given, what follows it. Exact in 0.1 %. */
int quantity_percent(const char *text, uint32_t *ret_permille, const char **ret_rest, const char **ret_expected);
uint64_t gcd_u64(uint64_t a, uint64_t b);

#endif
