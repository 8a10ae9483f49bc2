/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 by libcrypto, many times with one context: looking the algorithm up takes longer than hashing a record. */
#include "audit-internal.h"

#include <errno.h>

int audit_sha_new(struct audit_sha *s)
{
        s->md = EVP_MD_fetch(NULL, "SHA256", NULL);
        s->ctx = EVP_MD_CTX_new();
        s->copy = EVP_MD_CTX_new();
        if (!s->md || !s->ctx || !s->copy) {
                audit_sha_clear(s);
                return -ENOMEM;
        }
        return 0;
}

void audit_sha_clear(struct audit_sha *s)
{
        EVP_MD_CTX_free(s->copy);
        EVP_MD_CTX_free(s->ctx);
        EVP_MD_free(s->md);
        *s = (struct audit_sha){0};
}

int audit_sha_begin(struct audit_sha *s, EVP_MD_CTX *ctx)
{
        return EVP_DigestInit_ex2(ctx, s->md, NULL) == 1 ? 0 : -ENOMEM;
}

static int final(EVP_MD_CTX *ctx, unsigned char ret[AUDIT_HEX / 2])
{
        unsigned size = 0;

        return EVP_DigestFinal_ex(ctx, ret, &size) == 1 && size == AUDIT_HEX / 2 ? 0 : -ENOMEM;
}

int audit_sha_line(struct audit_sha *s, const void *data, size_t size, char ret[AUDIT_HEX + 1])
{
        unsigned char digest[EVP_MAX_MD_SIZE];
        int r;

        r = audit_sha_begin(s, s->ctx);
        if (r >= 0 && EVP_DigestUpdate(s->ctx, data, size) != 1)
                r = -ENOMEM;
        if (r >= 0)
                r = final(s->ctx, digest);
        if (r >= 0)
                hex_encode(digest, AUDIT_HEX / 2, ret);
        return r;
}

int audit_sha_so_far(struct audit_sha *s, const EVP_MD_CTX *ctx, unsigned char ret[AUDIT_HEX / 2])
{
        return EVP_MD_CTX_copy_ex(s->copy, ctx) == 1 ? final(s->copy, ret) : -ENOMEM;
}
