/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading an audit log line by line, one block in memory at a time. A last
 * line without a line feed is torn: nobody can say which record it was to
 * become, so it does not count as a record.
 */
#include "audit-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int why_set(struct audit_why *why, int err, const char *format, va_list ap)
{
        vsnprintf(why->text, sizeof(why->text), format, ap);
        tms_text_line(why->text);
        return -err;
}

int audit_why(struct audit_why *why, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = why_set(why, EBADMSG, format, ap);
        va_end(ap);
        return r;
}

int audit_unknown(struct audit_why *why, int err, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = why_set(why, err, format, ap);
        va_end(ap);
        return r;
}

/* Closes dir_fd on failure; else the reader owns it. dir: its name in messages. */
static int open_log(struct audit_reader *r, int dir_fd, const char *dir, bool may_miss, struct tms_error *error)
{
        _cleanup_close_ int own = dir_fd, fd = -1;
        struct stat st;

        /* O_NONBLOCK: without it, opening a FIFO of that name would wait for a writer. */
        fd = openat(own, "log.jsonl", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 && !(errno == ENOENT && may_miss)) {
                int err = errno;

                return tms_error_set(error, err, dir, 0, 0, NULL, "its log.jsonl cannot be opened: %s; %s",
                                     strerror(err), tms_errno_step(err));
        }
        if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
                return tms_error_set(error, EINVAL, dir, 0, 0, NULL,
                                     "its log.jsonl is not a regular file; expected the folder of an audit log");
        *r = (struct audit_reader){.dir_fd = TAKE_FD(own), .fd = TAKE_FD(fd)};
        return 0;
}

int audit_reader_open(struct audit_reader *r, const char *dir, struct tms_error *error)
{
        int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (dir_fd < 0) {
                int err = errno;

                return tms_error_set(error, err, dir, 0, 0, NULL, "the audit directory cannot be opened: %s; %s",
                                     strerror(err), tms_errno_step(err));
        }
        return open_log(r, dir_fd, dir, false, error);
}

int audit_reader_open_at(struct audit_reader *r, int dir_fd, struct tms_error *error)
{
        int own = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);

        if (own < 0) {
                int err = errno;

                return tms_error_set(error, err, "audit", 0, 0, NULL, "the directory cannot be opened: %s; %s",
                                     strerror(err), tms_errno_step(err));
        }
        return open_log(r, own, "audit", true, error);
}

void audit_reader_close(struct audit_reader *r)
{
        safe_close(r->fd);
        safe_close(r->dir_fd);
        free(r->block);
        *r = (struct audit_reader){.dir_fd = -1, .fd = -1};
}

/* Makes room behind what was not given out yet: it moves to the front, or the block grows. */
static int make_room(struct audit_reader *r)
{
        size_t wanted = r->allocated ? r->allocated * 2 : AUDIT_BLOCK;
        char *grown;

        if (r->begin > 0) {
                memmove(r->block, r->block + r->begin, r->end - r->begin);
                r->end -= r->begin;
                r->begin = 0;
        }
        if (r->end < r->allocated)
                return 0;
        grown = realloc(r->block, wanted);
        if (!grown)
                return -ENOMEM;
        r->block = grown;
        r->allocated = wanted;
        return 0;
}

/* Reads on. Returns the number of bytes, 0 at the end, or a negative errno. */
static ssize_t fill(struct audit_reader *r)
{
        ssize_t n;
        int error;

        error = make_room(r);
        if (error < 0)
                return error;
        do
                n = read(r->fd, r->block + r->end, r->allocated - r->end);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        r->end += (size_t)n;
        return n;
}

int audit_reader_next(struct audit_reader *r, struct tms_error *error)
{
        size_t seen = 0; /* bytes without an end of line */
        char *end = NULL;

        if (r->fd < 0 || r->torn)
                return 0;
        while (!(end = r->end - r->begin > seen ? memchr(r->block + r->begin + seen, '\n', r->end - r->begin - seen)
                                                : NULL)) {
                ssize_t n;

                seen = r->end - r->begin;
                n = fill(r);
                if (n < 0)
                        return tms_error_set(error, (int)-n, "log.jsonl", (unsigned)r->line + 1, 1, NULL,
                                             "cannot be read: %s; %s", strerror((int)-n), tms_errno_step((int)-n));
                if (n == 0) {
                        r->torn = seen;
                        r->bytes += seen;
                        return 0;
                }
        }
        *end = 0;
        r->text = r->block + r->begin;
        r->size = (size_t)(end - r->text);
        r->begin += r->size + 1;
        r->bytes += r->size + 1;
        r->line++;
        return 1;
}

int tms_audit_foreach(const char *dir, int (*record)(uint64_t line, const char *json, size_t size, void *userdata),
                      void *userdata, struct tms_error *error)
{
        _cleanup_(audit_reader_close) struct audit_reader reader = {.dir_fd = -1, .fd = -1};
        int r;

        r = audit_reader_open(&reader, dir, error);
        if (r < 0)
                return r;
        for (;;) {
                r = audit_reader_next(&reader, error);
                if (r <= 0)
                        return r;
                r = record(reader.line, reader.text, reader.size, userdata);
                if (r != 0)
                        return r;
        }
}
