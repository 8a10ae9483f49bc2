/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole audit log in memory, its files on disk, and ways to spoil these and to put them back. One at a time; what
 * fails ends the program.
 */
#ifndef TMS_TESTS_AUDIT_DAY_H
#define TMS_TESTS_AUDIT_DAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DAY_SEGMENTS 16

struct day_line {
        const char *text; /* without its end */
        size_t size;
        unsigned segment;
};

struct day {
        char dir[512]; /* audit/ */
        unsigned format;
        struct day_line *line;
        size_t lines;
        unsigned segments;
        struct {
                char name[32];
                char *text;
                size_t size, first; /* first: the index of its first line */
        } segment[DAY_SEGMENTS];
        size_t size; /* of all segments */
};

extern struct day day;

/* Reads the log below base, as made-log.h makes it. */
void day_load(const char *base);

/* These files of segments have these bytes, and those behind them are gone. */
void day_put(unsigned segment, const char *text, size_t size);
void day_put_lines(const struct day_line *line, size_t lines);
/* The log has only its first so many bytes. */
void day_cut(size_t size);
/* One byte, in a segment's file. */
void day_poke(unsigned segment, size_t offset, char byte);
/* All segments as they were made. */
void day_restore(void);

/* Where a byte of the log is. */
unsigned day_segment_of(size_t byte, size_t *ret_offset);
size_t day_line_of(size_t byte); /* the end of a line belongs to it */
bool day_is(size_t line, const char *type);
/* The first seal at that line or behind it. */
size_t day_seal_from(size_t line);

/*
 * What somebody does who has the present key: lines from that one on, which he has changed or taken out, are numbered
 * and follow from each other again, and the seals among them are signed with that key. The texts live until the next call. If
 * announced, the seals keep the public key that they name, else they name the key that has signed.
 */
void day_rewrite(struct day_line *line, size_t lines, size_t from, bool announced);

/* Moves what a later log has out of the way, and back: the keys; the pulse files of the sessions that begin behind that line. */
void day_hide_keys(bool hide);
void day_hide_pulses(size_t behind, bool hide);
/* The present key bears that number. */
void day_rename_key(unsigned number);

#endif
