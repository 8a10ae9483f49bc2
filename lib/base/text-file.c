/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading what a person has written. tms_text_read() is for the files that
 * are no protocols: the daemon's configuration and a site's list of approved
 * files. It refuses the characters that protocol files may not have either, so
 * that the program reads what everybody sees.
 */
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int text_read(int fd, const char *name, char **ret, size_t *ret_size, struct tms_error *error)
{
        /* One byte more than allowed: if it is filled the file is too long, else the zero at the end goes there. */
        _cleanup_free_ char *text = malloc(TMS_PROTOCOL_SIZE_MAX + 1);
        size_t used = 0;
        ssize_t n;

        if (!text)
                return error_memory(error, name);
        while (used <= TMS_PROTOCOL_SIZE_MAX && (n = read(fd, text + used, TMS_PROTOCOL_SIZE_MAX + 1 - used)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return tms_error_set(error, errno, name, 0, 0, NULL, "cannot read the file: %s; %s",
                                             strerror(errno), tms_errno_step(errno));
                used += (size_t)n;
        }
        if (used > TMS_PROTOCOL_SIZE_MAX)
                return tms_error_set(error, EFBIG, name, 0, 0, NULL, "the file is too large; expected at most %u bytes",
                                     TMS_PROTOCOL_SIZE_MAX);
        text[used] = 0;
        *ret = TAKE_PTR(text);
        *ret_size = used;
        return 0;
}

int tms_text_read(int fd, const char *name, char **ret, size_t *ret_size, struct tms_error *error)
{
        const struct reader reader = {.file = name, .error = error};
        _cleanup_free_ char *text = NULL;
        struct source s;
        size_t size = 0;
        int r;

        r = text_read(fd, name, &text, &size, error);
        if (r >= 0)
                r = source_check(&reader, &s, text, size);
        if (r >= 0)
                r = source_check_outside(&reader, &s, SIZE_MAX);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(text);
        *ret_size = size;
        return 0;
}
