/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opens the audit log from its newest checkpoint on, so that a start needs not read what years have written. The records
 * from there on are read by the auditor's own reader, which proves that the log's own keys have sealed the checkpoint.
 * What is older is verified in the background; see audit-older.h.
 *
 * The records from there on are read three times. First their pulse files are dropped from memory, so that what is read
 * then is what the disk has. Then it is found out whether they hold, before anybody is told of one. Then they are given.
 */
#include "auditlog-internal.h"
#include "settle.h"

struct resuming {
        struct auditlog *log;
        const struct auditlog_reading *reading;
        struct tms_audit_checkpoint from;
        int pulses_fd; /* audit/pulses, or -1 */
};

static void resuming_clear(struct resuming *s)
{
        safe_close(s->pulses_fd);
        tms_audit_checkpoint_clear(&s->from);
}

static int settle_session(const struct resuming *s, const char *session)
{
        char name[160];

        if (!*session || strchr(session, '/') || s->pulses_fd < 0 ||
            (size_t)snprintf(name, sizeof(name), "%s.tsv", session) >= sizeof(name))
                return 0;
        return settle_name(s->pulses_fd, name);
}

static int on_settling(uint64_t line, const char *json, size_t size, void *userdata)
{
        _cleanup_(json_decrefp) json_t *record = json_loadb(json, size, 0, NULL);

        return record ? settle_session(userdata, json_get_str(json_object_get(record, "data"), "session")) : -ENOMEM;
}

/*
 * Every pulse file that a record behind the checkpoint may be about. The others were synced before their session's end
 * was recorded, and that was sealed.
 */
static int settle_pulses(struct resuming *s)
{
        const struct past_recovery *p = NULL;
        const struct past_session *open = NULL;
        struct tms_audit_position at;
        struct tms_audit_report report;
        int r = 0;

        s->pulses_fd = openat(s->log->dir_fd, "pulses", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (s->pulses_fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
                return -errno;
        while (r >= 0 && (open = history_open_session(s->log->history, open)))
                r = settle_session(s, open->id);
        while (r >= 0 && (p = history_interrupted(s->log->history, p)))
                r = settle_session(s, p->session);
        if (r >= 0)
                r = tms_audit_read_from(s->log->dir_fd, &s->from, on_settling, s, &report, &at, NULL);
        return r >= 0 && s->pulses_fd >= 0 && fsync(s->pulses_fd) < 0 ? -errno : r;
}

static int on_record(uint64_t line, const char *json, size_t size, void *userdata)
{
        _cleanup_(json_decrefp) json_t *record = json_loadb(json, size, 0, NULL);
        struct resuming *s = userdata;

        if (!record)
                return -ENOMEM;
        auditlog_see(s->log, record);
        return s->reading->found ? s->reading->found(record, s->reading->userdata) : 0;
}

static bool holds(const struct tms_audit_report *report)
{
        return report->result == TMS_AUDIT_PREFIX || report->result == TMS_AUDIT_TORN;
}

/* Tells what is known at the checkpoint, and then each record. Whoever was told cannot be told otherwise any more. */
static int give(struct resuming *s, const json_t *state, struct tms_audit_report *report)
{
        struct auditlog *l = s->log;
        int r;

        r = s->reading->restore(state, s->reading->userdata);
        if (r >= 0)
                r = tms_audit_read_from(l->dir_fd, &s->from, on_record, s, report, &l->at, NULL);
        /* It held a moment ago. */
        return r >= 0 && !holds(report) ? -EIO : r;
}

static int try(struct resuming *s, struct tms_audit_report *report)
{
        _cleanup_(json_decrefp) json_t *state = NULL;
        struct auditlog *l = s->log;
        struct history *history;
        int r;

        state = json_loadb(s->from.state, s->from.state_size, JSON_REJECT_DUPLICATES, NULL);
        if (!state)
                return 0;
        r = history_restore(s->reading->max_off_ns, state, &history);
        if (r == -EINVAL)
                return 0;
        if (r < 0)
                return r;
        history_free(l->history);
        l->history = history;
        r = settle_pulses(s);
        if (r >= 0)
                r = tms_audit_read_from(l->dir_fd, &s->from, NULL, NULL, report, &l->at, NULL);
        if (r < 0 || !holds(report))
                return 0;
        r = give(s, state, report);
        return r < 0 ? r : 1;
}

int auditlog_resume(struct auditlog *l, const struct auditlog_reading *reading, struct tms_audit_report *report)
{
        _cleanup_(resuming_clear) struct resuming s = {.log = l, .reading = reading, .pulses_fd = -1};
        struct tms_audit_position none = {0};
        int r;

        if (!reading->restore)
                return 0;
        r = tms_audit_checkpoint_find(l->dir_fd, &s.from);
        if (r > 0)
                r = try(&s, report);
        if (r > 0) {
                l->older = s.from;
                s.from = (struct tms_audit_checkpoint){0};
                return 1;
        }
        if (r < 0)
                return r;
        /* Nobody was told of anything. */
        *report = (struct tms_audit_report){0};
        l->at = none;
        l->checkpointed = 0;
        l->history = history_free(l->history);
        return history_new(reading->max_off_ns, &l->history);
}
