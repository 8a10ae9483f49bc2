/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is this audit log what was written? One pass over the lines: each follows
 * from the one before, each seal from the key announced before it, each file
 * beside the log from its record. The first thing that does not hold ends it.
 *
 * Then the anchors: what the caller holds that whoever had the machine could
 * not change. Without one the best result is a prefix.
 */
#include "audit-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#define FORMAT 1
#define ATTEMPTS 20 /* on a log that grows while it is read */

/* The seal that the caller holds. */
struct held_seal {
        const char *text;
        size_t size;
        uint64_t seq;
        bool found;
};

struct verify {
        const struct tms_audit_anchor *anchor;
        struct audit_reader reader;
        struct audit_files *files;
        struct tms_audit_report report;
        char prev[AUDIT_HEX + 1];
        char key[AUDIT_HEX + 1]; /* that the next seal must be by */
        char key0[AUDIT_HEX + 1];
        uint64_t last_seal; /* line, 0 none */
        struct held_seal held;
        bool nonce_found;
};

static void verify_clear(struct verify *v)
{
        audit_reader_close(&v->reader);
        v->files = audit_files_free(v->files);
}

static void conclude(struct verify *v, enum tms_audit_result result, uint64_t line, const char *format, ...)
                _printf_(4, 5);

static void conclude(struct verify *v, enum tms_audit_result result, uint64_t line, const char *format, ...)
{
        size_t n = 0;
        va_list ap;

        v->report.result = result;
        v->report.bad_line = line;
        if (line)
                n = (size_t)snprintf(v->report.sentence, sizeof(v->report.sentence), "log.jsonl:%" PRIu64 ": ", line);
        va_start(ap, format);
        vsnprintf(v->report.sentence + n, sizeof(v->report.sentence) - n, format, ap);
        va_end(ap);
        tms_text_repair(v->report.sentence);
}

/* --- One record ------------------------------------------------------------------- */

static bool is_time(const json_t *v)
{
        const char *s = json_string_value(v);

        /* A number beyond JSON's signed integers is written as text. */
        return (json_is_integer(v) && json_integer_value(v) >= 0) || (s && *s && s[strspn(s, "0123456789")] == 0);
}

static int check_shape(const json_t *record, struct audit_why *why)
{
        static const char *const strings[] = {"utc", "boot", "type", "on", "prev"};

        if (!json_is_object(record))
                return audit_why(why, "not a JSON object");
        for (size_t i = 0; i < ELEMENTSOF(strings); i++)
                if (!json_is_string(json_object_get(record, strings[i])))
                        return audit_why(why, "not a record: its '%s' is missing or no text", strings[i]);
        if (!json_is_integer(json_object_get(record, "seq")) || !is_time(json_object_get(record, "mono_ns")) ||
            !json_is_object(json_object_get(record, "who")) || !json_is_object(json_object_get(record, "data")))
                return audit_why(why, "not a record: seq, mono_ns, who or data is missing or not what it should be");
        if (json_object_size(record) != 9)
                return audit_why(why, "not a record: it has %zu keys where 9 are due", json_object_size(record));
        return 0;
}

static int check_chain(struct verify *v, const json_t *record, struct audit_why *why)
{
        json_int_t seq = json_integer_value(json_object_get(record, "seq"));

        if (seq < 0 || (uint64_t)seq != v->report.records)
                return audit_why(why, "record %" JSON_INTEGER_FORMAT " stands where record %" PRIu64 " was due", seq,
                                 v->report.records);
        if (strcmp(json_string_value(json_object_get(record, "prev")), v->prev) != 0)
                return audit_why(why, "does not follow from the record before it, or that one was changed");
        return 0;
}

static int check_open(struct verify *v, const json_t *record, struct audit_why *why)
{
        const json_t *data = json_object_get(record, "data");
        const char *key0 = json_string_value(json_object_get(data, "key0"));
        unsigned char raw[AUDIT_HEX / 2];

        if (strcmp(json_string_value(json_object_get(record, "type")), "log.open") != 0 ||
            !audit_is_hex(key0, AUDIT_HEX))
                return audit_why(why, "the first record is not log.open with key 0");
        if (json_integer_value(json_object_get(data, "format")) != FORMAT)
                return audit_why(why, "the log's format is not %d, the only one known", FORMAT);
        for (size_t i = 0; i < sizeof(raw); i++) {
                unsigned byte = 0;

                (void)sscanf(key0 + 2 * i, "%2x", &byte);
                raw[i] = (unsigned char)byte;
        }
        strcpy(v->key0, key0);
        strcpy(v->key, key0);
        return tms_sha256_hex(raw, sizeof(raw), v->report.key0_fingerprint);
}

static int check_seal(struct verify *v, const json_t *record, struct audit_why *why)
{
        const json_t *data = json_object_get(record, "data");
        int r;

        r = audit_seal_check(record, v->report.seals, v->key, why);
        if (r < 0)
                return r;
        strcpy(v->key, json_string_value(json_object_get(data, "next")));
        v->report.seals++;
        v->last_seal = v->reader.line;
        if (v->anchor->nonce && strcmp(json_string_value(json_object_get(data, "nonce")), v->anchor->nonce) == 0)
                v->nonce_found = true;
        return 0;
}

