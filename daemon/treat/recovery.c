/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deals with what an earlier controller has left; see recovery.h. */
#include <assert.h>

#include "recovery.h"

#include "interrupted.h"

#define EVENTS_AT_ONCE 256
#define AGAIN_USEC (200 * USEC_PER_MS)

struct recovery {
        struct stimulator *st;
        struct tms_device *control;
        bool own_control;
        sd_event_source *again;
        struct tms_event *events;
        size_t n;
        recovery_fn done;
        void *userdata;
        int error;
        unsigned waited;  /* how often this has waited for recoveries that were cut off */
        unsigned pending; /* entries under way, plus one while submitting */
};

static void finish(struct recovery *rec, bool consumed)
{
        /* In done() the caller may close its file or begin a session, so this recovery closes its own file before. */
        struct tms_event *events = rec->events;
        size_t n = consumed ? 0 : rec->n;

        if (rec->own_control)
                tms_device_close(rec->control);
        rec->done(rec->error, events, n, rec->userdata);
        free(events);
        stimulator_unref(rec->st);
        free(rec);
}

static int read_all(struct recovery *rec)
{
        while (rec->n < RECORDS_MAX) {
                struct tms_event *grown = reallocarray(rec->events, rec->n + EVENTS_AT_ONCE, sizeof(*grown));
                int n;

                if (!grown)
                        return -ENOMEM;
                rec->events = grown;
                n = tms_device_read_events(rec->control, rec->events + rec->n, EVENTS_AT_ONCE);
                if (n == 0 || n == -EAGAIN)
                        return 0;
                if (n < 0)
                        return n;
                rec->n += (size_t)n;
        }
        return 0;
}

static bool has_pulses(const struct recovery *rec)
{
        size_t i;

        for (i = 0; i < rec->n; i++) {
                if (rec->events[i].type == TMS_EVENT_PULSE_DUE || rec->events[i].type == TMS_EVENT_PULSE_ANSWER)
                        return true;
        }
        return false;
}

static void release(struct recovery *rec)
{
        assert(rec->pending > 0);
        if (--rec->pending == 0)
                finish(rec, true);
}

static void on_synced(const struct audit_result *result, void *userdata)
{
        struct recovery *rec = userdata;

        if (result->error < 0)
                rec->error = result->error;
        release(rec);
}

static void on_done(const struct audit_result *result, void *userdata)
{
        release(userdata);
}

/*
 * The records and their totals are on disk, so the kernel may now forget them. If the totals could not be recorded, the
 * kernel keeps the records: the history does not know what was delivered, no session begins, and the next recovery
 * reads the records again.
 */
static void on_recovered(const struct audit_result *result, void *userdata)
{
        struct recovery *rec = userdata;

        if (rec->error >= 0)
                rec->error = result->error;
        if (rec->error >= 0 && rec->n > 0)
                rec->error = tms_device_keepalive(rec->control, rec->events[rec->n - 1].seq + 1, NULL);
        if (rec->error < 0)
                log_event(RECOVERY_FAILED,
                          FIELDS(field_errno(rec->error), field_number("CARD_SERIAL", rec->st->info.card_serial)),
                          "%s: the records that were left cannot be acknowledged: %s; to fetch them again: systemctl "
                          "restart tmsd",
                          rec->st->node, strerror(-rec->error));
        release(rec);
}

/*
 * If the end could not be recorded, for want of a descriptor, memory or room, the session stays open in the log, and
 * the next start tries again.
 */
static void on_told(const struct audit_result *result, void *userdata)
{
        if (result->error < 0)
                log_event(RECOVERY_FAILED, FIELDS(field_errno(result->error)),
                          "what an earlier session has left is not on record yet: %s; mend that, then: systemctl "
                          "restart tmsd",
                          audit_error_text(result->error));
}

static void log_cut_off(const struct past_session *s, const char *what_follows)
{
        log_event(SESSION_CUT_OFF, FIELDS(field_text("SESSION", s->id), field_number("CARD_SERIAL", s->card_serial)),
                  "session %s was cut off; %s", s->id, what_follows);
}

/*
 * Ends a session that has no end in the log. p: its open pulse file, or NULL: the file is opened here. Below 0: nothing
 * was submitted, and done is not called.
 */
