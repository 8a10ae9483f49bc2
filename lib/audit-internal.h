/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between the files that read audit logs: audit.c (lines), audit-verify.c
 * (the chain and the verdict), audit-seal.c (signatures and keys),
 * audit-files.c (what lies beside the log). The format is in AUDIT.md.
 */
#ifndef TMS_LIB_AUDIT_INTERNAL_H
#define TMS_LIB_AUDIT_INTERNAL_H

#include "util.h"

#include <jansson.h>

#define AUDIT_HEX 64 /* digits of a hash or a raw public key */
#define AUDIT_NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

/* Why something does not hold: one clause, without its place. */
struct audit_why {
        char text[384];
};

/* Fills why and returns -EBADMSG, the errno of "does not hold" between these files. */
int audit_why(struct audit_why *why, const char *format, ...) _printf_(2, 3);

/* --- Lines (audit.c) ------------------------------------------------------------ */

struct audit_reader {
        int dir_fd;
        FILE *log;
        char *text; /* the line, without its end */
        size_t size, allocated;
        uint64_t line;  /* number of the line in text, from 1 */
        uint64_t bytes; /* read so far */
        bool torn;      /* the file's last line has no end */
};

int audit_reader_open(struct audit_reader *r, const char *dir, struct tms_error *error);
void audit_reader_close(struct audit_reader *r);
/* 1: a line; 0: the end, perhaps torn; else a negative errno with error filled. */
int audit_reader_next(struct audit_reader *r, struct tms_error *error);

/* --- Signatures and keys (audit-seal.c) -------------------------------------------- */

bool audit_is_hex(const char *s, size_t digits);
void audit_hex(const unsigned char *data, size_t size, char *ret);

/* A seal's record against the key that the seal before it announced. */
int audit_seal_check(const json_t *record, uint64_t number, const char *expected_public, struct audit_why *why);
/* key0.pub holds this raw public key. */
int audit_key0_check(int dir_fd, const char *key0, struct audit_why *why);
/* Is this key among those in the directory keys/ beside the log? 1 yes or nothing to be seen, 0 no. */
int audit_keys_hold(int dir_fd, const char *public_hex);

/* --- Files beside the log (audit-files.c) ------------------------------------------- */

struct audit_files;

int audit_files_new(int dir_fd, struct audit_files **ret);
struct audit_files *audit_files_free(struct audit_files *f);
DEFINE_CLEANUP(struct audit_files *, audit_files_free)

/* A session.pulses or (end) session.end record's data; line is the record's place in the log. */
int audit_files_pulses(struct audit_files *f, const json_t *data, bool end, uint64_t line, struct audit_why *why);
int audit_files_protocol(struct audit_files *f, const json_t *data, struct audit_why *why);
/* After the last record: no ended session's file has grown. *ret_line: the record that names the one that has. */
int audit_files_finish(struct audit_files *f, uint64_t *ret_line, struct audit_why *why);
uint64_t audit_files_delivered(const struct audit_files *f);

#endif
