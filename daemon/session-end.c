/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session's end. It is decided at once (ending), takes effect on the loop,
 * never within the call that decided it, and needs no memory until the last
 * records are written. ENDED is the last state.
 */
#include <assert.h>

#include "session-break.h"

/* After the end of a run the card's last answers may still be under way. */
#define LAST_RECORDS_USEC (100 * USEC_PER_MS)
#define TICK_ACCURACY_USEC USEC_PER_MS

void session_leave_bus(struct session *s)
{
        assert(s->state == SESSION_ENDED);
        if (s->slot) {
                (void)sd_bus_emit_object_removed(s->manager->bus, s->path);
                s->slot = sd_bus_slot_unref(s->slot);
        }
        TAILQ_REMOVE(&s->manager->sessions, s, link);
        session_unref(s);
}

static void set_reason(struct session *s, const char *reason, const char *text)
{
        (void)snprintf(s->end_reason, sizeof(s->end_reason), "%s", reason);
        (void)snprintf(s->end_text, sizeof(s->end_text), "%s", text);
}

/* What was to be the session's last word is not on disk. The kernel keeps its records for the next run. */
static void set_audit_failed(struct session *s)
{
        const struct ending_words *e = &endings[ENDING_NO_MEMORY];
        const char *failure = audit_failure(s->manager->audit);

        set_reason(s, e->reason, failure ? failure : e->text);
}

static void ended(struct session *s)
{
        struct manager *m = s->manager;

        assert(s->ending && !s->in_kernel);
        s->control = tms_device_close(s->control);
        if (s->st->session == s)
                stimulator_set_session(s->st, NULL);
        (void)stimulator_refresh(s->st);
        s->time_left_ns = 0;
        session_set_state(s, SESSION_ENDED);
        if (s->slot) {
                (void)sd_bus_emit_properties_changed(m->bus, s->path, "org.tmsd1.Session", "State", "EndReason",
                                                     "EndText", "Delivered", "Missed", "TimeLeft", "Waiting", NULL);
                (void)sd_bus_emit_signal(m->bus, s->path, "org.tmsd1.Session", "Ended", "suu", s->end_reason,
                                         s->delivered, s->missed);
        }
        log_info("session %s ended: %s, %u pulses delivered", s->id, s->end_reason, s->delivered);
        if (s->closing)
                request_reply(TAKE_PTR(s->closing));
        if (s->closed)
                session_leave_bus(s);
        manager_check_stopped(m);
}

static void on_sealed(const struct audit_result *result, void *userdata)
{
        struct session *s = userdata;

        ended(s);
        session_unref(s);
}

static void on_end_written(const struct audit_result *result, void *userdata)
{
        struct session *s = userdata;

        if (result->error < 0)
                set_audit_failed(s);
        /* Without a seal the record is the last thing that was waited for. */
        if (s->no_seal)
                ended(s);
        session_unref(s);
}

static json_t *describe_end(struct session *s)
{
        struct tms_info info = {0};
        json_t *data;

        data = json_pack("{s:s, s:s, s:s, s:i}", "session", s->id, "reason", s->end_reason, "text", s->end_text,
                         "prescribed", (int)s->timeline.count);
        if (tms_device_info(s->control, &info) < 0)
                return data;
        json_add(&data, "odometer", json_u64(info.odometer));
        if (info.odometer != s->odometer + s->delivered)
                session_record(s, "stimulator.odometer", NULL,
                               json_pack("{s:o, s:o, s:o}", "card_serial", json_u64(info.card_serial), "expected",
                                         json_u64(s->odometer + s->delivered), "found", json_u64(info.odometer)));
        return data;
}

static void end_without_disk(struct session *s)
{
        if (s->pulsefile)
                audit_pulses_close(s->manager->audit, TAKE_PTR(s->pulsefile));
        set_audit_failed(s);
        ended(s);
}

/* All records are on disk: the kernel may forget them, and the log says what they come to. */
static void write_end(struct session *s, const struct pulse_totals *totals)
{
        struct audit *a = s->manager->audit;
        bool written;

        s->delivered = totals->delivered;
        s->missed = totals->missed;
        if (s->next_seq > 0)
                (void)tms_device_keepalive(s->control, s->next_seq, NULL);
        written = audit_write(a,
                              &(struct audit_record){.type = "session.end",
                                                     .on = s->path,
                                                     .data = describe_end(s),
                                                     .pulses = s->pulsefile},
                              on_end_written, session_ref(s)) >= 0;
        if (!written) {
                session_unref(s);
                end_without_disk(s);
                return;
        }
        audit_pulses_close(a, TAKE_PTR(s->pulsefile));
        if (audit_seal(a, NULL, "", on_sealed, session_ref(s)) < 0) {
                session_unref(s);
                s->no_seal = true;
        }
}

static void on_last_written(const struct audit_result *result, void *userdata)
{
        struct session *s = userdata;

        if (result->error < 0)
                end_without_disk(s);
        else
                write_end(s, &result->totals);
        session_unref(s);
}