static int end_crashed(struct ward *w, const struct past_session *s, struct pulsefile *p, audit_done_fn done,
                       void *userdata)
{
        struct pulsefile *own = NULL;
        int r;

        if (!p) {
                r = pulsefile_new(s->id, &own);
                if (r < 0)
                        return r;
                (void)audit_pulses_open(w->recorder->audit, own, true, NULL, NULL);
        }
        log_cut_off(s, "it is ended now");
        r = audit_write(w->recorder->audit,
                        &(struct audit_record){
                                        .type = "session.end",
                                        .data = json_pack("{s:s, s:s, s:i}", "session", s->id, "reason", "crashed",
                                                          "prescribed", (int)s->prescribed),
                                        .pulses = p ? p : own,
                                        .refusable = true,
                        },
                        done, userdata);
        if (own)
                audit_pulses_close(w->recorder->audit, own);
        return r;
}

/* Records what the pulse file of a session that stays open holds, since its last session.pulses may be 5 s older. */
static void tell_pulses(struct ward *w, const struct past_session *s)
{
        struct pulsefile *p;

        if (pulsefile_new(s->id, &p) < 0)
                return;
        (void)audit_pulses_open(w->recorder->audit, p, true, NULL, NULL);
        (void)audit_write(w->recorder->audit,
                          &(struct audit_record){
                                          .type = "session.pulses",
                                          .data = json_pack("{s:s}", "session", s->id),
                                          .pulses = p,
                                          .refusable = true,
                          },
                          on_told, NULL);
        audit_pulses_close(w->recorder->audit, p);
}

static void keep_records(struct recovery *rec, const char *name, bool existing, const struct past_session *open)
{
        struct ward *w = rec->st->ward;
        struct pulsefile *p;
        int r;

        r = pulsefile_new(name, &p);
        if (r < 0) {
                rec->error = r;
                finish(rec, true);
                return;
        }
        log_event(RECORDS_LEFT,
                  FIELDS(field_text("SESSION", name), field_number("CARD_SERIAL", rec->st->info.card_serial),
                         field_number("RECORDS", rec->n)),
                  "%s: %zu records of %s were left in the kernel", rec->st->node, rec->n, name);
        /*
         * A crash in the middle of this leaves a file that is longer than the log says. So the log says first that the
         * file will grow.
         */
        (void)audit_write(
                        w->recorder->audit,
                        &(struct audit_record){
                                        .type = "recovery.pulses.intent",
                                        .on = rec->st->path,
                                        .data = json_pack("{s:s, s:s, s:o}", "session", name, "file", pulsefile_path(p),
                                                          "card_serial", json_u64(rec->st->info.card_serial)),
                        },
                        NULL, NULL);
        (void)audit_pulses_open(w->recorder->audit, p, existing, NULL, NULL);
        rec->pending = 1;
        if (audit_pulses_append(w->recorder->audit, p, rec->events, rec->n, on_synced, rec) >= 0)
                rec->pending++;
        else
                rec->error = -ENOMEM;
        if (audit_write(w->recorder->audit,
                        &(struct audit_record){
                                        .type = "recovery.pulses",
                                        .on = rec->st->path,
                                        .data = json_pack("{s:s, s:o, s:o}", "session", name, "card_serial",
                                                          json_u64(rec->st->info.card_serial), "fetched",
                                                          json_u64(rec->n)),
                                        .pulses = p,
                                        .refusable = true,
                        },
                        on_recovered, rec) >= 0)
                rec->pending++;
        else
                rec->error = -ENOMEM;
        if (open)
                (void)end_crashed(w, open, p, on_told, NULL);
        audit_pulses_close(w->recorder->audit, p);
        if (audit_seal(w->recorder->audit, NULL, "", on_done, rec) >= 0)
                rec->pending++;
        release(rec);
}

/* Are the kernel's records of the same series as that session's? If not, the same number means another record. */
static bool has_its_records(const struct stimulator *st, const struct past_session *s)
{
        return STREQ(s->boot, st->ward->recorder->boot) && s->records_since_ns == st->info.records_since_ns;
}

/* The session on this card that has no end in the log, or NULL. */
static const struct past_session *find_open(const struct stimulator *st)
{
        const struct past_session *s = NULL;

        while ((s = history_open_session(st->ward->recorder->history, s))) {
                if (s->card_serial == st->info.card_serial)
                        return s;
        }
        return NULL;
}

static int open_control(struct recovery *rec)
{
        int r;

        if (rec->control)
                return 0;
        r = tms_device_open(rec->st->node, true, &rec->control);
        if (r < 0) {
                log_event(RECOVERY_FAILED,
                          FIELDS(field_errno(r), field_number("CARD_SERIAL", rec->st->info.card_serial)),
                          "%s: cannot fetch the records that were left: %s; end the program that has it open (fuser "
                          "-v), then: systemctl restart tmsd",
                          rec->st->node, strerror(-r));
                return r;
        }
        rec->own_control = true;
        return 0;
}

static void begin(struct recovery *rec);

