/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The signing keys of the audit log. Blocking; for start-up and the audit writer's thread.
 *
 * Key N signs one seal, which announces key N + 1, and is then destroyed. So whoever takes over the machine today
 * cannot sign what was written yesterday.
 */
#ifndef TMSD_KEYS_H
#define TMSD_KEYS_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>
#include "util.h"

#define KEY_SIZE 32 /* raw Ed25519 */
#define KEY_HEX (2 * KEY_SIZE + 1)
#define SIG_SIZE 64
#define SIG_HEX (2 * SIG_SIZE + 1)

struct key;

/* Makes key n; its file is synced when this returns. -EEXIST: there is one already. */
int key_make(int dir_fd, uint64_t n, struct key **ret);
/* -ENOENT: no such key; -EBADMSG: the file holds no Ed25519 key. */
int key_load(int dir_fd, uint64_t n, struct key **ret);
struct key *key_free(struct key *k); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct key *, key_free)

uint64_t key_number(const struct key *k);
const char *key_public_hex(const struct key *k);
int key_sign(const struct key *k, const void *data, size_t size, char ret_hex[static SIG_HEX]);

/* Overwrites and removes the file of key n; no error if there is none. */
int key_destroy(int dir_fd, uint64_t n);

/* The lowest and highest numbers there; -ENOENT if there is no key. */
int keys_range(int dir_fd, uint64_t *ret_lowest, uint64_t *ret_highest);

/*
 * A file or directory that other users than the daemon's may read or change: the directory of the keys, or a key's file
 * in it.
 */
struct key_exposed {
        char name[NAME_MAX + 1]; /* "" the directory */
        unsigned mode;           /* permissions */
        uid_t uid;               /* its owner */
};

/* 1: there is one, which *ret names; 0: there is none. */
int keys_find_exposed(int dir_fd, struct key_exposed *ret);

/* Writes a raw public key (hex) as PEM SubjectPublicKeyInfo into a new file, synced. */
int key_write_public_pem(int dir_fd, const char *name, const char *public_hex);
/* SHA-256 of the raw public key. */
int key_fingerprint(const char *public_hex, char ret[static 65]);

#endif
