/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Merkle tree over a log's records; see merkle.h. */
#include "merkle.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

/* SHA-256 over a byte that tells leaves from nodes, and two pieces. */
static int hash_pieces(unsigned char kind, const void *a, size_t a_size, const void *b, size_t b_size,
                       unsigned char ret[static TMS_MERKLE_HASH])
{
        EVP_MD_CTX *sha = EVP_MD_CTX_new();
        unsigned int size = 0;
        bool ok;

        ok = sha && EVP_DigestInit_ex(sha, EVP_sha256(), NULL) == 1 && EVP_DigestUpdate(sha, &kind, 1) == 1 &&
             EVP_DigestUpdate(sha, a, a_size) == 1 && EVP_DigestUpdate(sha, b, b_size) == 1 &&
             EVP_DigestFinal_ex(sha, ret, &size) == 1;
        EVP_MD_CTX_free(sha);
        assert(!ok || size == TMS_MERKLE_HASH);
        return ok ? 0 : -ENOMEM;
}

static int hash_node(const unsigned char left[static TMS_MERKLE_HASH],
                     const unsigned char right[static TMS_MERKLE_HASH], unsigned char ret[static TMS_MERKLE_HASH])
{
        return hash_pieces(1, left, TMS_MERKLE_HASH, right, TMS_MERKLE_HASH, ret);
}

int tms_merkle_leaf(const void *entry, size_t size, unsigned char ret[static TMS_MERKLE_HASH])
{
        return hash_pieces(0, entry, size, NULL, 0, ret);
}

int tms_merkle_add(struct tms_merkle *t, const unsigned char leaf[static TMS_MERKLE_HASH])
{
        unsigned char hash[TMS_MERKLE_HASH], above[TMS_MERKLE_HASH];
        int i, r;

        if (t->size == UINT64_MAX)
                return -EOVERFLOW;
        /* As in counting by one: complete subtrees of one size become one of twice the size. */
        memcpy(hash, leaf, sizeof(hash));
        for (i = 0; t->size >> i & 1; i++) {
                r = hash_node(t->level[i], hash, above);
                if (r < 0)
                        return r;
                memcpy(hash, above, sizeof(hash));
        }
        memcpy(t->level[i], hash, sizeof(hash));
        t->size++;
        return 0;
}

int tms_merkle_root(const struct tms_merkle *t, unsigned char ret[static TMS_MERKLE_HASH])
{
        unsigned char hash[TMS_MERKLE_HASH], above[TMS_MERKLE_HASH];
        bool begun = false;
        int i, r;

        if (t->size == 0) {
                unsigned int size;

                return EVP_Digest("", 0, ret, &size, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
        }
        /* From the smallest subtree, which is the last, to the largest, which is the first. */
        for (i = 0; i < TMS_MERKLE_LEVELS; i++) {
                if (!(t->size >> i & 1))
                        continue;
                if (!begun) {
                        memcpy(hash, t->level[i], sizeof(hash));
                        begun = true;
                        continue;
                }
                r = hash_node(t->level[i], hash, above);
                if (r < 0)
                        return r;
                memcpy(hash, above, sizeof(hash));
        }
        memcpy(ret, hash, sizeof(hash));
        return 0;
}
