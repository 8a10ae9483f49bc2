/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Merkle tree over a log's records; see merkle.h. */
#include "merkle.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

void tms_hasher_clear(struct tms_hasher *h)
{
        EVP_MD_CTX_free(h->ctx);
        EVP_MD_free(h->md);
        *h = (struct tms_hasher){0};
}

static bool is_ready(struct tms_hasher *h)
{
        if (!h->md)
                h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
        if (!h->ctx)
                h->ctx = EVP_MD_CTX_new();
        return h->md && h->ctx;
}

/* SHA-256 over a byte that tells leaves from nodes, and two pieces. */
static int hash_pieces(struct tms_hasher *h, unsigned char kind, const void *a, size_t a_size, const void *b,
                       size_t b_size, unsigned char ret[static TMS_MERKLE_HASH])
{
        struct tms_hasher own = {0}, *use = h ? h : &own;
        unsigned int size = 0;
        bool ok;

        ok = is_ready(use) && EVP_DigestInit_ex2(use->ctx, use->md, NULL) == 1 &&
             EVP_DigestUpdate(use->ctx, &kind, 1) == 1 && EVP_DigestUpdate(use->ctx, a, a_size) == 1 &&
             EVP_DigestUpdate(use->ctx, b, b_size) == 1 && EVP_DigestFinal_ex(use->ctx, ret, &size) == 1;
        tms_hasher_clear(&own);
        assert(!ok || size == TMS_MERKLE_HASH);
        return ok ? 0 : -ENOMEM;
}

static int hash_node(struct tms_hasher *h, const unsigned char left[static TMS_MERKLE_HASH],
                     const unsigned char right[static TMS_MERKLE_HASH], unsigned char ret[static TMS_MERKLE_HASH])
{
        return hash_pieces(h, 1, left, TMS_MERKLE_HASH, right, TMS_MERKLE_HASH, ret);
}

int tms_merkle_leaf(struct tms_hasher *h, const void *entry, size_t size, unsigned char ret[static TMS_MERKLE_HASH])
{
        return hash_pieces(h, 0, entry, size, NULL, 0, ret);
}

int tms_merkle_add(struct tms_hasher *h, struct tms_merkle *t, const unsigned char leaf[static TMS_MERKLE_HASH])
{
        unsigned char hash[TMS_MERKLE_HASH], above[TMS_MERKLE_HASH];
        int i, r;

        if (t->size == UINT64_MAX)
                return -EOVERFLOW;
        /* As in counting by one: complete subtrees of one size become one of twice the size. */
        memcpy(hash, leaf, sizeof(hash));
        for (i = 0; t->size >> i & 1; i++) {
                r = hash_node(h, t->level[i], hash, above);
                if (r < 0)
                        return r;
                memcpy(hash, above, sizeof(hash));
        }
        memcpy(t->level[i], hash, sizeof(hash));
        t->size++;
        return 0;
}

int tms_merkle_root(struct tms_hasher *h, const struct tms_merkle *t, unsigned char ret[static TMS_MERKLE_HASH])
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
                r = hash_node(h, t->level[i], hash, above);
                if (r < 0)
                        return r;
                memcpy(hash, above, sizeof(hash));
        }
        memcpy(ret, hash, sizeof(hash));
        return 0;
}

static const char hex_digits[] = "0123456789abcdef";

/* Where tms_merkle_text() writes: the first bytes that there is room for. */
struct text {
        char *buf;
        size_t size, n;
};

static void put(struct text *t, char c)
{
        if (t->n + 1 < t->size)
                t->buf[t->n] = c;
        t->n++;
}

size_t tms_merkle_text(const struct tms_merkle *t, char *buf, size_t size)
{
        struct text to = {.buf = buf, .size = size};

        put(&to, '[');
        for (int i = TMS_MERKLE_LEVELS - 1; i >= 0; i--) {
                if (!(t->size >> i & 1))
                        continue;
                if (to.n > 1)
                        put(&to, ',');
                put(&to, '"');
                for (int k = 0; k < TMS_MERKLE_HASH; k++) {
                        put(&to, hex_digits[t->level[i][k] >> 4]);
                        put(&to, hex_digits[t->level[i][k] & 0xf]);
                }
                put(&to, '"');
        }
        put(&to, ']');
        if (size > 0)
                buf[to.n < size ? to.n : size - 1] = '\0';
        return to.n;
}

/* The value of a lower-case digit, or -1. */
static int digit(char c)
{
        const char *at = c ? strchr(hex_digits, c) : NULL;

        return at ? (int)(at - hex_digits) : -1;
}

int tms_merkle_parse(const char *text, size_t text_size, uint64_t size, struct tms_merkle *ret)
{
        char again[TMS_MERKLE_TEXT];
        struct tms_merkle t = {.size = size};
        size_t at = 2; /* behind ["; what stands between the digits is looked at in the end */

        for (int i = TMS_MERKLE_LEVELS - 1; i >= 0; i--) {
                if (!(size >> i & 1))
                        continue;
                if (at + (size_t)2 * TMS_MERKLE_HASH > text_size)
                        return -EBADMSG;
                for (int k = 0; k < TMS_MERKLE_HASH; k++, at += 2) {
                        const int high = digit(text[at]), low = digit(text[at + 1]);

                        if (high < 0 || low < 0)
                                return -EBADMSG;
                        t.level[i][k] = (unsigned char)(high << 4 | low);
                }
                at += 3; /* "," */
        }
        if (tms_merkle_text(&t, again, sizeof(again)) != text_size || memcmp(again, text, text_size) != 0)
                return -EBADMSG;
        *ret = t;
        return 0;
}
