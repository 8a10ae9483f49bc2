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
#define ATTEMPTS 20 /* on a log that grows while it is read; more than two */

struct verify {
        const struct tms_audit_anchor *anchor;
        int (*record)(const struct json_t *record, void *userdata); /* may be NULL */
        void *userdata;
        struct audit_reader reader;
        struct audit_files *files;
        struct audit_pulses *pulses;
        struct tms_audit_report report;
        char prev[AUDIT_HEX + 1];
        struct audit_held held;
        bool nonce_found, keys_hidden;
};

static void verify_clear(struct verify *v)
{
        audit_reader_close(&v->reader);
        v->files = audit_files_free(v->files);
        v->pulses = audit_pulses_free(v->pulses);
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
        /* What it quotes of a log may have been put there to steer the terminal on which the sentence is read. */
        tms_text_line(v->report.sentence);
}

/* --- One record ------------------------------------------------------------------- */

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
        audit_unhex(key0, sizeof(raw), raw);
        strcpy(v->report.key0, key0);
        strcpy(v->report.next_public, key0);
        return tms_sha256_hex(raw, sizeof(raw), v->report.key0_fingerprint);
}

static int check_seal(struct verify *v, const json_t *record, struct audit_why *why)
{
        const json_t *data = json_object_get(record, "data");
        int r;

        r = audit_seal_check(record, v->report.seals, v->report.next_public, why);
        if (r < 0)
                return r;
        strcpy(v->report.next_public, json_string_value(json_object_get(data, "next")));
        v->report.seals++;
        if (v->anchor->nonce && strcmp(json_string_value(json_object_get(data, "nonce")), v->anchor->nonce) == 0)
                v->nonce_found = true;
        return 0;
}

/* A record about files beside the log. */
static int check_files(struct verify *v, const char *type, const json_t *data, struct audit_why *why)
{
        bool end = strcmp(type, "session.end") == 0 || strcmp(type, "recovery.pulses") == 0;
        int r = 0;

        if (strcmp(type, "session.create") == 0) {
                v->report.sessions++;
                return audit_pulses_begin(v->pulses, data, v->reader.line);
        }
        if (strcmp(type, "session.prepare") == 0)
                return audit_files_protocol(v->files, data, why);
        if (strcmp(type, "recovery.pulses.intent") == 0)
                return audit_pulses_reopen(v->pulses, data, v->reader.line, why);
        if (strcmp(type, "recovery.log") == 0)
                return audit_files_cut(v->files, data, why);
        /* What a restart fetched from the kernel is all that there is, as at a session's end. */
        if (end || strcmp(type, "session.pulses") == 0)
                r = audit_pulses_claim(v->pulses, data, end, v->reader.line, why);
        return r < 0 ? r : audit_files_cut(v->files, data, why);
}

