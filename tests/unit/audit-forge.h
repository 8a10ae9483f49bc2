/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An audit log made by hand for tests: written from AUDIT.md alone, sharing
 * nothing with the daemon's writer or the library's reader. The lines stay in
 * memory, so that a test can spoil them any way it likes before they go to disk.
 */
#ifndef TMS_TESTS_AUDIT_FORGE_H
#define TMS_TESTS_AUDIT_FORGE_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORGE_LINES 1024
#define FORGE_SEGMENTS 16

struct forge {
        char base[64];           /* a fresh temporary directory */
        char dir[80];            /* audit/ in it */
        char *line[FORGE_LINES]; /* without their ends */
        size_t lines;
        unsigned format;                     /* of the segment that is written: 1 or 2 */
        unsigned first_format;               /* of segment 0, and which columns the pulse file has */
        size_t segments;                     /* behind segment 0 */
        size_t segment_at[FORGE_SEGMENTS];   /* the first line of each of these */
        unsigned char leaf[FORGE_LINES][32]; /* of each line */
        char origin[70];
        char checkpoint[65]; /* hash that the next seal of format 2 names, and no later one; "": none */
        char prev[65];
        EVP_PKEY *key, *last_key; /* last_key has signed the newest seal */
        unsigned number;          /* of key */
        char key0_fingerprint[65];
        char *pulses; /* text of the pulse file */
        size_t pulses_size;
        char protocol_sha256[65];
};

void forge_init(struct forge *f); /* format 1 */
void forge_init_2(struct forge *f);
void forge_clear(struct forge *f);  /* removes the directory too */
void forge_forget(struct forge *f); /* leaves it there */

/* A record of that type with that text for "data", following the ones before. */
void forge_record(struct forge *f, const char *type, const char *data);
/* A seal by f->key, which then gives way to a new one. */
void forge_seal(struct forge *f, const char *nonce);
/* The last line, a seal of format 2, with to in place of from, and signed anew. malloc'd. */
char *forge_resign(const struct forge *f, const char *from, const char *to);
/* The first record of the next segment, of format 2. */
void forge_segment(struct forge *f);
/* log.close, a seal, and the first record of the next segment. */
void forge_close(struct forge *f);
/* What a checkpoint of the log as it is now says, up to its state. malloc'd. */
char *forge_position(const struct forge *f);
/* The root of the tree over the first n lines. */
void forge_root(const struct forge *f, size_t n, char ret[65]);
/* The name of segment n's file. */
void forge_segment_name(size_t n, char ret[32]);
/* Pulses [from, to) with a trigger and an answer each, appended to the text of the pulse file. */
void forge_pulses(struct forge *f, unsigned from, unsigned to);
/* A line of pulse 'index', appended. Its trigger was a nanosecond behind its time; what is not here is always the same. */
struct forge_pulse {
        unsigned seq, mono_ns, type, index, due_ns, card_ns, delivered_permille, outcome;
};
void forge_pulse_line(struct forge *f, const struct forge_pulse *p);
/* What a claim says of the pulse file as it is now, with more behind it. malloc'd. */
char *forge_pulses_data(const struct forge *f, unsigned delivered, const char *more);
/* A session.pulses or session.end record for the pulse file as it is now; in format 2 with unknown, as it has to be. */
void forge_pulses_record(struct forge *f, const char *type, unsigned delivered);

/* A whole session of six pulses with two seals: 16 lines, the last one a seal over "nonce-2". */
void forge_session(struct forge *f);

/* Puts all lines, the pulse file and the protocol on disk. */
void forge_write(const struct forge *f);
void forge_file(const struct forge *f, const char *name, const void *text, size_t size);
void forge_remove(const struct forge *f, const char *name);
/* The last line only, behind those that are there, in one write as the daemon does it. */
void forge_append(const struct forge *f);
/* keys/N.pem beside the log: the key that would sign the next seal. */
void forge_key_file(const struct forge *f);
void forge_remove_key_file(const struct forge *f, unsigned number);

void forge_sha256(const void *data, size_t size, char ret[65]);
EVP_PKEY *forge_new_key(void);
void forge_public(EVP_PKEY *key, char ret[65]);

#endif
