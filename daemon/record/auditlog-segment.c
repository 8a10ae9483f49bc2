/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments of the audit log: closing one and beginning the next; see auditlog.h.
 *
 * A segment's file has its name only when its first record is on disk. So there is no crash that leaves a segment without
 * it. A crash before that leaves a log that ends with a log.close, or with the seal behind it; both are logs as any other.
 */
#include <sys/stat.h>

#include "auditlog-internal.h"
#include "file.h"

#define SEGMENT_MAX_BYTES (64 * 1024 * 1024)

/* Where the new segment begins, from where the old one ends. */
static void begin_at(struct tms_audit_position *at, const char *utc)
{
        at->segment++;
        at->offset = 0;
        at->format = 2;
        at->sealed = at->closed = false;
        (void)snprintf(at->month, sizeof(at->month), "%.7s", utc);
        /* In format 2 a record's prev is the leaf hash of the record before, of whatever format that is. */
        hex_encode(at->leaf, sizeof(at->leaf), at->head);
}

static json_t *describe(const struct tms_audit_position *at)
{
        char text[TMS_MERKLE_TEXT];
        json_t *data = json_object();

        (void)tms_merkle_text(&at->tree, text, sizeof(text));
        if (!data || json_object_set_new(data, "format", json_integer(at->format)) < 0 ||
            json_object_set_new(data, "segment", json_u64(at->segment)) < 0 ||
            json_object_set_new(data, "key0", json_string(at->key0)) < 0 ||
            json_object_set_new(data, "origin", json_string(at->origin)) < 0 ||
            json_object_set_new(data, "seals", json_u64(at->seals)) < 0 ||
            json_object_set_new(data, "public", json_string(at->next_public)) < 0 ||
            json_object_set_new(data, "tree", json_loads(text, 0, NULL)) < 0) {
                json_decref(data);
                return NULL;
        }
        return data;
}

/* Makes the file with that line, and gives it its name. *ret: the file, open as the log is. */
static int make_file(struct auditlog *l, const char *name, char *line, int *ret)
{
        static const char temp[] = ".log.new";
        _cleanup_(closep) int fd = -1;
        const size_t size = strlen(line);
        struct stat st;
        int r;

        fd = openat(l->dir_fd, temp, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        line[size] = '\n';
        r = name_file_synced(write_all(fd, line, size + 1), fd, l->dir_fd, temp, name);
        line[size] = '\0';
        /* If the file has its name, but nobody knows whether it will have it after a power cut, nothing may follow. */
        if (r < 0 && (fstatat(l->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 || errno != ENOENT))
                l->unsound = true;
        if (r >= 0)
                *ret = TAKE_FD(fd);
        return r;
}

int auditlog_begin_segment(struct auditlog *l, uint64_t utc_ns, uint64_t mono_ns)
{
        struct tms_audit_position at = l->at;
        _cleanup_(json_decrefp) json_t *data = NULL, *record = NULL;
        _cleanup_(freep) char *line = NULL;
        char name[TMS_AUDIT_SEGMENT_NAME], utc[32];
        int fd = -1, r;

        if (at.segment == TMS_AUDIT_SEGMENTS_MAX)
                return -ERANGE;
        auditlog_utc_text(utc_ns, utc);
        begin_at(&at, utc);
        data = describe(&at);
        if (!data)
                return -ENOMEM;
        r = auditlog_compose(l, &at, "log.segment", NULL, "", data, utc, mono_ns, &line, &record);
        if (r >= 0)
                r = auditlog_advance(l, &at, line, strlen(line));
        if (r < 0)
                return r;
        tms_audit_segment_name(at.segment, name);
        r = make_file(l, name, line, &fd);
        if (r < 0)
                return r;
        safe_close(l->log_fd);
        l->log_fd = fd;
        l->at = at;
        history_see(record, l->history);
        strcpy(l->file, name);
        l->dirty = false;
        l->synced = at.offset;
        l->room = 0;
        return 0;
}

/* A month that is earlier than the segment's beginning is one of a clock that was set back. */
const char *auditlog_should_close(const struct auditlog *l, uint64_t utc_ns)
{
        char utc[32];

        if (l->at.format < 2 || l->at.segment == TMS_AUDIT_SEGMENTS_MAX)
                return NULL;
        auditlog_utc_text(utc_ns, utc);
        if (strncmp(utc, l->at.month, strlen("2026-01")) > 0)
                return "month";
        return l->at.offset > SEGMENT_MAX_BYTES ? "size" : NULL;
}

int auditlog_close_segment(struct auditlog *l, json_t *who, const char *reason, uint64_t utc_ns, uint64_t mono_ns,
                           struct audit_seal *ret, char **ret_line)
{
        _cleanup_(json_decrefp) json_t *data = json_object();
        _cleanup_(freep) char *line = NULL;
        struct audit_seal seal;
        int r;

        if (!data || json_object_set_new(data, "segment", json_u64(l->at.segment)) < 0 ||
            json_object_set_new(data, "reason", json_string(reason)) < 0)
                return -ENOMEM;
        r = auditlog_append(l, "log.close", who, "", data, utc_ns, mono_ns);
        if (r >= 0)
                r = auditlog_seal_closing(l, who, utc_ns, mono_ns, &line);
        if (r < 0)
                return r;
        l->at.closed = true;
        seal.seq = l->at.records - 1;
        strcpy(seal.hash, l->at.head);
        r = auditlog_begin_segment(l, utc_ns, mono_ns);
        if (r < 0)
                return r;
        if (ret)
                *ret = seal;
        if (ret_line)
                *ret_line = TAKE_PTR(line);
        return 0;
}
