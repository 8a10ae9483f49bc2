/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between the files that read audit logs: audit.c (lines), audit-verify.c
 * (passes over a log, see audit-pass.h), audit-record.c (a record's shape), audit-seal.c
 * (signatures), audit-keys.c (the files of the keys), audit-files.c (what lies
 * beside the log), audit-pulses.c (pulse files) and pulse-lines.c (their
 * lines). The format is in AUDIT.md.
 *
 * Two kinds of failure are kept apart throughout. -EBADMSG: the log was read,
 * and does not hold. Any other errno: something could not be read (no
 * descriptor, no memory, no permission, a disk error), and nothing is known.
 *
 * audit/: these rooms know base/ only, and nothing of the daemon that writes the log. They read files, so that a
 * call may wait for a disk, in whichever thread calls; they keep nothing between two calls, and take no lock.
 */
#ifndef TMS_LIB_AUDIT_INTERNAL_H
#define TMS_LIB_AUDIT_INTERNAL_H

#include "base.h"

#include <jansson.h>
#include <sys/stat.h>

#define AUDIT_HEX 64 /* digits of a hash or a raw public key */
#define AUDIT_NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

/* Why something does not hold or could not be read: one clause, without its place. */
struct audit_why {
        char text[384];
};

/* Each fills why. audit_why() returns -EBADMSG, audit_unknown() returns -err. */
int audit_why(struct audit_why *why, const char *format, ...) _printf_(2, 3);
int audit_unknown(struct audit_why *why, int err, const char *format, ...) _printf_(3, 4);

/* --- Lines (audit.c) ------------------------------------------------------------ */

struct audit_reader {
        int dir_fd;
        FILE *log;
        char *text; /* the line, without its end */
        size_t size, allocated;
        uint64_t line;  /* number of the line in text, from 1 */
        uint64_t bytes; /* read so far */
        uint64_t torn;  /* bytes behind the last end of line */
};

int audit_reader_open(struct audit_reader *r, const char *dir, struct tms_error *error);
/* The same below an open directory, which stays the caller's. Without log.jsonl there are no lines. */
int audit_reader_open_at(struct audit_reader *r, int dir_fd, struct tms_error *error);
void audit_reader_close(struct audit_reader *r);
/* 1: a line; 0: the end, perhaps torn; else a negative errno with error filled. */
int audit_reader_next(struct audit_reader *r, struct tms_error *error);

/* --- Records (audit-record.c) --------------------------------------------------------- */

/* -EBADMSG: the text is no JSON, or has a key twice; -ENOMEM. */
int audit_json_parse(const char *text, size_t size, json_t **ret);
/* A line as a record of the right shape. */
int audit_record_parse(const char *text, size_t size, json_t **ret, struct audit_why *why);

/* A seal's line that the caller holds. */
struct audit_held {
        const char *text; /* NULL: none */
        size_t size;
        uint64_t seq;
        bool found;
};

/* text: borrowed. -EINVAL with error filled: it is no seal. */
int audit_held_parse(const char *text, struct audit_held *ret, struct tms_error *error);

/* --- Signatures (audit-seal.c) ------------------------------------------------------ */

bool audit_is_hex(const char *s, size_t digits);
void audit_unhex(const char *s, size_t size, unsigned char *ret); /* s has been checked */
/* Did libcrypto fail since ERR_clear_error() because there was no memory? */
bool audit_crypto_no_memory(void);

/* A seal's record against the key that the seal before it announced. */
int audit_seal_check(const json_t *record, uint64_t number, const char *expected_public, struct audit_why *why);

/* --- The files of the keys (audit-keys.c) ------------------------------------------- */

/* key0.pub holds this raw public key. */
int audit_key0_check(int dir_fd, const char *key0, struct audit_why *why);

enum audit_keys {
        AUDIT_KEYS_HOLD,   /* the key that the last seal announces is there */
        AUDIT_KEYS_HIDDEN, /* there is no keys/ beside the log, or it may not be read: nothing is known */
        AUDIT_KEYS_LOST,   /* none, or an older one, or a newer one alone */
        AUDIT_KEYS_WRONG,  /* a file that holds another key, or none */
};

/* keys/ beside the log after that many seals, the last of which announces this public key. */
int audit_keys_check(int dir_fd, uint64_t seals, const char *public_hex, enum audit_keys *ret, struct audit_why *why);
/* The log has no record yet: nothing may be there but what a start leaves that was cut off before its first record. */
int audit_keys_unused(int dir_fd, struct audit_why *why);

/* --- Files beside the log (audit-files.c) ------------------------------------------- */

/* A regular file below the log's directory; names in a log lead nowhere else. */
int audit_open_beside(int dir_fd, const char *name, struct stat *ret_st);
/* What to make of a failure to open or read it. */
int audit_why_open(struct audit_why *why, const char *name, int r);
/* Has the directory below dir_fd any name that does not begin with a dot? Copies one to ret_name. 1 yes, 0 no. */
int audit_dir_has_names(int dir_fd, const char *dir, char *ret_name, size_t size, struct audit_why *why);

struct audit_files;

int audit_files_new(int dir_fd, struct audit_files **ret);
struct audit_files *audit_files_free(struct audit_files *f);
DEFINE_TRIVIAL_CLEANUP_FUNC(struct audit_files *, audit_files_free)

int audit_files_protocol(struct audit_files *f, const json_t *data, struct audit_why *why);
/* A piece that was cut off the log or off a pulse file, if data names one. */
int audit_files_cut(struct audit_files *f, const json_t *data, struct audit_why *why);

/* --- Pulse files (pulse-lines.c, audit-pulses.c) ----------------------------------------- */

#define AUDIT_PULSE_FILE 160 /* a name's size */

bool audit_is_pulse_file(const char *name);
/* The next line of a file of that name, of which at bytes were read before. */
int audit_pulse_line(const char *name, uint64_t at, struct tms_pulse_counts *c, const char *text, size_t size,
                     struct audit_why *why);

struct audit_pulses;

int audit_pulses_new(int dir_fd, struct audit_pulses **ret);
struct audit_pulses *audit_pulses_free(struct audit_pulses *p);
DEFINE_TRIVIAL_CLEANUP_FUNC(struct audit_pulses *, audit_pulses_free)

/* line: the record's place in the log. A session.create record's data: the file of that session is there from now on. */
int audit_pulses_begin(struct audit_pulses *p, const json_t *data, uint64_t line);
/* A recovery.pulses.intent record's data: the file may grow again. */
int audit_pulses_reopen(struct audit_pulses *p, const json_t *data, uint64_t line, struct audit_why *why);
/* What a session.pulses or (end) session.end or recovery.pulses record says of the file. */
int audit_pulses_claim(struct audit_pulses *p, const json_t *data, bool end, uint64_t line, struct audit_why *why);
/* After the last record: every file against all that was said. *ret_line: the record that names the one that is bad. */
int audit_pulses_finish(struct audit_pulses *p, uint64_t *ret_line, bool *ret_unnamed, struct audit_why *why);
uint64_t audit_pulses_delivered(const struct audit_pulses *p);

#endif
