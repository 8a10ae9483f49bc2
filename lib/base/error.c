/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors: one sentence with its place. Whatever is wrong in a file or a
 * request is reported by tms_error_set(); tms_error_format() makes the text
 * that people read.
 */
#include "codepoint.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

int text_character(const char *text, size_t size)
{
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        const unsigned char *s = (const unsigned char *)text, c = s[0];
        const int n = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;
        uint32_t code;

        if (n < 2)
                return n;

        code = c & (0x7fu >> n);
        for (int i = 1; i < n; i++) {
                if ((size_t)i == size)
                        return -1;
                if (s[i] >> 6 != 2)
                        return 0;
                code = code << 6 | (s[i] & 0x3f);
        }
        if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ||
            (code >= 0xfdd0 && code < 0xfdf0) || (code & 0xfffe) == 0xfffe)
                return 0;
        return n;
}

char *tms_text_repair(char *text)
{
        char *p = text, *end = text + strlen(text);

        while (p < end) {
                int n = text_character(p, (size_t)(end - p));

                if (n < 0)
                        *(end = p) = 0;
                else if (n == 0)
                        *p++ = '?';
                else
                        p += n;
        }
        return text;
}

char *tms_text_line(char *text)
{
        char *to = tms_text_repair(text);

        for (const char *from = text; *from;) {
                const int n = text_character(from, strlen(from));
                const enum code_class c = code_class(code_at(from, n));

                if (c == CODE_SHOWN || c == CODE_SPACE) {
                        memmove(to, from, (size_t)n);
                        to += n;
                } else
                        *to++ = '?';
                from += n;
        }
        *to = 0;
        return text;
}

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

        /*
         * Each of the three texts may have been cut in the middle of a character, here or by a "%.48s" of the
         * caller, and may quote a file's name or a caller's word, which can contain any byte.
         */
        tms_text_line(e->file);
        tms_text_line(e->key);
        tms_text_line(e->message);
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

int error_memory(struct tms_error *e, const char *file)
{
        return tms_error_set(e, ENOMEM, file, 0, 0, NULL, "out of memory; %s", tms_errno_step(ENOMEM));
}

static const struct {
        int err;
        const char *step;
} steps[] = {
                {ENOMEM, "end other programs and try again"},
                {EMFILE, "end other programs and try again"},
                {ENFILE, "end other programs and try again"},
                {ENOSPC, "make room on the disk, then try again"},
                {EDQUOT, "make room on the disk, then try again"},
                {EROFS, "see why the disk became read-only: journalctl -k"},
                {EIO, "see what is wrong with the disk: journalctl -k"},
                {EACCES, "do it as root, or see who may (ls -l)"},
                {EPERM, "do it as root, or see who may (ls -l)"},
                {ENOENT, "see that the name is right"},
                {ENOTDIR, "see that the name is right"},
                {ENAMETOOLONG, "give a shorter name"},
                {EISDIR, "name a file, not a folder"},
                {EEXIST, "give a name that does not exist yet"},
                {ELOOP, "name the file itself, not a link to it"},
};

const char *tms_errno_step(int err)
{
        for (size_t i = 0; i < ELEMENTS(steps); i++)
                if (steps[i].err == err)
                        return steps[i].step;
        return "try again; if that does not help, journalctl says more";
}

const char *tms_error_format(const struct tms_error *e, char *buf, size_t size)
{
        char place[320] = "";

        if (e->file[0] && e->line)
                snprintf(place, sizeof(place), "%s:%u:%u: ", e->file, e->line, e->column);
        else if (e->file[0])
                snprintf(place, sizeof(place), "%s: ", e->file);

        snprintf(buf, size, "%s%s%s%s", place, e->key, e->key[0] ? ": " : "", e->message);
        return size ? tms_text_line(buf) : buf;
}

int tms_sha256_hex(const void *data, size_t size, char ret[65])
{
        unsigned char hash[32];
        unsigned length = 0;

        if (EVP_Digest(data, size, hash, &length, EVP_sha256(), NULL) != 1 || length != sizeof(hash))
                return -ENOMEM;

        hex_encode(hash, sizeof(hash), ret);
        return 0;
}
