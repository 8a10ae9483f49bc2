/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A text that a person has written and that is no protocol: the daemon's
 * configuration, a site's list of approved files. What is read is what
 * everybody sees, or it is refused, by the rules for protocol files.
 */
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int tms_text_read(int fd, const char *name, char **ret, size_t *ret_size, struct tms_error *error)
{
        const struct reader reader = {.file = name, .error = error};
        /* One byte more than allowed, so that too long a file is seen as such. */
        _cleanup_free_ char *text = malloc(TMS_PROTOCOL_SIZE_MAX + 1);
        struct source s;
        size_t used = 0;
        ssize_t n;
        int r;

        if (!text)
                return tms_error_set(error, ENOMEM, name, 0, 0, NULL, "out of memory");
        while (used <= TMS_PROTOCOL_SIZE_MAX && (n = read(fd, text + used, TMS_PROTOCOL_SIZE_MAX + 1 - used)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return tms_error_set(error, errno, name, 0, 0, NULL, "cannot read the file: %s",
                                             strerror(errno));
                used += (size_t)n;
        }
        r = source_check(&reader, &s, text, used);
        if (r >= 0)
                r = source_check_outside(&reader, &s, SIZE_MAX);
        if (r < 0)
                return r;
        text[used] = 0;
        *ret = TAKE_PTR(text);
        *ret_size = used;
        return 0;
}
