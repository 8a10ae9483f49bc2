/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a log on, from a record that the caller has already: for what is
 * derived from a log and follows it. Each line has to be a record with the
 * number that is due; neither hashes nor signatures are held against anything,
 * which is what a verification is for.
 */
#include "audit-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

struct tms_audit_record {
        struct record_scan scan;
        const struct audit_reader *reader;
};

/* --- What a record says ------------------------------------------------------------ */

bool tms_audit_record_is(const struct tms_audit_record *record, const char *type)
{
        return record_string_is(record->scan.record.type, type);
}

uint64_t tms_audit_record_seq(const struct tms_audit_record *record)
{
        return (uint64_t)record->scan.record.number;
}

/* The number that the n digits at s are. */
static int digits(const char *s, size_t n)
{
        int v = 0;

        for (size_t i = 0; i < n; i++)
                v = v * 10 + (s[i] - '0');
        return v;
}

/* "2026-01-31T09:00:00.000000Z", with its quotation marks */
uint64_t tms_audit_record_utc_ns(const struct tms_audit_record *record)
{
        static const char form[] = "\"dddd-dd-ddTdd:dd:dd.ddddddZ\"";
        struct record_value v = record->scan.record.utc;
        struct tm tm = {0};
        time_t s;

        if (v.size != sizeof(form) - 1)
                return 0;
        for (size_t i = 0; i < v.size; i++)
                if (form[i] == 'd' ? v.text[i] < '0' || v.text[i] > '9' : v.text[i] != form[i])
                        return 0;
        tm.tm_year = digits(v.text + 1, 4) - 1900;
        tm.tm_mon = digits(v.text + 6, 2) - 1;
        tm.tm_mday = digits(v.text + 9, 2);
        tm.tm_hour = digits(v.text + 12, 2);
        tm.tm_min = digits(v.text + 15, 2);
        tm.tm_sec = digits(v.text + 18, 2);
        s = timegm(&tm);
        return s < 0 ? 0 : (uint64_t)s * NS_PER_S + (uint64_t)digits(v.text + 21, 6) * 1000;
}

bool tms_audit_record_text(const struct tms_audit_record *record, const char *key, char *buf, size_t size)
{
        struct record_value v = record_data(&record->scan.record, key);

        if (size == 0 || !record_is_string(v))
                return false;
        return record_string_copy(v, buf, size) < size;
}

/* A number above INT64_MAX is written as the text of its digits. */
bool tms_audit_record_number(const struct tms_audit_record *record, const char *key, uint64_t *ret)
{
        struct record_value v = record_data(&record->scan.record, key);
        uint64_t sum = 0;
        int64_t n;

        if (record_int64(v, &n)) {
                if (n < 0)
                        return false;
                *ret = (uint64_t)n;
                return true;
        }
        if (!record_is_string(v) || v.size < 3)
                return false;
        for (size_t i = 1; i < v.size - 1; i++) {
                unsigned digit = (unsigned)(unsigned char)v.text[i] - '0';

                if (digit > 9 || __builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum))
                        return false;
        }
        *ret = sum;
        return true;
}

bool tms_audit_record_true(const struct tms_audit_record *record, const char *key)
{
        bool value = false;

        return record_bool(record_data(&record->scan.record, key), &value) && value;
}

/* --- Places ------------------------------------------------------------------------ */