static int check_type(struct verify *v, const json_t *record, struct audit_why *why)
{
        const char *type = json_string_value(json_object_get(record, "type"));
        const json_t *data = json_object_get(record, "data");
        const char *session = json_string_value(json_object_get(data, "session"));
        struct audit_why part = {0};
        int r;

        if (v->report.records == 0)
                return check_open(v, record, why);
        if (strcmp(type, "log.open") == 0)
                return audit_why(why, "a second log.open");
        if (strcmp(type, "seal") == 0)
                return check_seal(v, record, why);
        r = check_files(v, type, data, &part);
        if (r < 0 && part.text[0])
                return audit_unknown(why, -r, "%s%s%.60s: %s", type, session ? " of session " : "",
                                     session ? session : "", part.text);
        return r;
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

/* Any failure but -EBADMSG has nothing to do with the log; why is filled, unless it is memory. */
static int fail_read(const struct audit_why *why, int r, uint64_t line, struct tms_error *error)
{
        const char *file = line ? "log.jsonl" : NULL;

        return tms_error_set(error, -r, file, (unsigned)line, line ? 1 : 0, NULL, "%s; %s",
                             why->text[0] ? why->text : "no memory to verify the log", tms_errno_step(-r));
}

/* 0, -EBADMSG with the verdict in the report, or another error with error filled. */
static int check_line(struct verify *v, struct tms_error *error)
{
        _cleanup_(json_decrefp) json_t *record = NULL;
        struct audit_why why = {0};
        int r;

        r = audit_record_parse(v->reader.text, v->reader.size, &record, &why);
        if (r >= 0)
                r = check_chain(v, record, &why);
        if (r >= 0)
                r = check_type(v, record, &why);
        if (r >= 0)
                r = check_held(v, &why);
        if (r == -EBADMSG)
                conclude(v, TMS_AUDIT_TAMPERED, v->reader.line, "%s", why.text);
        else if (r >= 0)
                r = tms_sha256_hex(v->reader.text, v->reader.size, v->prev);
        if (r < 0)
                return r == -EBADMSG ? r : fail_read(&why, r, v->reader.line, error);
        v->report.records++;
        v->report.good_bytes = v->reader.bytes;
        r = v->record ? v->record(record, v->userdata) : 0;
        return r < 0 ? tms_error_set(error, -r, "log.jsonl", (unsigned)v->reader.line, 1, NULL, "%s; %s",
                                     r == -ENOMEM ? "no memory to remember its records" : strerror(-r),
                                     tms_errno_step(-r))
                     : 0;
}

/* --- What is left when all lines hold ------------------------------------------------ */

/* No record yet: so it is when the very first start is cut off, and then nothing else is there either. */
static int check_unused(struct verify *v, struct audit_why *why)
{
        char name[300];
        int r;

        r = audit_keys_unused(v->reader.dir_fd, why);
        if (r >= 0)
                r = audit_dir_has_names(v->reader.dir_fd, "pulses", name, sizeof(name), why);
        if (r == 0)
                r = audit_dir_has_names(v->reader.dir_fd, "protocols", name, sizeof(name), why);
        if (r > 0)
                r = audit_why(why, "%s is there", name);
        if (r == -EBADMSG)
                conclude(v, TMS_AUDIT_LOST, 0, "log.jsonl has no whole record, but %s: records were lost or taken away",
                         why->text);
        return r;
}

static int check_keys(struct verify *v, struct audit_why *why)
{
        enum audit_keys keys;
        int r;

        r = audit_key0_check(v->reader.dir_fd, v->report.key0, why);
        if (r == -EBADMSG)
                conclude(v, TMS_AUDIT_TAMPERED, 0, "%s", why->text);
        if (r < 0)
                return r;
        r = audit_keys_check(v->reader.dir_fd, v->report.seals, v->report.next_public, &keys, why);
        if (r == -EBADMSG)
                conclude(v, keys == AUDIT_KEYS_LOST ? TMS_AUDIT_LOST : TMS_AUDIT_TAMPERED, 0, "%s", why->text);
        v->keys_hidden = keys == AUDIT_KEYS_HIDDEN;
        return r;
}

static int check_anchors(struct verify *v)
{
        const struct tms_audit_anchor *a = v->anchor;

        if (v->report.records == 0 && (a->key0_fingerprint || a->seal || a->nonce)) {
                conclude(v, TMS_AUDIT_LOST, 0, "log.jsonl has no whole record: records were lost or taken away");
                return -EBADMSG;
        }
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
                         "no seal over the given nonce is in the log: this is not the log that is being written; "
                         "expected the "
                         "daemon's own, /var/lib/tmsd/audit");
                return -EBADMSG;
        }
        return 0;
}

static int check_files_at_end(struct verify *v, struct audit_why *why)
{
        bool unnamed;
        uint64_t line;
        int r;

        r = audit_pulses_finish(v->pulses, &line, &unnamed, why);
        if (r == -EBADMSG && unnamed)
                conclude(v, TMS_AUDIT_LOST, 0, "%s: records were lost or taken away, or the file was put there",
                         why->text);
        else if (r == -EBADMSG)
                conclude(v, TMS_AUDIT_TAMPERED, line, "%s", why->text);
        return r;
}

/* What is known of the log's end, the surest first. */
static int check_end(struct verify *v, struct tms_error *error)
{
        struct audit_why why = {0};
        int r;

        r = check_anchors(v);
        if (r >= 0 && v->report.records == 0) {
                r = check_unused(v, &why);
        } else if (r >= 0) {
                r = check_keys(v, &why);
                if (r >= 0)
                        r = check_files_at_end(v, &why);
        }
        return r < 0 && r != -EBADMSG ? fail_read(&why, r, 0, error) : r;
}

static void conclude_good(struct verify *v)
{
        const struct tms_audit_report *t = &v->report;
        const struct tms_audit_anchor *a = v->anchor;
        char counts[240], anchors[160];

        snprintf(counts, sizeof(counts),
                 "%" PRIu64 " records, %" PRIu64 " seals, %" PRIu64 " sessions, %" PRIu64 " pulses delivered%s",
                 t->records, t->seals, t->sessions, t->pulses_delivered,
                 v->keys_hidden ? "; the signing keys were not seen" : "");
        snprintf(anchors, sizeof(anchors), "%s%s%s%s%s", a->key0_fingerprint ? "key 0's fingerprint" : "",
                 a->key0_fingerprint && (a->seal || a->nonce) ? ", " : "", a->seal ? "the held seal" : "",
                 a->seal && a->nonce ? ", " : "", a->nonce ? "a fresh seal" : "");
        if (t->records == 0)
                conclude(v, TMS_AUDIT_TORN, 0, "no record yet, as a first start that was cut off leaves it");
        else if (v->reader.torn)
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
                r = check_line(v, error);
                if (r < 0)
                        return r;
        }
        v->report.torn_bytes = v->reader.torn;
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

