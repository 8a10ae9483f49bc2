/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checks of one record: its "prev" is the hash of the record before, a
 * seal is signed by the key that was announced, and each file beside the log
 * is what its record says.
 */
#include "audit-pass.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FORMAT 1

static int check_chain(struct audit_pass *v, const json_t *record, struct audit_why *why)
{
        json_int_t seq = json_integer_value(json_object_get(record, "seq"));

        if (seq < 0 || (uint64_t)seq != v->report.records)
                return audit_why(why, "record %" JSON_INTEGER_FORMAT " stands where record %" PRIu64 " was due", seq,
                                 v->report.records);
        if (strcmp(json_string_value(json_object_get(record, "prev")), v->prev) != 0)
                return audit_why(why, "does not follow from the record before it, or that one was changed");
        return 0;
}

static int check_open(struct audit_pass *v, const json_t *record, struct audit_why *why)
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

static int check_seal(struct audit_pass *v, const json_t *record, struct audit_why *why)
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

/* Checks the files beside the log that a record is about. */
static int check_files(struct audit_pass *v, const char *type, const json_t *data, struct audit_why *why)
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
        /* end: the pulse file is complete, as its session has ended or a restart has completed it. */
        if (end || strcmp(type, "session.pulses") == 0)
                r = audit_pulses_claim(v->pulses, data, end, v->reader.line, why);
        return r < 0 ? r : audit_files_cut(v->files, data, why);
}

static int check_type(struct audit_pass *v, const json_t *record, struct audit_why *why)
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

static int check_held(struct audit_pass *v, struct audit_why *why)
{
        if (!v->held.text || v->report.records != v->held.seq)
                return 0;
        if (v->reader.size != v->held.size || memcmp(v->reader.text, v->held.text, v->held.size) != 0)
                return audit_why(why, "another record stands where the held seal was");
        v->held.found = true;
        return 0;
}

int audit_check_line(struct audit_pass *v, struct tms_error *error)
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
                audit_conclude(v, TMS_AUDIT_TAMPERED, v->reader.line, "%s", why.text);
        else if (r >= 0)
                r = tms_sha256_hex(v->reader.text, v->reader.size, v->prev);
        if (r < 0)
                return r == -EBADMSG ? r : audit_fail_read(&why, r, v->reader.line, error);
        v->report.records++;
        assert(v->report.records == v->reader.line && v->report.good_bytes < v->reader.bytes);
        v->report.good_bytes = v->reader.bytes;
        r = v->record ? v->record(record, v->userdata) : 0;
        return r < 0 ? tms_error_set(error, -r, "log.jsonl", (unsigned)v->reader.line, 1, NULL, "%s; %s",
                                     r == -ENOMEM ? "no memory to remember its records" : strerror(-r),
                                     tms_errno_step(-r))
                     : 0;
}
