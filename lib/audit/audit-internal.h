/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files that read audit logs share: audit.c (lines), audit-segments.c
 * (the files that they are in), audit-verify.c (passes over a log, see
 * audit-pass.h), record-scan.c (a record's form, see
 * record-scan.h), audit-record.c (what is wrong with it), audit-seal.c
 * (signatures), audit-keys.c (the files of the keys), audit-files.c (files
 * beside the log), audit-sha.c (hashes), audit-pulses.c (pulse files, with
 * what pulse-jobs.h says) and pulse-lines.c (their lines). The format is in
 * AUDIT.md.
 *
 * Two kinds of failure are kept apart throughout. -EBADMSG: the log was read,
 * and what it says is not true. Any other errno: something could not be read
 * (no descriptor, no memory, no permission, a disk error), and whether the log
 * is true is not known.
 *
 * audit/: these rooms know base/ only, and nothing of the daemon that writes the log. They run in whichever thread
 * calls, keep nothing between two calls, and take no lock but the one between a call's own two threads (pulse-jobs.h).
 * They read files, so that a call may wait for a disk.
 */
#ifndef TMS_LIB_AUDIT_INTERNAL_H
#define TMS_LIB_AUDIT_INTERNAL_H

#include "base.h"
#include "position.h"
#include "record-scan.h"

#include <openssl/evp.h>
#include <sys/stat.h>

#define AUDIT_HEX 64 /* digits of a hash or a raw public key */
#define AUDIT_NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

/* Why something is not true or could not be read: one clause that does not say where in the log. */
struct audit_why {
        char text[384];
};

/* Both fill why. audit_why() returns -EBADMSG, audit_unknown() returns -err. */
int audit_why(struct audit_why *why, const char *format, ...) _printf_(2, 3);
int audit_unknown(struct audit_why *why, int err, const char *format, ...) _printf_(3, 4);

/* --- The log's files (audit-segments.c) ------------------------------------------- */

struct audit_segments {
        bool any;
        uint64_t lowest, highest;
        char odd[300]; /* a name that no segment has, though it looks like one; "": there is none */
};

/* Which segments are there. */
int audit_segments_look(int dir_fd, struct audit_segments *ret);
/* Opens a segment's file, or returns a negative errno as audit_open_beside() does. */
int audit_segment_open(int dir_fd, uint64_t segment);

/* --- Lines (audit.c) ------------------------------------------------------------ */

#define AUDIT_BLOCK ((size_t)262144) /* bytes that are read at once from a log or a pulse file */

/*
 * Reads the lines of all segments, in order. A segment that another one follows does not change any more, so what is
 * found behind its last line then is no line that is being written.
 */
struct audit_reader {
        int dir_fd, fd;                    /* fd -1: there is no file of a log */
        int next_fd;                       /* of the segment that follows; -1: it was not there yet */
        uint64_t first, segment;           /* the first one that is there, the one that is read */
        char file[TMS_AUDIT_SEGMENT_NAME]; /* its name */
        const char *text;                  /* the line, without its end, where a NUL stands instead; in block */
        size_t size;
        char *block; /* read so far, and not given out: [begin, end) */
        size_t allocated, begin, end;
        uint64_t line;   /* number of the line in text, from 1, in its segment */
        uint64_t lines;  /* the same in all segments that are there */
        uint64_t bytes;  /* of the segment's lines given out, and of the torn one after the end */
        uint64_t torn;   /* bytes behind the last end of line of the last segment */
        bool ended;      /* there is no more line */
        uint64_t before; /* lines of the segment before; and the bytes behind its last end of line */
        uint64_t before_torn;
        uint64_t *starts; /* lines before each segment, from the first one on that is there */
        size_t n_starts;
};

#define AUDIT_READER_NONE                              \
        {                                              \
                .dir_fd = -1, .fd = -1, .next_fd = -1, \
        }

