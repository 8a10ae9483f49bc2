/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session reads from its stimulator (records), and what keeps the output permitted (the lease). See session.h.
 */
#include <assert.h>
#include <sys/epoll.h>

#include "session-break.h"

/* The lease lasts 500 ms: four renewals may be lost. */
#define TICK_USEC (100 * USEC_PER_MS)
#define TICK_ACCURACY_USEC USEC_PER_MS
#define TICKS_PER_LOOK 10
/* Records are handed to the writer this often. The kernel renews no lease once a record has waited for over 2 s. */
#define WRITE_EVERY_NS (200 * NS_PER_MS)
#define STALLED_NS (1500 * NS_PER_MS)
#define PULSES_RECORD_EVERY_NS (5 * NS_PER_S)

/* --- Records ---------------------------------------------------------------------------- */

/*
 * The kernel has dropped the timeline, or has fallen back from armed to loaded. No pulse was fired, so the session goes
 * on.
 */
void session_follow_kernel(struct session *s)
{
        uint32_t state;

        if (s->in_kernel ||
            !session_is(s, IN_STATE(SESSION_PREPARED) | IN_STATE(SESSION_ARMING) | IN_STATE(SESSION_ARMED)))
                return;
        (void)stimulator_refresh(s->st);
        state = s->st->status.state;
        if (state == TMS_STATE_ARMING || state == TMS_STATE_ARMED)
                return;
        if (state == TMS_STATE_LOADED && s->st->status.timeline_gen == s->timeline_gen) {
                session_on(s, SESSION_FALL_BACK);
        } else {
                session_on(s, SESSION_DROP);
        }
        s->tick = sd_event_source_disable_unref(s->tick);
        if (s->io)
                (void)sd_event_source_set_enabled(s->io, SD_EVENT_ON);
}

/* A fault stays when its cause is over, so its sentence goes on with how to clear it. */
static void end_by_driver(struct session *s, bool fault, uint32_t cause)
{
        char text[sizeof(s->end_text)];

        (void)snprintf(text, sizeof(text), "%s%s", tms_cause_sentence(cause),
                       fault ? " When that is mended: tmsctl clear-fault." : "");
        session_end_quietly(s, tms_cause_name(cause), text);
}

static void see_state(struct session *s, const struct tms_event *e)
{
        if (session_is(s, SESSION_OVER))
                return;
        if (!session_is(s, SESSION_STARTED)) {
                session_follow_kernel(s);
                return;
        }
        /* Records of loading and arming may be read only now. They are not of this run. */
        if (e->run != s->run)
                return;
        switch (e->state.to) {
        case TMS_STATE_BREAK:
                session_break(s, e->state.cause);
                break;
        case TMS_STATE_RUNNING:
                session_break_over(s);
                session_on(s, SESSION_RUN);
                break;
        case TMS_STATE_PAUSED:
                session_break_over(s);
                /* The kernel has taken back the pulse that Go had let go. */
                s->released = 0;
                session_on(s, SESSION_PAUSE);
                if (e->state.cause != TMS_CAUSE_REQUEST) {
                        session_log_pause(s, tms_cause_name(e->state.cause));
                        session_record(s, "session.pause", NULL,
                                       json_pack("{s:s}", "reason", tms_cause_name(e->state.cause)));
                }
                break;
        case TMS_STATE_ARMING:
        case TMS_STATE_ARMED:
                break;
        default:
                if (e->state.cause == TMS_CAUSE_REQUEST)
                        session_end_quietly(s, endings[ENDING_STOPPED].reason, endings[ENDING_STOPPED].text);
                else
                        end_by_driver(s, e->state.to == TMS_STATE_FAULT, e->state.cause);
        }
}

static void on_written(const struct audit_result *result, void *userdata)
{
        struct session *s = userdata;

        s->writing = false;
        if (result->error == 0) {
                if (result->totals.lines > 0)
                        s->disk_seq = result->totals.last_seq + 1;
                s->delivered = result->totals.delivered;
                s->missed = result->totals.missed;
                /* The answer to the last trigger may still be on its way; write_end() counts what is left then. */
                s->unknown = result->totals.unknown - result->totals.waiting;
                /* While ticks run, the next keepalive tells the kernel. Otherwise it is told now. */
                if (!s->tick && s->control && !session_is(s, SESSION_OVER))
                        (void)tms_device_keepalive(s->control, s->disk_seq, NULL);
        }
        session_unref(s);
}

/* If there was no memory to hand them over, the log has failed and the kernel keeps them. */
void session_keep(struct session *s, const struct tms_event *events, size_t n)
{
        if (audit_pulses_append(s->ward->recorder->audit, s->pulsefile, events, n, on_written, session_ref(s)) < 0)
                session_unref(s);
}

static void write_records(struct session *s)
{
        if (s->n_events == 0 || !s->pulsefile)
                return;
        s->writing = true;
        s->wrote_ns = now_ns(CLOCK_MONOTONIC);
        session_keep(s, s->events, s->n_events);
        s->n_events = 0;
        /* The log states the pulse file's hash from time to time, so that nobody can replace a lost file by another. */
        if (s->wrote_ns - s->pulses_ns >= PULSES_RECORD_EVERY_NS &&
            (s->delivered != s->pulses_delivered || s->missed != s->pulses_missed)) {
                s->pulses_ns = s->wrote_ns;
                s->pulses_delivered = s->delivered;
                s->pulses_missed = s->missed;
                (void)audit_write(s->ward->recorder->audit,
                                  &(struct audit_record){.type = "session.pulses",
                                                         .on = s->path,
                                                         .data = json_pack("{s:s}", "session", s->id),
                                                         .pulses = s->pulsefile},
                                  NULL, NULL);
        }
}

