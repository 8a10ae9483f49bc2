/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verdict on a log, in words. */
#include "audit-pass.h"

#include <inttypes.h>

void audit_conclude(struct audit_pass *v, enum tms_audit_result result, uint64_t line, const char *format, ...)
{
        char file[TMS_AUDIT_SEGMENT_NAME];
        size_t n = 0;
        va_list ap;

        v->report.result = result;
        v->report.bad_line = v->report.bad_segment = 0;
        if (line) {
                audit_reader_place(&v->reader, line, &v->report.bad_segment, &v->report.bad_line);
                tms_audit_segment_name(v->report.bad_segment, file);
                n = (size_t)snprintf(v->report.sentence, sizeof(v->report.sentence), "%s:%" PRIu64 ": ", file,
                                     v->report.bad_line);
        }
        va_start(ap, format);
        vsnprintf(v->report.sentence + n, sizeof(v->report.sentence) - n, format, ap);
        va_end(ap);
        /* The sentence may quote the log, and somebody may have written there what steers a terminal. */
        tms_text_line(v->report.sentence);
}

void audit_conclude_good(struct audit_pass *v)
{
        const struct tms_audit_report *t = &v->report;
        const struct tms_audit_anchor *a = v->anchor;
        char counts[240], anchors[160], missing[80] = "";

        if (v->begins_late)
                snprintf(missing, sizeof(missing), "; the first %" PRIu64 " records were moved out and not seen",
                         v->first_record);
        snprintf(counts, sizeof(counts),
                 "%" PRIu64 " records, %" PRIu64 " seals, %" PRIu64 " sessions, %" PRIu64 " pulses delivered%s%s",
                 t->records, t->seals, t->sessions, t->pulses_delivered, missing,
                 v->keys_hidden ? "; the signing keys were not seen" : "");
        snprintf(anchors, sizeof(anchors), "%s%s%s%s%s", a->key0_fingerprint ? "key 0's fingerprint" : "",
                 a->key0_fingerprint && (a->seal || a->nonce) ? ", " : "", a->seal ? "the held seal" : "",
                 a->seal && a->nonce ? ", " : "", a->nonce ? "a fresh seal" : "");
        if (t->records == 0)
                audit_conclude(v, TMS_AUDIT_TORN, 0, "no record yet, as a first start that was cut off leaves it");
        else if (v->reader.torn)
                audit_conclude(v, TMS_AUDIT_TORN, 0, "consistent up to a torn last line, as a crash leaves it: %s",
                               counts);
        else if (a->nonce && (!v->begins_late || a->seal))
                audit_conclude(v, TMS_AUDIT_VERIFIED, 0, "whole up to now: %s; held against %s", counts, anchors);
        else if (a->seal)
                audit_conclude(v, TMS_AUDIT_VERIFIED, 0,
                               "whole up to the held seal, and %" PRIu64 " records after it: %s; held against %s",
                               t->records - 1 - v->held.seq, counts, anchors);
        else if (v->begins_late)
                audit_conclude(v, TMS_AUDIT_PREFIX, 0,
                               "consistent in itself, but its beginning was moved out, and no held seal shows what "
                               "that "
                               "was: %s",
                               counts);
        else if (a->key0_fingerprint)
                audit_conclude(v, TMS_AUDIT_PREFIX, 0,
                               "genuine from its first record, but no held or fresh seal shows that its end is there: "
                               "%s",
                               counts);
        else
                audit_conclude(v, TMS_AUDIT_PREFIX, 0,
                               "consistent in itself, but held against no anchor it may have lost its end: %s", counts);
}

int audit_fail_read(const struct audit_pass *v, const struct audit_why *why, int r, uint64_t line,
                    struct tms_error *error)
{
        char file[TMS_AUDIT_SEGMENT_NAME];
        uint64_t segment, at = 0;

        if (line) {
                audit_reader_place(&v->reader, line, &segment, &at);
                tms_audit_segment_name(segment, file);
        }
        return tms_error_set(error, -r, line ? file : NULL, (unsigned)at, line ? 1 : 0, NULL, "%s; %s",
                             why->text[0] ? why->text : "no memory to verify the log", tms_errno_step(-r));
}