static int hash_line(const struct audit_reader *reader, char ret[AUDIT_HEX + 1])
{
        unsigned char digest[AUDIT_HEX / 2];

        if (EVP_Digest(reader->text, reader->size, digest, NULL, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        hex_encode(digest, sizeof(digest), ret);
        return 0;
}

int tms_audit_record_place(const struct tms_audit_record *record, struct tms_audit_place *ret)
{
        const struct audit_reader *reader = record->reader;
        struct tms_audit_place place = {
                        .segment = reader->segment, .size = reader->size + 1, .seq = tms_audit_record_seq(record)};
        int r;

        place.offset = reader->bytes - place.size;
        r = hash_line(reader, place.sha256);
        if (r < 0)
                return r;
        *ret = place;
        return 0;
}

/* --- Reading on -------------------------------------------------------------------- */

static int not_there(const struct tms_audit_place *after, struct tms_error *error)
{
        return tms_error_set(error, ESTALE, "audit", 0, 0, NULL,
                             "the log has no record %" PRIu64 " of that hash at byte %" PRIu64 " of segment %" PRIu64
                             ": it is another log, or was shortened",
                             after->seq, after->offset, after->segment);
}

int audit_reader_go_to(struct audit_reader *reader, uint64_t segment, uint64_t offset)
{
        int fd;

        if (segment > TMS_AUDIT_SEGMENTS_MAX || offset > INT64_MAX)
                return -ENOENT;
        fd = audit_segment_open(reader->dir_fd, segment);
        if (fd < 0)
                return fd;
        safe_close(reader->fd);
        reader->fd = fd;
        reader->first = reader->segment = segment;
        tms_audit_segment_name(segment, reader->file);
        if (lseek(fd, (off_t)offset, SEEK_SET) != (off_t)offset)
                return -ENOENT;
        reader->bytes = offset;
        return 0;
}

/* Goes to that record, and reads its line. */
static int go_behind(struct audit_reader *reader, const struct tms_audit_place *after, struct tms_error *error)
{
        char sha256[AUDIT_HEX + 1];
        int r;

        r = audit_reader_go_to(reader, after->segment, after->offset);
        if (r == -ENOENT)
                return not_there(after, error);
        if (r < 0)
                return tms_error_set(error, -r, "audit", 0, 0, NULL, "segment %" PRIu64 " cannot be opened: %s; %s",
                                     after->segment, strerror(-r), tms_errno_step(-r));
        r = audit_reader_next(reader, error);
        if (r < 0)
                return r;
        if (r == 0 || reader->segment != after->segment || reader->size + 1 != after->size)
                return not_there(after, error);
        r = hash_line(reader, sha256);
        if (r < 0)
                return tms_error_set(error, ENOMEM, reader->file, 0, 0, NULL, "no memory to read it; %s",
                                     tms_errno_step(ENOMEM));
        return strcmp(sha256, after->sha256) == 0 ? 0 : not_there(after, error);
}

/* Scans the current line, which has to be record *due; any: it may say which it is, as the first of a segment. */
static int take(const struct audit_reader *reader, bool any, uint64_t *due, struct record_scan *ret,
                struct tms_error *error)
{
        struct audit_why why;
        int r;

        r = audit_record_scan(reader->text, reader->size, ret, &why);
        if (r < 0)
                return tms_error_set(error, EBADMSG, reader->file, 0, 0, NULL, "record %" PRIu64 ": %s", *due,
                                     why.text);
        if (any && reader->segment > 0 && ret->record.number > 0)
                *due = (uint64_t)ret->record.number;
        if (ret->record.number < 0 || (uint64_t)ret->record.number != *due)
                return tms_error_set(error, EBADMSG, reader->file, 0, 0, NULL,
                                     "record %" PRId64 " stands where record %" PRIu64 " was due", ret->record.number,
                                     *due);
        return 0;
}

int tms_audit_read_on(int dir_fd, const struct tms_audit_place *after, uint64_t until,
                      int (*record)(const struct tms_audit_record *record, void *userdata), void *userdata,
                      struct tms_error *error)
{
        _cleanup_(audit_reader_close) struct audit_reader reader = AUDIT_READER_NONE;
        struct tms_audit_record found = {.reader = &reader};
        uint64_t due = after ? after->seq + 1 : 0;
        bool first = !after;
        int r;

        r = audit_reader_open_at(&reader, dir_fd, error);
        if (r >= 0 && after)
                r = go_behind(&reader, after, error);
        if (r < 0)
                return r;
        for (; due < until; due++) {
                r = audit_reader_next(&reader, error);
                if (r == 0)
                        return tms_error_set(error, EBADMSG, "audit", 0, 0, NULL, "the log ends before record %" PRIu64,
                                             due);
                if (r > 0)
                        r = take(&reader, first, &due, &found.scan, error);
                if (r < 0)
                        return r;
                first = false;
                r = record(&found, userdata);
                if (r != 0)
                        return r;
        }
        return 0;
}
