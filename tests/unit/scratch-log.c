/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An audit log in a scratch directory; see scratch-log.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "schema.h"
#include "scratch-log.h"

struct auditlog *scratch_log_open(int state_fd)
{
        struct auditlog *l = NULL;
        char *problem = NULL;
        int r = auditlog_open(state_fd, SCRATCH_BOOT, NULL, &l, &problem);

        if (r < 0)
                fail_msg("cannot be opened: %s, %s", strerror(-r), problem ? problem : "-");
        return l;
}

static json_t *least(const struct schema_field *f)
{
        char text[SCHEMA_SENTENCE + 1];

        switch (f->kind) {
        case SCHEMA_TEXT:
        case SCHEMA_HEX:
                memset(text, 'a', f->least);
                return json_stringn(text, f->least);
        case SCHEMA_NUMBER:
                return json_integer((json_int_t)f->least);
        case SCHEMA_FLAG:
                return json_true();
        default:
                return json_array();
        }
}

static void add_least(json_t *data, const struct schema_field *f)
{
        for (; f->name; f++) {
                if (f->need == SCHEMA_WITH ? json_object_get(data, f->other) != NULL : f->need != SCHEMA_OPTIONAL)
                        assert_int_equal(json_object_set_new(data, f->name, least(f)), 0);
        }
}

json_t *scratch_data(const char *type)
{
        const struct schema_type *t = schema_find(type);
        json_t *data = json_object();

        assert_true(t && data);
        add_least(data, t->fields);
        if (!t->bare)
                add_least(data, schema_common);
        return data;
}

json_t *scratch_data_of(const char *type, const char *session)
{
        json_t *data = scratch_data(type);

        assert_int_equal(json_object_set_new(data, "session", json_string(session)), 0);
        return data;
}

void scratch_log_verify(const char *audit_path, enum tms_audit_result expected, struct tms_audit_report *ret)
{
        struct tms_error error = {0};

        if (tms_audit_verify(audit_path, NULL, ret, &error) < 0)
                fail_msg("%s", error.message);
        if (ret->result != expected)
                fail_msg("verify says %d: %s", (int)ret->result, ret->sentence);
}

void scratch_log_holds(const char *audit_path, uint64_t records)
{
        struct tms_audit_report report;

        scratch_log_verify(audit_path, TMS_AUDIT_PREFIX, &report);
        assert_int_equal(report.records, records);
}