int audit_reader_open(struct audit_reader *r, const char *dir, struct tms_error *error);
/* The same for an open directory, which still belongs to the caller. A log without a file is read as an empty one. */
int audit_reader_open_at(struct audit_reader *r, int dir_fd, struct tms_error *error);
void audit_reader_close(struct audit_reader *r);
/* Lets a reader that has given no line yet go on at that byte. -ENOENT: there is no such place. */
int audit_reader_go_to(struct audit_reader *reader, uint64_t segment, uint64_t offset);
/* 1: there is a line. 0: the end; a torn line may precede it. Else a negative errno, with error filled. */
int audit_reader_next(struct audit_reader *r, struct tms_error *error);
/* In which segment a line is that was given out, and the number that it has there. */
void audit_reader_place(const struct audit_reader *r, uint64_t lines, uint64_t *ret_segment, uint64_t *ret_line);
/* Is there a segment behind the one that is read? */
bool audit_has_next(const struct audit_reader *r);
/* Is there more in the log than was read? False also if that cannot be told. */
bool audit_reader_grew(const struct audit_reader *r);

/* --- Records (audit-record.c) --------------------------------------------------------- */

/* Scans a line. -EBADMSG: it is no record, with why filled. */
int audit_record_scan(const char *text, size_t size, struct record_scan *ret, struct audit_why *why);

/* The line of a seal that the caller has kept off the machine. */
struct audit_held {
        const char *text; /* NULL: none */
        size_t size;
        uint64_t seq;
        bool found;
};

/* *ret points into text and must not outlive it. -EINVAL, with error filled: text is no seal. */
int audit_held_parse(const char *text, struct audit_held *ret, struct tms_error *error);

/* --- Hashes (audit-sha.c) ------------------------------------------------------------- */

/* One context for many hashes. Each function returns 0 or -ENOMEM. */
struct audit_sha {
        EVP_MD *md;
        EVP_MD_CTX *ctx, *copy; /* copy: for the hash so far of what goes on */
};

int audit_sha_new(struct audit_sha *s);
void audit_sha_clear(struct audit_sha *s);
int audit_sha_begin(struct audit_sha *s, EVP_MD_CTX *ctx);
int audit_sha_line(struct audit_sha *s, const void *data, size_t size, char ret[AUDIT_HEX + 1]);
int audit_sha_so_far(struct audit_sha *s, const EVP_MD_CTX *ctx, unsigned char ret[AUDIT_HEX / 2]);

/* --- Signatures (audit-seal.c) ------------------------------------------------------ */

/* Is it a text of that many lower-case hexadecimal digits? */
bool audit_is_hex(struct record_value v, size_t digits);
/* Copies such a text. The caller has checked it. */
void audit_hex_copy(struct record_value v, char ret[AUDIT_HEX + 1]);
void audit_unhex(const char *s, size_t size, unsigned char *ret); /* the caller has checked s */
/* Did libcrypto fail since ERR_clear_error() because there was no memory? */
bool audit_crypto_no_memory(void);

/*
 * Checks the signature of a seal's record, whose line it is, by the public key that the seal before it announced: at is
 * where the seal stands. root: of the tree over the records before it; not looked at in format 1.
 */
int audit_seal_check(const struct record *record, const char *line, size_t size, const struct tms_audit_position *at,
                     const unsigned char root[AUDIT_HEX / 2], struct audit_why *why);

/* --- The files of the keys (audit-keys.c) ------------------------------------------- */

/* Checks that key0.pub contains this raw public key. */
int audit_key0_check(int dir_fd, const char *key0, struct audit_why *why);

enum audit_keys {
        AUDIT_KEYS_HOLD,   /* the key that the last seal announces is there */
        AUDIT_KEYS_HIDDEN, /* there is no keys/ beside the log, or this user may not read it: nothing is known */
        AUDIT_KEYS_LOST,   /* keys/ has no key, only older ones, or only newer ones */
        AUDIT_KEYS_WRONG,  /* the file of that key contains another key, or no key */
};

