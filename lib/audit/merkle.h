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

/* SHA-256 over 0x00 and the entry: the leaf that stands for it. 0 or -ENOMEM. */
int tms_merkle_leaf(const void *entry, size_t size, unsigned char ret[static TMS_MERKLE_HASH]);

/* Adds a leaf behind the others. 0, or a negative errno (-ENOMEM, -EOVERFLOW) and the tree is as it was. */
int tms_merkle_add(struct tms_merkle *t, const unsigned char leaf[static TMS_MERKLE_HASH]);

/* The hash over all leaves; of none, SHA-256 of nothing. 0 or -ENOMEM. */
int tms_merkle_root(const struct tms_merkle *t, unsigned char ret[static TMS_MERKLE_HASH]);

#endif