static int check_type(struct verify *v, const json_t *record, struct audit_why *why)
{
        const char *type = json_string_value(json_object_get(record, "type"));
        const json_t *data = json_object_get(record, "data");
        struct audit_why part;
        bool end;
        int r = 0;

        if (v->report.records == 0)
                return check_open(v, record, why);
        if (strcmp(type, "log.open") == 0)
                return audit_why(why, "a second log.open");
        if (strcmp(type, "seal") == 0)
                return check_seal(v, record, why);
        if (strcmp(type, "session.create") == 0)
                v->report.sessions++;
        /* What a restart fetched from the kernel is all that there is, as at a session's end. */
        end = strcmp(type, "session.end") == 0 || strcmp(type, "recovery.pulses") == 0;
        if (end || strcmp(type, "session.pulses") == 0)
                r = audit_files_pulses(v->files, data, end, v->reader.line, &part);
        else if (strcmp(type, "session.prepare") == 0)
                r = audit_files_protocol(v->files, data, &part);
        return r == -EBADMSG ? audit_why(why, "%s: %s", type, part.text) : r;
}

static int check_held(struct verify *v, struct audit_why *why)
{
        if (!v->held.text || v->report.records != v->held.seq)
                return 0;
        if (v->reader.size != v->held.size || memcmp(v->reader.text, v->held.text, v->held.size) != 0)
                return audit_why(why, "another record stands where the held seal was");
        v->held.found = true;
        return 0;
}

/* 0, -EBADMSG with the verdict in the report, or an error that has nothing to do with the log. */
static int check_line(struct verify *v)
{
        _cleanup_(json_decrefp) json_t *record = NULL;
        struct audit_why why;
        int r;

        record = json_loadb(v->reader.text, v->reader.size, JSON_REJECT_DUPLICATES, NULL);
        r = check_shape(record, &why);
        if (r >= 0)
                r = check_chain(v, record, &why);
        if (r >= 0)
                r = check_type(v, record, &why);
        if (r >= 0)
                r = check_held(v, &why);
        if (r < 0) {
                if (r == -EBADMSG)
                        conclude(v, TMS_AUDIT_TAMPERED, v->reader.line, "%s", why.text);
                return r;
        }
        r = tms_sha256_hex(v->reader.text, v->reader.size, v->prev);
        if (r < 0)
                return r;
        v->report.records++;
        return 0;
}

/* --- What is left when all lines hold ------------------------------------------------ */

static int check_end(struct verify *v)
{
        struct audit_why why;
        uint64_t line;
        int r;

        r = audit_files_finish(v->files, &line, &why);
        if (r == -EBADMSG)
                conclude(v, TMS_AUDIT_TAMPERED, line, "%s", why.text);
        if (r < 0)
                return r;
        if (v->report.records == 0) {
                conclude(v, TMS_AUDIT_LOST, 0, "log.jsonl has no whole record");
                return -EBADMSG;
        }
        r = audit_key0_check(v->reader.dir_fd, v->key0, &why);
        if (r < 0) {
                conclude(v, TMS_AUDIT_TAMPERED, 0, "%s", why.text);
                return r;
        }
        if (!audit_keys_hold(v->reader.dir_fd, v->key)) {
                conclude(v, TMS_AUDIT_LOST, 0,
                         "the log ends after %" PRIu64
                         " seals, but its signing key has moved on: records were lost or taken away",
                         v->report.seals);
                return -EBADMSG;
        }
        return 0;
}

static int check_anchors(struct verify *v)
{
        const struct tms_audit_anchor *a = v->anchor;

        if (a->key0_fingerprint && strcasecmp(a->key0_fingerprint, v->report.key0_fingerprint) != 0) {
                conclude(v, TMS_AUDIT_TAMPERED, 1, "key 0 has another fingerprint (%.16s…) than the one held (%.16s…)",
                         v->report.key0_fingerprint, a->key0_fingerprint);
                return -EBADMSG;
        }
        if (v->held.text && !v->held.found) {
                conclude(v, TMS_AUDIT_LOST, 0,
                         "the log ends with record %" PRIu64 ", before the held seal (record %" PRIu64
                         "): records were lost or taken away",
                         v->report.records - 1, v->held.seq);
                return -EBADMSG;
        }
        if (a->nonce && !v->nonce_found) {
                conclude(v, TMS_AUDIT_LOST, 0,
                         "no seal over the given nonce is in the log: this is not the log that is being written");
                return -EBADMSG;
        }
        return 0;
}

