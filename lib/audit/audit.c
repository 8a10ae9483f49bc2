/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading an audit log line by line, one line in memory at a time. A last
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
        FILE *f = NULL;

        /* O_NONBLOCK: without it, opening a FIFO of that name would wait for a writer. */
        fd = openat(own, "log.jsonl", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 && !(errno == ENOENT && may_miss)) {
                int err = errno;

                return tms_error_set(error, err, dir, 0, 0, NULL, "its log.jsonl cannot be opened: %s; %s",
                                     strerror(err), tms_errno_step(err));
        }
        if (fd >= 0) {
                if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                        return tms_error_set(
                                        error, EINVAL, dir, 0, 0, NULL,
                                        "its log.jsonl is not a regular file; expected the folder of an audit log");
                f = fdopen(fd, "re");
                if (!f)
                        return tms_error_set(error, ENOMEM, dir, 0, 0, NULL, "no memory to read it; %s",
                                             tms_errno_step(ENOMEM));
                fd = -1;
        }
        *r = (struct audit_reader){.dir_fd = own, .log = f};
        own = -1;
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
        if (r->log)
                fclose(r->log);
        if (r->dir_fd >= 0)
                close(r->dir_fd);
        free(r->text);
        *r = (struct audit_reader){.dir_fd = -1};
}

int audit_reader_next(struct audit_reader *r, struct tms_error *error)
{
        ssize_t n;

        if (!r->log)
                return 0;
        errno = 0;
        n = getline(&r->text, &r->allocated, r->log);
        if (n < 0) {
                int err = errno ? errno : EIO;

                if (feof(r->log))
                        return 0;
                return tms_error_set(error, err, "log.jsonl", (unsigned)r->line + 1, 1, NULL, "cannot be read: %s; %s",
                                     strerror(err), tms_errno_step(err));
        }
        r->bytes += (uint64_t)n;
        if (r->text[n - 1] != '\n') {
                /* After the first bytes of a line, getline() does not tell a read error from the end of the file. */
                if (ferror(r->log))
                        return tms_error_set(error, EIO, "log.jsonl", (unsigned)r->line + 1, 1, NULL,
                                             "cannot be read: %s; %s", strerror(errno ? errno : EIO),
                                             tms_errno_step(errno ? errno : EIO));
                r->torn = (uint64_t)n;
                return 0;
        }
        r->text[n - 1] = 0;
        r->size = (size_t)n - 1;
        r->line++;
        return 1;
}

int tms_audit_foreach(const char *dir, int (*record)(uint64_t line, const char *json, size_t size, void *userdata),
                      void *userdata, struct tms_error *error)
{
        _cleanup_(audit_reader_close) struct audit_reader reader = {.dir_fd = -1};
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
