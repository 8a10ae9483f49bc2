/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The allow-list: protocol files, recognised by the hash of their bytes. The
 * hashes of the shipped files are compiled in. Those that the clinic has
 * approved are in /etc/tmsd/approved, one "sha256 id" a line, with '#' for
 * comments.
 */
#include "safety.h"
#include "shipped.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define APPROVED "/etc/tmsd/approved"
#define HEX "0123456789abcdef"

/* Splits one line into its hash and its id. 1: done, 0: a blank line or a comment, -EINVAL. */
static int approved_line(char *line, const char **ret_sha256, const char **ret_id)
{
        char *save = NULL;
        const char *sha256, *id;

        line[strcspn(line, "#\n")] = 0;
        sha256 = strtok_r(line, " \r", &save);
        if (!sha256)
                return 0;
        id = strtok_r(NULL, " \r", &save);
        if (!id || strtok_r(NULL, " \r", &save) || strlen(sha256) != 64 || strspn(sha256, HEX) != 64)
                return -EINVAL;
        *ret_sha256 = sha256;
        *ret_id = id;
        return 1;
}

static int approved_find(FILE *f, const char *path, const char *sha256, const char *id, bool *ret,
                         struct tms_error *error)
{
        const char *line_sha256, *line_id;
        unsigned number = 0;
        char line[256];
        int r;

        while (fgets(line, sizeof(line), f)) {
                number++;
                if (!strchr(line, '\n') && strlen(line) == sizeof(line) - 1)
                        return tms_error_set(error, EINVAL, path, number, 1, NULL,
                                             "the line is too long; expected \"sha256 id\"");
                r = approved_line(line, &line_sha256, &line_id);
                if (r < 0)
                        return tms_error_set(error, EINVAL, path, number, 1, NULL,
                                             "this is not an approval; expected the file's SHA-256 in 64 hex digits, a "
                                             "space and "
                                             "the protocol's id");
                if (r > 0 && strcmp(line_sha256, sha256) == 0 && strcmp(line_id, id) == 0) {
                        *ret = true;
                        return 0;
                }
        }
        if (ferror(f))
                return tms_error_set(error, EIO, path, 0, 0, NULL, "cannot read the list of approved protocols; %s",
                                     tms_errno_step(EIO));
        *ret = false;
        return 0;
}

/* Nothing that cannot be seen may approve a file: tms_text_read() checks the characters of the whole text first. */
static int approved_read(FILE *f, const char *path, const char *sha256, const char *id, bool *ret,
                         struct tms_error *error)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *lines;
        int r;

        r = tms_text_read(fileno(f), path, &text, &size, error);
        if (r < 0)
                return r;
        *ret = false;
        if (size == 0)
                return 0;
        lines = fmemopen(text, size, "r");
        if (!lines)
                return tms_error_set(error, errno, path, 0, 0, NULL,
                                     "cannot read the list of approved protocols: %s; %s", strerror(errno),
                                     tms_errno_step(errno));
        r = approved_find(lines, path, sha256, id, ret, error);
        fclose(lines);
        return r;
}

static int approved_check(FILE *f, const char *path, struct tms_error *error)
{
        struct stat st;

        if (fstat(fileno(f), &st) < 0)
                return tms_error_set(error, errno, path, 0, 0, NULL,
                                     "cannot look at the list of approved protocols; %s", tms_errno_step(errno));
        /* Who can write to this file decides what needs no override: that may be its owner only. */
        if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IWGRP | S_IWOTH)))
                return tms_error_set(error, EPERM, path, 0, 0, NULL,
                                     "others than the owner may write this list; expected mode 0644 (chmod go-w)");
        return 0;
}

int allow_list_find(const char *sha256, const char *id, enum listed *ret, struct tms_error *error)
{
        const char *path = secure_getenv("TMS_APPROVED") ?: APPROVED;
        bool approved = false;
        FILE *f;
        int r;

        assert(strlen(sha256) == 64);
        for (size_t i = 0; i < ELEMENTS(shipped); i++)
                if (strcmp(shipped[i].sha256, sha256) == 0 && strcmp(shipped[i].id, id) == 0) {
                        *ret = LISTED_SHIPPED;
                        return 0;
                }

        f = fopen(path, "re");
        if (!f && errno != ENOENT)
                return tms_error_set(error, errno, path, 0, 0, NULL,
                                     "cannot open the list of approved protocols: %s; %s", strerror(errno),
                                     tms_errno_step(errno));
        if (f) {
                r = approved_check(f, path, error);
                if (r >= 0)
                        r = approved_read(f, path, sha256, id, &approved, error);
                fclose(f);
                if (r < 0)
                        return r;
        }
        *ret = approved ? LISTED_SITE : LISTED_NO;
        return 0;
}