static void conclude_good(struct verify *v)
{
        const struct tms_audit_report *t = &v->report;
        const struct tms_audit_anchor *a = v->anchor;
        char counts[160], anchors[160];

        snprintf(counts, sizeof(counts),
                 "%" PRIu64 " records, %" PRIu64 " seals, %" PRIu64 " sessions, %" PRIu64 " pulses delivered",
                 t->records, t->seals, t->sessions, t->pulses_delivered);
        snprintf(anchors, sizeof(anchors), "%s%s%s%s%s", a->key0_fingerprint ? "key 0's fingerprint" : "",
                 a->key0_fingerprint && (a->seal || a->nonce) ? ", " : "", a->seal ? "the held seal" : "",
                 a->seal && a->nonce ? ", " : "", a->nonce ? "a fresh seal" : "");
        if (v->reader.torn)
                conclude(v, TMS_AUDIT_TORN, 0, "consistent up to a torn last line, as a crash leaves it: %s", counts);
        else if (a->nonce)
                conclude(v, TMS_AUDIT_VERIFIED, 0, "whole up to now: %s; held against %s", counts, anchors);
        else if (a->seal)
                conclude(v, TMS_AUDIT_VERIFIED, 0,
                         "whole up to the held seal, and %" PRIu64 " records after it: %s; held against %s",
                         t->records - 1 - v->held.seq, counts, anchors);
        else if (a->key0_fingerprint)
                conclude(v, TMS_AUDIT_PREFIX, 0,
                         "genuine from its first record, but no held or fresh seal shows that its end is there: %s",
                         counts);
        else
                conclude(v, TMS_AUDIT_PREFIX, 0,
                         "consistent in itself, but held against no anchor it may have lost its end: %s", counts);
}

static int read_all(struct verify *v, struct tms_error *error)
{
        int r;

        while ((r = audit_reader_next(&v->reader, error)) > 0) {
                r = check_line(v);
                if (r == -ENOMEM)
                        return tms_error_set(error, ENOMEM, NULL, 0, 0, NULL, "no memory to verify the log");
                if (r < 0)
                        return r;
        }
        return r;
}

/*
 * A log that grows while it is read may be seen in the middle of a line, or of a
 * seal and its keys. Asked last: all that was looked at came before.
 */
static bool grew(const struct verify *v)
{
        struct stat st;

        /* A writer that was seen in the middle of a line is done with it by then. */
        if (v->reader.torn)
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        return fstat(fileno(v->reader.log), &st) >= 0 && (uint64_t)st.st_size != v->reader.bytes;
}

static int attempt(struct verify *v, const char *dir, struct tms_error *error)
{
        int r;

        memset(v->prev, '0', AUDIT_HEX);
        r = audit_reader_open(&v->reader, dir, error);
        if (r < 0)
                return r;
        r = audit_files_new(v->reader.dir_fd, &v->files);
        if (r < 0)
                return tms_error_set(error, ENOMEM, NULL, 0, 0, NULL, "no memory to verify the log");
        r = read_all(v, error);
        strcpy(v->report.head, v->prev);
        v->report.pulses_delivered = audit_files_delivered(v->files);
        if (r >= 0)
                r = check_end(v);
        if (r >= 0)
                r = check_anchors(v);
        if (r >= 0)
                conclude_good(v);
        return r;
}

/* --- The caller's anchors -------------------------------------------------------------- */

static int parse_held(const char *text, struct held_seal *ret, struct tms_error *error)
{
        _cleanup_(json_decrefp) json_t *record = NULL;
        size_t size = strlen(text);
        const char *type;

        while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
                size--;
        record = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
        type = json_string_value(json_object_get(record, "type"));
        if (!type || strcmp(type, "seal") != 0 || !json_is_integer(json_object_get(record, "seq")) ||
            json_integer_value(json_object_get(record, "seq")) < 0)
                return tms_error_set(error, EINVAL, NULL, 0, 0, "seal",
                                     "not a seal: expected the line of a record of type seal");
        *ret = (struct held_seal){
                        .text = text,
                        .size = size,
                        .seq = (uint64_t)json_integer_value(json_object_get(record, "seq")),
        };
        return 0;
}

int tms_audit_verify(const char *dir, const struct tms_audit_anchor *anchor, struct tms_audit_report *ret,
                     struct tms_error *error)
{
        static const struct tms_audit_anchor none;
        struct held_seal held = {0};
        int r;

        if (!anchor)
                anchor = &none;
        if (anchor->key0_fingerprint && (strlen(anchor->key0_fingerprint) != AUDIT_HEX ||
                                         strspn(anchor->key0_fingerprint, "0123456789abcdefABCDEF") != AUDIT_HEX))
                return tms_error_set(error, EINVAL, NULL, 0, 0, "key0",
                                     "not a fingerprint: expected 64 hexadecimal digits");
        if (anchor->seal) {
                r = parse_held(anchor->seal, &held, error);
                if (r < 0)
                        return r;
        }
        for (int i = 1;; i++) {
                _cleanup_(verify_clear) struct verify v = {.anchor = anchor, .held = held, .reader.dir_fd = -1};

                r = attempt(&v, dir, error);
                if (r < 0 && r != -EBADMSG)
                        return r;
                if (i < ATTEMPTS && v.report.result != TMS_AUDIT_VERIFIED && v.report.result != TMS_AUDIT_PREFIX &&
                    grew(&v))
                        continue;
                *ret = v.report;
                return 0;
        }
}