/* Checks keys/ beside a log with that many seals, the last of which announces this public key. */
int audit_keys_check(int dir_fd, uint64_t seals, const char *public_hex, enum audit_keys *ret, struct audit_why *why);
/* For a log without a record: refuses keys that a first start, cut off before its first record, cannot have left. */
int audit_keys_unused(int dir_fd, struct audit_why *why);

/* --- Files beside the log (audit-files.c) ------------------------------------------- */

/* Opens a regular file below dir_fd and refuses a link. The caller has checked that name cannot lead elsewhere. */
int audit_open_beside(int dir_fd, const char *name, struct stat *ret_st);
/* Turns r, a failure to open or to read that file, into -EBADMSG or -errno, and fills why. */
int audit_why_open(struct audit_why *why, const char *name, int r);
/* 1: the directory below dir_fd has a name that does not begin with a dot, copied to ret_name; 0: it has none. */
int audit_dir_has_names(int dir_fd, const char *dir, char *ret_name, size_t size, struct audit_why *why);

struct audit_files;

int audit_files_new(int dir_fd, struct audit_files **ret);
struct audit_files *audit_files_free(struct audit_files *f);
DEFINE_TRIVIAL_CLEANUP_FUNC(struct audit_files *, audit_files_free)

int audit_files_protocol(struct audit_files *f, const struct record *record, struct audit_why *why);
/* Checks the piece that was cut off the log or off a pulse file, if data names one. */
int audit_files_cut(struct audit_files *f, const struct record *record, struct audit_why *why);

/* --- Pulse files (pulse-lines.c, audit-pulses.c) ----------------------------------------- */

#define AUDIT_PULSE_FILE 160 /* size of a name, with its zero */

bool audit_is_pulse_file(const char *name);
#define AUDIT_PULSE_SLACK 256 /* bytes behind text that may be read, whatever is there */
/*
 * Counts the whole lines that the size bytes at text begin with; c is of all lines of the pulse file name before. *ret_size
 * is their size. -EBADMSG: the line behind them is whole, and no line of a pulse file.
 */
int audit_pulse_lines(const char *name, struct tms_pulse_counts *c, const char *text, size_t size, size_t *ret_size,
                      struct audit_why *why);
/* -EBADMSG, with why for a whole line behind those of c, which is none of a pulse file. */
int audit_pulse_no_line(const char *name, const struct tms_pulse_counts *c, struct audit_why *why);

struct audit_pulses;

/*
 * fast: what records say of pulse files is looked at later, for many records at once, and by two threads. Then it is
 * not known which record was the first that is not true.
 */
int audit_pulses_new(int dir_fd, bool fast, struct audit_pulses **ret);
struct audit_pulses *audit_pulses_free(struct audit_pulses *p);
DEFINE_TRIVIAL_CLEANUP_FUNC(struct audit_pulses *, audit_pulses_free)

/* For a session.create record: from now on that session's file must be there. line: the record's line in the log. */
int audit_pulses_begin(struct audit_pulses *p, const struct record *record, uint64_t line);
/* For a recovery.pulses.intent record: the file may grow again. */
int audit_pulses_reopen(struct audit_pulses *p, const struct record *record, uint64_t line, struct audit_why *why);
/* For a session.pulses record, or with end a session.end or recovery.pulses record: checks what it says of the file. */
int audit_pulses_claim(struct audit_pulses *p, const struct record *record, unsigned format, bool end, uint64_t line,
                       struct audit_why *why);
/* If fast: looks at all that was put off. Returns whether all records were true so far, and could be looked at. */
bool audit_pulses_settle(struct audit_pulses *p);
/* If fast: is it known by now that audit_pulses_settle() will return false? */
bool audit_pulses_failed(struct audit_pulses *p);
/*
 * After the last record: checks every file to its end, and with unnamed also those that no record names. *ret_line: the
 * line of the record that names the bad one.
 */
int audit_pulses_finish(struct audit_pulses *p, bool unnamed, uint64_t *ret_line, bool *ret_unnamed,
                        struct audit_why *why);
uint64_t audit_pulses_delivered(const struct audit_pulses *p);

#endif