static int on_again(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct recovery *rec = userdata;

        rec->again = sd_event_source_disable_unref(rec->again);
        begin(rec);
        return 0;
}

/* The history knows only now what that session came to, so begin() compares the odometer with it once more. */
static void on_ended_first(const struct audit_result *result, void *userdata)
{
        struct recovery *rec = userdata;

        rec->error = result->error;
        if (rec->error < 0)
                finish(rec, false);
        else
                begin(rec);
}

/*
 * Finishes recoveries that were cut off before this one goes on. They have added to pulse files, the count of the last
 * session depends on that, and no session begins before it is on record. A recovery may also be under way, for another
 * card or from the daemon's start; it is waited for. True: this recovery goes on later.
 */
static bool wait_for_interrupted(struct recovery *rec)
{
        struct ward *w = rec->st->ward;
        int r;

        if (!history_interrupted(w->recorder->history, NULL))
                return false;
        if (rec->waited == 0)
                r = audit_barrier(w->recorder->audit, on_ended_first, rec);
        else if (rec->waited == 1)
                r = interrupted_close(w->recorder, on_ended_first, rec);
        else
                r = -EAGAIN;
        rec->waited++;
        if (r < 0)
                on_ended_first(&(struct audit_result){.error = r}, rec);
        return true;
}

static void begin(struct recovery *rec)
{
        struct ward *w = rec->st->ward;
        const struct past_session *open = find_open(rec->st), *last;
        char outside[48];
        int r;

        /*
         * The card was unplugged and is back already, and the session that ended by that is still writing its last
         * records.
         */
        if (!rec->control && ward_has_live_session(w, rec->st->info.card_serial) &&
            sd_event_add_time_relative(w->event, &rec->again, CLOCK_MONOTONIC, AGAIN_USEC, 0, on_again, rec) >= 0)
                return;
        if (wait_for_interrupted(rec))
                return;
        if (open && !has_its_records(rec->st, open)) {
                /*
                 * The module was unloaded since that session, and its records are lost. What the card has fired is told
                 * by its odometer.
                 */
                r = end_crashed(w, open, NULL, on_ended_first, rec);
                if (r < 0)
                        on_ended_first(&(struct audit_result){.error = r}, rec);
                else
                        (void)audit_seal(w->recorder->audit, NULL, "", NULL, NULL);
                return;
        }
        if (!rec->control && !open && rec->st->status.event_acked == rec->st->status.event_head) {
                finish(rec, false);
                return;
        }
        rec->error = open_control(rec);
        if (rec->error >= 0)
                rec->error = read_all(rec);
        if (rec->error < 0 || (!open && !has_pulses(rec))) {
                finish(rec, false);
                return;
        }
        if (open) {
                keep_records(rec, open->id, true, open);
                return;
        }
        last = history_last_session(w->recorder->history, rec->st->info.card_serial);
        if (last && has_its_records(rec->st, last)) {
                keep_records(rec, last->id, true, NULL);
                return;
        }
        (void)snprintf(outside, sizeof(outside), "outside_%llu", (unsigned long long)now_ns(CLOCK_REALTIME));
        keep_records(rec, outside, false, NULL);
}

void recovery_begin(struct stimulator *st, struct tms_device *control, recovery_fn done, void *userdata)
{
        struct recovery *rec;

        if (audit_failure(st->ward->recorder->audit)) {
                /* The log has failed, so nothing can be put on disk, and the kernel keeps its records. */
                done(-EIO, NULL, 0, userdata);
                return;
        }
        rec = calloc(1, sizeof(*rec));
        if (!rec) {
                done(-ENOMEM, NULL, 0, userdata);
                return;
        }
        rec->st = stimulator_ref(st);
        rec->control = control;
        rec->done = done;
        rec->userdata = userdata;
        begin(rec);
}

void recovery_end_lost(struct ward *w)
{
        const struct past_session *s = NULL;
        struct stimulator *st;
        bool ended = false;

        while ((s = history_open_session(w->recorder->history, s))) {
                bool here = false;

                TAILQ_FOREACH(st, &w->stimulators, link)
                        here = here || st->info.card_serial == s->card_serial;
                if (here)
                        continue;
                if (STREQ(s->boot, w->recorder->boot)) {
                        /*
                         * The session is of this boot and may still be ended when its card comes back. Its pulses are
                         * recorded now, since the subject may go on with another card today.
                         */
                        log_cut_off(s, "it is ended when its card is back");
                        tell_pulses(w, s);
                        continue;
                }
                ended = end_crashed(w, s, NULL, on_told, NULL) >= 0 || ended;
        }
        if (ended)
                (void)audit_seal(w->recorder->audit, NULL, "", NULL, NULL);
}
