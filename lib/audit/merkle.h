/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Merkle tree over a log's records, as RFC 6962 (2.1) has it: one hash says what all records are, and
 * a few show that one record, or an older log, is in it. Kept as what the tree's complete subtrees hash to,
 * so that a record costs two hashes on average and the tree no more than 2 KiB, however long the log.
 *
 * Any thread; the caller keeps a tree to itself.
 */
#ifndef TMS_LIB_MERKLE_H
#define TMS_LIB_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#define TMS_MERKLE_HASH 32
#define TMS_MERKLE_LEVELS 64

/* All zero is the empty tree. Where bit i of size is set, level[i] is the hash of a subtree of 2^i leaves. */
struct tms_merkle {
        uint64_t size;
        unsigned char level[TMS_MERKLE_LEVELS][TMS_MERKLE_HASH];
};

/*
 * What libcrypto needs for a hash, kept from one to the next, since to look it up takes longer than to hash a record. All
 * zero to begin with. The functions below take NULL for one of their own.
 */
struct tms_hasher {
        void *md, *ctx;
};

void tms_hasher_clear(struct tms_hasher *h); /* all zero again */

/* SHA-256 over 0x00 and the entry: the leaf that stands for it. 0 or -ENOMEM. */
int tms_merkle_leaf(struct tms_hasher *h, const void *entry, size_t size, unsigned char ret[static TMS_MERKLE_HASH]);

/* Adds a leaf behind the others. 0, or a negative errno (-ENOMEM, -EOVERFLOW) and the tree is as it was. */
int tms_merkle_add(struct tms_hasher *h, struct tms_merkle *t, const unsigned char leaf[static TMS_MERKLE_HASH]);

/* The hash over all leaves; of none, SHA-256 of nothing. 0 or -ENOMEM. */
int tms_merkle_root(struct tms_hasher *h, const struct tms_merkle *t, unsigned char ret[static TMS_MERKLE_HASH]);

/*
 * The tree as AUDIT.md writes it: an array of texts, in JSON. Returns how many bytes that is; buf, which may be NULL with
 * size 0, gets as many of them as it has room for, and a NUL.
 */
#define TMS_MERKLE_TEXT (TMS_MERKLE_LEVELS * (2 * TMS_MERKLE_HASH + 3) + 2) /* size of the longest, with its NUL */
size_t tms_merkle_text(const struct tms_merkle *t, char *buf, size_t size);
/* The tree over size leaves that this text says. -EBADMSG: it is no text of such a tree. */
int tms_merkle_parse(const char *text, size_t text_size, uint64_t size, struct tms_merkle *ret);

#endif
