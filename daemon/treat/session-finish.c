/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carries out a session's end: the last records get on disk, the kernel is told to forget them, and the log says what
 * they come to. Nothing comes after it. session-end.c has decided the end.
 */
#include <assert.h>

#include "session.h"

#define FINISH_ACCURACY_USEC USEC_PER_MS

/* The last records of the session could not be written. The kernel keeps them for the daemon's next run. */
static void set_audit_failed(struct session *s)
{
        const struct ending_words *e = &endings[ENDING_NO_MEMORY];
        const char *failure = audit_failure(s->ward->recorder->audit);

        session_set_reason(s, e->reason, failure ? failure : e->text);
}

static void ended(struct session *s)
{
        struct ward *w = s->ward;

        assert(s->state == SESSION_ENDING && !s->in_kernel);
        s->control = tms_device_close(s->control);
        stimulator_release(s->st, s);
        (void)stimulator_refresh(s->st);
        s->time_left_ns = 0;
        session_on(s, SESSION_FINISH);
        if (s->slot) {
                (void)sd_bus_emit_properties_changed(w->bus, s->path, SESSION_INTERFACE, "State", "EndReason",
                                                     "EndText", "Delivered", "Missed", "Unknown", "Rest", "TimeLeft",
                                                     "Waiting", NULL);
                (void)sd_bus_emit_signal(w->bus, s->path, SESSION_INTERFACE, "Ended", "suu", s->end_reason,
                                         s->delivered, s->missed);
        }
        log_event(SESSION_ENDED,
                  FIELDS(field_text("SESSION", s->id), field_number("CARD_SERIAL", s->st->info.card_serial),
                         field_text("REASON", s->end_reason), field_number("PULSES_DELIVERED", s->delivered),
                         field_number("PULSES_MISSED", s->missed), field_number("PULSES_UNKNOWN", s->unknown)),
                  "session %s ended: %s, %u pulses delivered", s->id, s->end_reason, s->delivered);
        if (s->closing)
                request_reply(TAKE_PTR(s->closing));
        if (s->closed)
                session_leave_bus(s);
        w->settled(w->userdata);
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
        /* There was no memory for the seal, so nothing comes after this record. */
        if (s->no_seal)
                ended(s);
        session_unref(s);
}

static json_t *describe_end(struct session *s)
{
        struct tms_info info = {0};
        json_t *data, *odometer;

        data = json_pack("{s:s, s:s, s:s, s:i}", "session", s->id, "reason", s->end_reason, "text", s->end_text,
                         "prescribed", (int)s->timeline.count);
        if (tms_device_info(s->control, &info) < 0)
                return data;
        json_add(&data, "odometer", json_u64(info.odometer));
        if (stimulator_see_odometer(s->st, s->odometer + s->delivered, s->unknown, info.odometer, &odometer))
                session_record(s, "stimulator.odometer", NULL, odometer);
        return data;
}

static void end_without_disk(struct session *s)
{
        if (s->pulsefile)
                audit_pulses_close(s->ward->recorder->audit, TAKE_PTR(s->pulsefile));
        set_audit_failed(s);
        ended(s);
}

/* How many pulses are left. next_pulse: how far the timeline was played, in the whole. */
static uint32_t count_rest(const struct session *s, uint32_t next_pulse)
{
        uint32_t first;

        if (next_pulse < s->first_pulse)
                next_pulse = s->first_pulse;
        return tms_timeline_rest(&s->timeline, next_pulse - s->first_pulse, NULL, &first, NULL) < 0
                               ? 0
                               : s->timeline.count - first;
}

/* All records are on disk: tells the kernel to forget them, and records what they come to. */
static void write_end(struct session *s, const struct pulse_totals *totals)
{
        struct audit *a = s->ward->recorder->audit;
        bool written;

        s->delivered = totals->delivered;
        s->missed = totals->missed;
        s->unknown = totals->unknown;
        s->rest = count_rest(s, totals->next_pulse);
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
        struct audit *a = s->ward->recorder->audit;

        size_t read;

        for (read = 0; read < RECORDS_MAX; read += SESSION_EVENTS_MAX) {
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

        assert(s->state == SESSION_ENDING && !s->in_kernel);
        session_ref(s);
        if (audit_failure(s->ward->recorder->audit) || !s->pulsefile)
                end_without_disk(s);
        else
                write_last_records(s);
        session_unref(s);
        return 0;
}

int session_prepare_end(struct session *s)
{
        int r;

        r = sd_event_add_time(s->ward->event, &s->finish, CLOCK_MONOTONIC, UINT64_MAX, FINISH_ACCURACY_USEC, on_finish,
                              s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->finish, SD_EVENT_OFF);
        if (r >= 0)
                (void)sd_event_source_set_description(s->finish, "session-finish");
        return r;
}