static void see_pulse(struct session *s, const struct tms_event *e)
{
        if (session_is(s, SESSION_STARTED) && e->run == s->run)
                s->next_pulse = e->pulse.index + 1;
}

bool session_read_records(struct session *s)
{
        int n, i;

        while (s->n_events < SESSION_EVENTS_MAX) {
                struct tms_event *first = s->events + s->n_events;

                n = tms_device_read_events(s->control, first, SESSION_EVENTS_MAX - s->n_events);
                if (n <= 0)
                        return n == 0 || n == -EAGAIN;
                s->n_events += (size_t)n;
                s->next_seq = first[n - 1].seq + 1;
                for (i = 0; i < n; i++) {
                        if (first[i].type == TMS_EVENT_STATE)
                                see_state(s, first + i);
                        else if (first[i].type == TMS_EVENT_PULSE_DUE)
                                see_pulse(s, first + i);
                        stimulator_see(s->st, first + i);
                }
                session_tell_waiting(s);
                session_tell_gates(s);
        }
        return true;
}

void session_catch_up(struct session *s)
{
        size_t read;

        for (read = 0; s->control && !session_is(s, SESSION_OVER) && read < RECORDS_MAX; read += SESSION_EVENTS_MAX) {
                if (!session_read_records(s))
                        session_see_gone(s);
                else if (s->n_events < SESSION_EVENTS_MAX)
                        return;
                else
                        write_records(s);
        }
}

static int on_records(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct session *s = userdata;

        if (!session_read_records(s)) {
                session_see_gone(s);
                return 0;
        }
        write_records(s);
        return 0;
}

int session_listen(struct session *s)
{
        int r;

        r = sd_event_add_io(s->ward->event, &s->io, tms_device_fd(s->control), EPOLLIN, on_records, s);
        if (r >= 0)
                (void)sd_event_source_set_description(s->io, "session-records");
        return r;
}

/* --- Keepalives --------------------------------------------------------------------------- */

/*
 * The kernel says that records have waited for over 2 s. Either the disk does not take them, and the session ends. Or
 * this process was stopped for so long; then the lease has ended the run, and the kernel's record of that is read here.
 */
static void look_why_stale(struct session *s)
{
        if (!session_read_records(s))
                session_see_gone(s);
        else if (s->writing && now_ns(CLOCK_MONOTONIC) - s->wrote_ns > STALLED_NS)
                session_end_as(s, ENDING_STALLED, NULL);
}

/* Renews the lease, and tells the kernel which records are on disk. It does not wait for the disk. */
static void keep_alive(struct session *s)
{
        struct tms_why why;
        int r;

        /* Only records that were read are acknowledged. */
        assert(s->control && s->disk_seq <= s->next_seq);
        r = tms_device_keepalive(s->control, s->disk_seq, NULL);
        tms_device_why(s->control, &why);
        if (r == -ESTALE && why.reason != TMS_REASON_ACK_AHEAD)
                look_why_stale(s);
        else if (r == -ENODEV)
                session_see_gone(s);
        else if (r < 0 && r != s->keepalive_error)
                /* If the lease has run out, the kernel has ended the run by itself, and its record says why. */
                log_with(LOG_WARNING, FIELDS(field_text("SESSION", s->id), field_errno(r)), "session %s: keepalive: %s",
                         s->id, why.reason ? tms_reason_sentence(why.reason) : strerror(-r));
        s->keepalive_error = r;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct session *s = userdata;

        assert(s->state != SESSION_ENDED);
        /* The time is set first, since the calls below may end the run and free the source. */
        (void)sd_event_source_set_time_relative(source, TICK_USEC);
        keep_alive(s);
        if (session_is(s, SESSION_OVER))
                return 0;
        if (!session_read_records(s)) {
                session_see_gone(s);
                return 0;
        }
        if (session_is(s, SESSION_OVER))
                return 0;
        if (!s->writing && s->n_events > 0 && now_ns(CLOCK_MONOTONIC) - s->wrote_ns >= WRITE_EVERY_NS)
                write_records(s);
        if (++s->tick_count % TICKS_PER_LOOK == 0)
                session_refresh(s);
        return 0;
}

int session_begin_ticks(struct session *s)
{
        int r;

        r = tms_device_keepalive(s->control, s->disk_seq, NULL);
        if (r < 0)
                return r;
        if (s->tick)
                return 0;
        r = sd_event_add_time_relative(s->ward->event, &s->tick, CLOCK_MONOTONIC, TICK_USEC, TICK_ACCURACY_USEC,
                                       on_tick, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->tick, SD_EVENT_ON);
        /* The lease is renewed before any call of a client is served. */
        if (r >= 0)
                r = sd_event_source_set_priority(s->tick, SD_EVENT_PRIORITY_IMPORTANT);
        if (r < 0) {
                s->tick = sd_event_source_disable_unref(s->tick);
                return r;
        }
        (void)sd_event_source_set_description(s->tick, "session-tick");
        s->tick_count = 0;
        (void)sd_event_source_set_enabled(s->io, SD_EVENT_OFF);
        return 0;
}