/*
 * A bad verdict is believed when two passes come to it. libjansson and
 * libcrypto do not always say that they had no memory: a string may lack a
 * character, a key may look like none.
 */
static bool agree(const struct tms_audit_report *a, const struct tms_audit_report *b)
{
        return a->result == b->result && a->bad_line == b->bad_line && strcmp(a->sentence, b->sentence) == 0;
}

/* One pass with the reader that is open. -EBADMSG: the verdict is in the report, as with 0. */
static int attempt(struct verify *v, struct tms_error *error)
{
        int r;

        memset(v->prev, '0', AUDIT_HEX);
        r = audit_files_new(v->reader.dir_fd, &v->files);
        if (r >= 0)
                r = audit_pulses_new(v->reader.dir_fd, &v->pulses);
        if (r < 0)
                return tms_error_set(error, ENOMEM, NULL, 0, 0, NULL, "no memory to verify the log; %s",
                                     tms_errno_step(ENOMEM));
        r = read_all(v, error);
        strcpy(v->report.head, v->prev);
        v->report.pulses_delivered = audit_pulses_delivered(v->pulses);
        if (r >= 0)
                r = check_end(v, error);
        if (r >= 0)
                conclude_good(v);
        return r;
}

/* --- For auditors, and for the writer ------------------------------------------------ */

int tms_audit_verify(const char *dir, const struct tms_audit_anchor *anchor, struct tms_audit_report *ret,
                     struct tms_error *error)
{
        static const struct tms_audit_anchor none;
        struct tms_audit_report before = {.result = TMS_AUDIT_VERIFIED};
        struct audit_held held = {0};
        int r;

        if (!anchor)
                anchor = &none;
        if (anchor->key0_fingerprint && (strlen(anchor->key0_fingerprint) != AUDIT_HEX ||
                                         strspn(anchor->key0_fingerprint, "0123456789abcdefABCDEF") != AUDIT_HEX))
                return tms_error_set(error, EINVAL, NULL, 0, 0, "key0",
                                     "not a fingerprint: expected 64 hexadecimal digits");
        if (anchor->nonce && !anchor->nonce[0])
                return tms_error_set(error, EINVAL, NULL, 0, 0, "nonce",
                                     "empty: expected the nonce that a fresh seal was asked for with");
        if (anchor->seal) {
                r = audit_held_parse(anchor->seal, &held, error);
                if (r < 0)
                        return r;
        }
        for (int i = 1;; i++) {
                _cleanup_(verify_clear) struct verify v = {.anchor = anchor, .held = held, .reader.dir_fd = -1};

                r = audit_reader_open(&v.reader, dir, error);
                if (r >= 0)
                        r = attempt(&v, error);
                if (r < 0 && r != -EBADMSG)
                        return r;
                if (i < ATTEMPTS && v.report.result != TMS_AUDIT_VERIFIED && v.report.result != TMS_AUDIT_PREFIX &&
                    (grew(&v) || !agree(&v.report, &before))) {
                        before = v.report;
                        continue;
                }
                *ret = v.report;
                return 0;
        }
}

int tms_audit_read(int dir_fd, int (*record)(const struct json_t *record, void *userdata), void *userdata,
                   struct tms_audit_report *ret, struct tms_error *error)
{
        static const struct tms_audit_anchor none;
        struct tms_audit_report before;

        for (int i = 1;; i++) {
                _cleanup_(verify_clear) struct verify v = {
                                .anchor = &none, .record = record, .userdata = userdata, .reader.dir_fd = -1};
                int r;

                r = audit_reader_open_at(&v.reader, dir_fd, error);
                if (r >= 0)
                        r = attempt(&v, error);
                if (r < 0 && r != -EBADMSG)
                        return r;
                if (i == 2 && !agree(&v.report, &before))
                        return tms_error_set(error, ENOMEM, "log.jsonl", 0, 0, NULL,
                                             "was read twice, with two results: there may be too little memory; %s",
                                             tms_errno_step(ENOMEM));
                if (r >= 0 || i == 2) {
                        *ret = v.report;
                        return 0;
                }
                /* The records were given already. */
                before = v.report;
                record = NULL;
        }
}
