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

static int check_chain(struct audit_pass *v, const struct record *record, struct audit_why *why)
{
        if (record->number < 0 || (uint64_t)record->number != v->report.records)
                return audit_why(why, "record %" PRId64 " stands where record %" PRIu64 " was due", record->number,
                                 v->report.records);
        if (!record_string_is(record->prev, v->prev))
                return audit_why(why, "does not follow from the record before it, or that one was changed");
        return 0;
}

static int check_open(struct audit_pass *v, const struct record *record, struct audit_why *why)
{
        struct record_value key0 = record_data(record, "key0");
        unsigned char raw[AUDIT_HEX / 2];
        int64_t format = 0;

        if (!record_string_is(record->type, "log.open") || !audit_is_hex(key0, AUDIT_HEX))
                return audit_why(why, "the first record is not log.open with key 0");
        if (!record_int64(record_data(record, "format"), &format) || format != FORMAT)
                return audit_why(why, "the log's format is not %d, the only one known", FORMAT);
        audit_hex_copy(key0, v->report.key0);
        strcpy(v->report.next_public, v->report.key0);
        audit_unhex(v->report.key0, sizeof(raw), raw);
        return audit_sha_line(&v->sha, raw, sizeof(raw), v->report.key0_fingerprint);
}

static int check_seal(struct audit_pass *v, const struct record *record, struct audit_why *why)
{
        int r;

        r = audit_seal_check(record, v->report.seals, v->report.next_public, why);
        if (r < 0)
                return r;
        audit_hex_copy(record_data(record, "next"), v->report.next_public);
        v->report.seals++;
        if (v->anchor->nonce && record_string_is(record_data(record, "nonce"), v->anchor->nonce))
                v->nonce_found = true;
        return 0;
}

/* Checks the files beside the log that a record is about. */
static int check_files(struct audit_pass *v, const struct record *record, struct audit_why *why)
{
        bool end = record_string_is(record->type, "session.end") || record_string_is(record->type, "recovery.pulses");
        int r = 0;

        if (record_string_is(record->type, "session.create")) {
                v->report.sessions++;
                return audit_pulses_begin(v->pulses, record, v->reader.line);
        }
        if (record_string_is(record->type, "session.prepare"))
                return audit_files_protocol(v->files, record, why);
        if (record_string_is(record->type, "recovery.pulses.intent"))
                return audit_pulses_reopen(v->pulses, record, v->reader.line, why);
        if (record_string_is(record->type, "recovery.log"))
                return audit_files_cut(v->files, record, why);
        /* end: the pulse file is complete, as its session has ended or a restart has completed it. */
        if (end || record_string_is(record->type, "session.pulses"))
                r = audit_pulses_claim(v->pulses, record, end, v->reader.line, why);
        return r < 0 ? r : audit_files_cut(v->files, record, why);
}

/* What is wrong with a record's files, with the record's type and session before it. */
static int name_record(const struct record *record, int r, const struct audit_why *part, struct audit_why *why)
{
        struct record_value session = record_data(record, "session");
        char type[sizeof(why->text)], name[61];

        record_string_copy(record->type, type, sizeof(type));
        record_string_copy(session, name, sizeof(name));
        return audit_unknown(why, -r, "%s%s%s: %s", type, record_is_string(session) ? " of session " : "", name,
                             part->text);
}

static int check_type(struct audit_pass *v, const struct record *record, struct audit_why *why)
{
        struct audit_why part;
        int r;

        if (v->report.records == 0)
                return check_open(v, record, why);
        if (record_string_is(record->type, "log.open"))
                return audit_why(why, "a second log.open");
        if (record_string_is(record->type, "seal"))
                return check_seal(v, record, why);
        part.text[0] = 0;
        r = check_files(v, record, &part);
        return r < 0 && part.text[0] ? name_record(record, r, &part, why) : r;
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
        struct record_scan scan;
        struct audit_why why;
        int r;

        why.text[0] = 0;
        r = audit_record_scan(v->reader.text, v->reader.size, &scan, &why);
        if (r >= 0)
                r = check_chain(v, &scan.record, &why);
        if (r >= 0)
                r = check_type(v, &scan.record, &why);
        if (r >= 0)
                r = check_held(v, &why);
        if (r == -EBADMSG)
                audit_conclude(v, TMS_AUDIT_TAMPERED, v->reader.line, "%s", why.text);
        else if (r >= 0)
                r = audit_sha_line(&v->sha, v->reader.text, v->reader.size, v->prev);
        if (r < 0)
                return r == -EBADMSG ? r : audit_fail_read(&why, r, v->reader.line, error);
        v->report.records++;
        assert(v->report.records == v->reader.line && v->report.good_bytes < v->reader.bytes);
        v->report.good_bytes = v->reader.bytes;
        r = v->record ? v->record(v->reader.line, v->reader.text, v->reader.size, v->userdata) : 0;
        if (r >= 0)
                return 0;
        v->refused = true;
        return tms_error_set(error, -r, "log.jsonl", (unsigned)v->reader.line, 1, NULL, "%s; %s",
                             r == -ENOMEM ? "no memory to remember its records" : strerror(-r), tms_errno_step(-r));
}
