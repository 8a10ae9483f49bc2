/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A line of the log as a record, and in words why it is none. */
#include "audit-internal.h"

#include <errno.h>
#include <string.h>

int audit_record_scan(const char *text, size_t size, struct record_scan *ret, struct audit_why *why)
{
        switch (record_scan(text, size, ret)) {
        case RECORD_OK:
                return 0;
        case RECORD_NO_OBJECT:
                return audit_why(why, "not a JSON object");
        case RECORD_NO_TEXT:
                return audit_why(why, "not a record: its '%s' is missing or no text", ret->fault_key);
        case RECORD_NO_VALUE:
                return audit_why(why, "not a record: seq, mono_ns, who or data is missing or not what it should be");
        case RECORD_MORE_KEYS:
                return audit_why(why, "not a record: it has %zu keys where 9 are due", ret->fault_at);
        case RECORD_TOO_MANY:
                return audit_why(why, "not a record: more levels or more members than a record has, at byte %zu",
                                 ret->fault_at + 1);
        case RECORD_OTHER_FORM:
                break;
        }
        return audit_why(why, "not a record: JSON, but not in a record's one form, at byte %zu", ret->fault_at + 1);
}

int audit_held_parse(const char *text, struct audit_held *ret, struct tms_error *error)
{
        struct record_scan scan;
        size_t size = strlen(text);

        while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
                size--;
        if (record_scan(text, size, &scan) != RECORD_OK || !record_string_is(scan.record.type, "seal") ||
            scan.record.number < 0)
                return tms_error_set(error, EINVAL, NULL, 0, 0, "seal",
                                     "not a seal: expected the line of a record of type seal");
        *ret = (struct audit_held){
                        .text = text,
                        .size = size,
                        .seq = (uint64_t)scan.record.number,
        };
        return 0;
}
