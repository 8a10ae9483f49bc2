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

static int check_chain(struct audit_pass *v, const struct record *record, struct audit_why *why)
{
        if (record->number < 0 || (uint64_t)record->number != v->at.records)
                return audit_why(why, "record %" PRId64 " stands where record %" PRIu64 " was due", record->number,
                                 v->at.records);
        if (!record_string_is(record->prev, v->at.head))
                return audit_why(why, "does not follow from the record before it, or that one was changed");
        return 0;
}

static int check_seal(struct audit_pass *v, const struct record *record, struct audit_why *why)
{
        unsigned char root[TMS_MERKLE_HASH] = {0};
        int r = 0;

        if (v->at.format > 1)
                r = tms_merkle_root(&v->hasher, &v->at.tree, root);
        if (r >= 0)
                r = audit_seal_check(record, v->reader.text, v->reader.size, &v->at, root, why);
        if (r >= 0 && v->at.format > 1)
                r = audit_checkpoint_check(v, record, why);
        if (r < 0)
                return r;
        audit_hex_copy(record_data(record, "next"), v->at.next_public);
        v->at.seals++;
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
                return audit_pulses_begin(v->pulses, record, v->reader.lines);
        }
        if (record_string_is(record->type, "session.prepare"))
                return audit_files_protocol(v->files, record, why);
        if (record_string_is(record->type, "recovery.pulses.intent"))
                return audit_pulses_reopen(v->pulses, record, v->reader.lines, why);
        if (record_string_is(record->type, "recovery.log"))
                return audit_files_cut(v->files, record, why);
        /* end: the pulse file is complete, as its session has ended or a restart has completed it. */
        if (end || record_string_is(record->type, "session.pulses"))
                r = audit_pulses_claim(v->pulses, record, v->at.format, end, v->reader.lines, why);
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

        if (v->reader.line == 1)
                return audit_segment_first(v, record, why);
        if (record_string_is(record->type, "log.open"))
                return audit_why(why, "a second log.open");
        if (record_string_is(record->type, "log.segment"))
                return audit_why(why, "a segment begins within another one");
        if (record_string_is(record->type, "log.close") || record_string_is(record->type, "log.retire"))
                return audit_segment_note(v, record, why);
        if (record_string_is(record->type, "seal"))
                return check_seal(v, record, why);
        part.text[0] = 0;
        r = check_files(v, record, &part);
        return r < 0 && part.text[0] ? name_record(record, r, &part, why) : r;
}

static int check_held(struct audit_pass *v, struct audit_why *why)
{
        if (!v->held.text || v->at.records != v->held.seq)
                return 0;
        if (v->reader.size != v->held.size || memcmp(v->reader.text, v->held.text, v->held.size) != 0)
                return audit_why(why, "another record stands where the held seal was");
        v->held.found = true;
        return 0;
}

static int check_record(struct audit_pass *v, struct record_scan *scan, struct audit_why *why)
{
        int r = 0;

        if (v->reader.line == 1)
                r = audit_segment_begin(v, why);
        if (r >= 0)
                r = audit_record_scan(v->reader.text, v->reader.size, scan, why);
        /* The first record of a log whose beginning was moved out says itself where it stands. */
        if (r >= 0 && !(v->reader.lines == 1 && v->begins_late))
                r = check_chain(v, &scan->record, why);
        if (r >= 0)
                r = check_type(v, &scan->record, why);
        return r < 0 ? r : check_held(v, why);
}

int audit_check_line(struct audit_pass *v, struct tms_error *error)
{
        struct record_scan scan;
        struct audit_why why;
        int r;

        why.text[0] = 0;
        r = check_record(v, &scan, &why);
        if (r == -EBADMSG && v->report.sentence[0] == 0)
                audit_conclude(v, TMS_AUDIT_TAMPERED, v->reader.lines, "%s", why.text);
        else if (r >= 0)
                r = audit_segment_advance(v, &scan.record);
        if (r < 0)
                return r == -EBADMSG || r == -EAGAIN ? r : audit_fail_read(v, &why, r, v->reader.lines, error);
        r = v->record ? v->record(v->reader.lines, v->reader.text, v->reader.size, v->userdata) : 0;
        if (r >= 0)
                return 0;
        v->refused = true;
        return tms_error_set(error, -r, v->reader.file, (unsigned)v->reader.line, 1, NULL, "%s; %s",
                             r == -ENOMEM ? "no memory to remember its records" : strerror(-r), tms_errno_step(-r));
}
