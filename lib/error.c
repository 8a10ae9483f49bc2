/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors: one sentence with its place. Everything that can go wrong in a
 * file or a request ends in tms_error_set(), and people read what
 * tms_error_format() makes of it.
 */
#include "util.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

int tms_error_setv(struct tms_error *e, int err, const char *file, unsigned line, unsigned column, const char *key,
                   const char *format, va_list ap)
{
        if (!e)
                return -err;

        memset(e, 0, sizeof(*e));
        if (file)
                snprintf(e->file, sizeof(e->file), "%s", file);
        e->line = line;
        e->column = column;
        if (key)
                snprintf(e->key, sizeof(e->key), "%s", key);
        vsnprintf(e->message, sizeof(e->message), format, ap);
        return -err;
}

int tms_error_set(struct tms_error *e, int err, const char *file, unsigned line, unsigned column, const char *key,
                  const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = tms_error_setv(e, err, file, line, column, key, format, ap);
        va_end(ap);
        return r;
}

const char *tms_error_format(const struct tms_error *e, char *buf, size_t size)
{
        char place[320] = "";

        if (e->file[0] && e->line)
                snprintf(place, sizeof(place), "%s:%u:%u: ", e->file, e->line, e->column);
        else if (e->file[0])
                snprintf(place, sizeof(place), "%s: ", e->file);

        snprintf(buf, size, "%s%s%s%s", place, e->key, e->key[0] ? ": " : "", e->message);
        return buf;
}

int tms_sha256_hex(const void *data, size_t size, char ret[65])
{
        static const char digits[] = "0123456789abcdef";
        unsigned char hash[32];
        unsigned length = 0;

        if (EVP_Digest(data, size, hash, &length, EVP_sha256(), NULL) != 1 || length != sizeof(hash))
                return -ENOMEM;

        for (size_t i = 0; i < sizeof(hash); i++) {
                ret[2 * i] = digits[hash[i] >> 4];
                ret[2 * i + 1] = digits[hash[i] & 15];
        }
        ret[64] = 0;
        return 0;
}
