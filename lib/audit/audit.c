/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading an audit log line by line, segment by segment, one block in memory at
 * a time. A last line without a line feed is torn: nobody can say which record it was to
 * become, so it does not count as a record.
 */
#include "audit-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int fail_open(const char *dir, const char *file, int r, struct tms_error *error)
{
        if (r == -EINVAL || r == -ELOOP)
                return tms_error_set(error, EINVAL, dir, 0, 0, NULL,
                                     "its %s is not a regular file; expected the folder of an audit log", file);
        return tms_error_set(error, -r, dir, 0, 0, NULL, "its %s cannot be opened: %s; %s", file, strerror(-r),
                             tms_errno_step(-r));
}

/* Opens the first segment that is there. Returns -ENOENT if there is none. */
static int open_first(int dir_fd, uint64_t *ret_segment)
{
        struct audit_segments there;
        int fd, r;

        *ret_segment = 0;
        fd = audit_segment_open(dir_fd, 0);
        if (fd != -ENOENT)
                return fd;
        /* Its beginning may have been moved out. */
        r = audit_segments_look(dir_fd, &there);
        if (r < 0)
                return r;
        if (!there.any)
                return -ENOENT;
        *ret_segment = there.lowest;
        return audit_segment_open(dir_fd, there.lowest);
}

static int add_start(struct audit_reader *r)
{
        uint64_t *grown = reallocarray(r->starts, r->n_starts + 1, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        r->starts = grown;
        r->starts[r->n_starts++] = r->lines;
        return 0;
}

/* Closes dir_fd on failure; else the reader owns it. dir: its name in messages. */
static int open_log(struct audit_reader *r, int dir_fd, const char *dir, bool may_miss, struct tms_error *error)
{
        struct audit_reader new = AUDIT_READER_NONE;
        int fd;

        new.dir_fd = dir_fd;
        fd = open_first(dir_fd, &new.segment);
        tms_audit_segment_name(new.segment, new.file);
        if (fd < 0 && !(fd == -ENOENT && may_miss)) {
                audit_reader_close(&new);
                return fail_open(dir, new.segment ? "first segment" : "log.jsonl", fd, error);
        }
        new.fd = fd < 0 ? -1 : fd;
        new.first = new.segment;
        if (add_start(&new) < 0) {
                audit_reader_close(&new);
                return error_memory(error, dir);
        }
        *r = new;
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
        safe_close(r->next_fd);
        safe_close(r->fd);
        safe_close(r->dir_fd);
        free(r->block);
        free(r->starts);
        *r = (struct audit_reader)AUDIT_READER_NONE;
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

/* 1: there is a line. 0: there is no whole one now. *ret_rest: bytes behind the last end of line then. */
static int next_in_file(struct audit_reader *r, size_t *ret_rest, struct tms_error *error)
{
        size_t seen = 0; /* bytes without an end of line */
        char *end = NULL;

        while (!(end = r->end - r->begin > seen ? memchr(r->block + r->begin + seen, '\n', r->end - r->begin - seen)
                                                : NULL)) {
                ssize_t n;

                seen = r->end - r->begin;
                n = fill(r);
                if (n < 0)
                        return tms_error_set(error, (int)-n, r->file, (unsigned)r->line + 1, 1, NULL,
                                             "cannot be read: %s; %s", strerror((int)-n), tms_errno_step((int)-n));
                if (n == 0) {
                        *ret_rest = seen;
                        return 0;
                }
        }
        *end = 0;
        r->text = r->block + r->begin;
        r->size = (size_t)(end - r->text);
        r->begin += r->size + 1;
        r->bytes += r->size + 1;
        r->line++;
        r->lines++;
        return 1;
}

/* 1: there is a segment behind the one that is read. */
static int look_for_next(struct audit_reader *r, struct tms_error *error)
{
        char name[TMS_AUDIT_SEGMENT_NAME];
        int fd = audit_segment_open(r->dir_fd, r->segment + 1);

        if (fd == -ENOENT)
                return 0;
        if (fd < 0) {
                tms_audit_segment_name(r->segment + 1, name);
                return fail_open("audit", name, fd, error);
        }
        r->next_fd = fd;
        return 1;
}

static int go_to_next(struct audit_reader *r, size_t rest, struct tms_error *error)
{
        if (add_start(r) < 0)
                return error_memory(error, r->file);
        r->before = r->line;
        r->before_torn = rest;
        safe_close(r->fd);
        r->fd = TAKE_FD(r->next_fd);
        r->segment++;
        tms_audit_segment_name(r->segment, r->file);
        r->begin = r->end = 0;
        r->line = r->bytes = 0;
        return 0;
}

int audit_reader_next(struct audit_reader *r, struct tms_error *error)
{
        size_t rest = 0;
        int q;

        if (r->fd < 0 || r->ended)
                return 0;
        for (;;) {
                q = next_in_file(r, &rest, error);
                if (q != 0)
                        return q;
                if (r->next_fd >= 0) {
                        q = go_to_next(r, rest, error);
                } else {
                        /* If it was closed only after its last line was looked for, there may be more of it. */
                        q = look_for_next(r, error);
                        if (q == 0)
                                break;
                }
                if (q < 0)
                        break;
        }
        if (q < 0)
                return q;
        r->ended = true;
        r->torn = rest;
        r->bytes += r->torn;
        return 0;
}

void audit_reader_place(const struct audit_reader *r, uint64_t lines, uint64_t *ret_segment, uint64_t *ret_line)
{
        size_t i = r->n_starts;

        assert(lines > 0 && lines <= r->lines + 1);
        while (i > 1 && r->starts[i - 1] >= lines)
                i--;
        *ret_segment = r->first + i - 1;
        *ret_line = lines - r->starts[i - 1];
}

bool audit_has_next(const struct audit_reader *r)
{
        char name[TMS_AUDIT_SEGMENT_NAME];

        if (r->segment >= TMS_AUDIT_SEGMENTS_MAX)
                return false;
        tms_audit_segment_name(r->segment + 1, name);
        return faccessat(r->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool audit_reader_grew(const struct audit_reader *r)
{
        struct stat st;

        return r->fd >= 0 && ((fstat(r->fd, &st) >= 0 && (uint64_t)st.st_size != r->bytes) || audit_has_next(r));
}

int tms_audit_foreach(const char *dir, int (*record)(uint64_t line, const char *json, size_t size, void *userdata),
                      void *userdata, struct tms_error *error)
{
        _cleanup_(audit_reader_close) struct audit_reader reader = AUDIT_READER_NONE;
        int r;

        r = audit_reader_open(&reader, dir, error);
        if (r < 0)
                return r;
        for (;;) {
                r = audit_reader_next(&reader, error);
                if (r <= 0)
                        return r;
                r = record(reader.lines, reader.text, reader.size, userdata);
                if (r != 0)
                        return r;
        }
}