static void write_last_records(struct session *s)
{
        struct audit *a = s->manager->audit;

        for (;;) {
                (void)session_read_records(s);
                if (s->n_events < SESSION_EVENTS_MAX)
                        break;
                if (audit_pulses_append(a, s->pulsefile, s->events, s->n_events, NULL, NULL) < 0)
                        break;
                s->n_events = 0;
        }
        if (audit_pulses_append(a, s->pulsefile, s->events, s->n_events, on_last_written, session_ref(s)) < 0) {
                end_without_disk(s);
                session_unref(s);
        }
        s->n_events = 0;
}

static int on_finish(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct session *s = userdata;

        assert(s->ending && s->state != SESSION_ENDED && !s->in_kernel);
        session_ref(s);
        if (audit_failure(s->manager->audit) || !s->pulsefile)
                end_without_disk(s);
        else
                write_last_records(s);
        session_unref(s);
        return 0;
}

int session_prepare_end(struct session *s)
{
        int r;

        r = sd_event_add_time(s->manager->event, &s->finish, CLOCK_MONOTONIC, UINT64_MAX, TICK_ACCURACY_USEC, on_finish,
                              s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->finish, SD_EVENT_OFF);
        if (r >= 0)
                (void)sd_event_source_set_description(s->finish, "session-finish");
        return r;
}

static void begin_end(struct session *s)
{
        bool at_once = audit_failure(s->manager->audit) || !s->pulsefile;
        int r;

        assert(s->ending && s->state != SESSION_ENDED);
        s->tick = sd_event_source_disable_unref(s->tick);
        s->io = sd_event_source_disable_unref(s->io);
        /* A thread in the kernel's ARM, or the recovery of what was left, uses the controller's file; it comes back first. */
        if (s->in_kernel || (s->creating && !s->pulsefile))
                return;
        r = sd_event_source_set_time_relative(s->finish, at_once ? 0 : LAST_RECORDS_USEC);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->finish, SD_EVENT_ONESHOT);
        /* Neither wants memory. */
        assert(r >= 0);
}

/* The output is safe already. */
void session_end_quietly(struct session *s, const char *reason, const char *text)
{
        char why[sizeof(s->end_text) + 64];

        assert(!s->ending && s->state != SESSION_ENDED);
        session_break_over(s);
        s->ending = true;
        set_reason(s, reason, text);
        if (s->slot)
                (void)sd_bus_emit_properties_changed(s->manager->bus, s->path, "org.tmsd1.Session", "State", "Pausing",
                                                     "Waiting", NULL);
        (void)snprintf(why, sizeof(why), "the session has ended: %s", text);
        (void)request_let_go(s->manager, s, why);
        begin_end(s);
}

/* --- What takes risk away ------------------------------------------------------------------- */

static void halt(struct session *s)
{
        atomic_store(&s->halted, true);
        if (s->state != SESSION_ENDED && (!s->control || tms_device_stop(s->control) < 0))
                stimulator_halt(s->st);
}

bool session_overtake(struct session *s, const char *why)
{
        /* What has been begun by now came earlier. */
        if (s->adds_risk)
                s->overtaken = why;
        /* A thread in the kernel's ARM is let go by a stop; in mid-run, where a stop is the end, it leads to a pause. */
        if (s->in_kernel && !s->started)
                halt(s);
        return request_let_go(s->manager, s, why) > 0 || s->adds_risk;
}

void session_halt(struct session *s)
{
        halt(s);
        if (!s->ending)
                (void)session_overtake(s, "a stop was asked for meanwhile. Begin a new session for what is left.");
}

void session_end(struct session *s, const char *reason, const char *text, json_t *who)
{
        /* First of all, and whatever has been decided before. */
        halt(s);
        if (s->state == SESSION_ENDED || (s->ending && !who)) {
                json_decref(who);
                return;
        }
        if (s->ending) {
                session_record_limited(s, "session.stop", who, json_pack("{s:s}", "reason", reason));
                return;
        }
        session_record(s, "session.stop", who, json_pack("{s:s}", "reason", reason));
        /* One that was never on the bus has nobody to close it. */
        if (s->creating)
                s->closed = true;
        session_end_quietly(s, reason, text);
}

void session_end_as(struct session *s, enum ending how, json_t *who)
{
        session_end(s, endings[how].reason, endings[how].text, who);
}

void session_left_kernel(struct session *s)
{
        assert(s->in_kernel && s->state != SESSION_ENDED);
        s->in_kernel = false;
        if (s->ending)
                begin_end(s);
}

void session_close(struct session *s, struct request *q)
{
        if (q && s->state == SESSION_ENDED)
                request_reply(TAKE_PTR(q));
        if (s->closed) {
                /* Asked for a second time, by the owner's leaving for example; the first to ask is answered. */
                if (q)
                        request_refuse(q, "OutOfOrder", "Close: the session is being closed already.");
                return;
        }
        s->closed = true;
        s->closing = q;
        if (s->state == SESSION_ENDED)
                session_leave_bus(s);
}

bool session_is_live(const struct manager *m, uint64_t card_serial)
{
        const struct session *s;

        TAILQ_FOREACH(s, &m->sessions, link) {
                if (s->state != SESSION_ENDED && s->st->info.card_serial == card_serial)
                        return true;
        }
        return false;
}
