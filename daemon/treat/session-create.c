/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a session begins. See session.h. */
#include <sys/random.h>

#include "recovery.h"
#include "session-break.h"
#include "session-rest.h"

/* Drops a session of which nothing is on record yet. */
static void give_up(struct session *s, struct request *q, enum error error, const char *sentence)
{
        s->closed = true;
        session_on(s, SESSION_GIVE_UP);
        s->control = tms_device_close(s->control);
        if (s->pulsefile)
                audit_pulses_close(s->ward->recorder->audit, TAKE_PTR(s->pulsefile));
        stimulator_release(s->st, s);
        request_refuse(q, error, "%s", sentence);
        s->ward->settled(s->ward->userdata);
        session_leave_bus(s);
}

static int publish(struct session *s)
{
        struct ward *w = s->ward;
        int r;

        r = sd_bus_add_object_vtable(w->bus, &s->slot, s->path, SESSION_INTERFACE, w->session_vtable, s);
        if (r < 0)
                return r;
        r = session_listen(s);
        if (r < 0)
                return r;
        session_on(s, SESSION_PUBLISH);
        (void)sd_bus_emit_object_added(w->bus, s->path);
        (void)sd_bus_emit_properties_changed(w->bus, s->st->path, STIMULATOR_INTERFACE, "Session", NULL);
        return 0;
}

static void on_created(const struct audit_result *result, void *userdata)
{
        _cleanup_(session_unrefp) struct session *s = userdata;
        struct request *q = TAKE_PTR(s->creating);
        char sentence[AUDIT_REFUSAL_SIZE];
        sd_bus_message *reply = NULL;

        if (session_is(s, SESSION_OVER)) {
                request_refuse(q, ERROR_OUT_OF_ORDER, "The session was ended before it began: %s", s->end_text);
                return;
        }
        if (result->error < 0) {
                give_up(s, q, audit_refusal(s->ward->recorder->audit, result->error, sentence), sentence);
                return;
        }
        if (publish(s) < 0) {
                request_refuse(q, ERROR_FAILED,
                               "The session cannot be put on the bus: no memory. End other programs and try again.");
                session_end_as(s, ENDING_NOT_PUBLISHED, NULL);
                session_close(s, NULL);
                return;
        }
        log_event(SESSION_BEGUN,
                  FIELDS(field_text("SESSION", s->id), field_number("CARD_SERIAL", s->st->info.card_serial)),
                  "session %s on %s", s->id, s->st->node);
        (void)sd_bus_message_new_method_return(request_message(q), &reply);
        if (reply)
                (void)sd_bus_message_append(reply, "o", s->path);
        request_reply_message(q, reply);
        sd_bus_message_unref(reply);
}

/* The recovery is done. The events are records that came after the last session, and belong to this one. */
static void on_recovered(int error, const struct tms_event *events, size_t n, void *userdata)
{
        _cleanup_(session_unrefp) struct session *s = userdata;
        struct audit *a = s->ward->recorder->audit;
        enum error refusal = ERROR_FAILED;
        char sentence[AUDIT_REFUSAL_SIZE];
        struct tms_info info;
        json_t *data;

        if (error >= 0 && !session_is(s, SESSION_OVER))
                error = tms_device_info(s->control, &info);
        if (error >= 0 && !session_is(s, SESSION_OVER) && !session_rest_has_coil(s, &info, sentence)) {
                give_up(s, TAKE_PTR(s->creating), ERROR_INVALID_ARGUMENT, sentence);
                return;
        }
        if (error >= 0 && !session_is(s, SESSION_OVER))
                error = pulsefile_new(s->id, &s->pulsefile);
        if (session_is(s, SESSION_OVER)) {
                give_up(s, TAKE_PTR(s->creating), ERROR_OUT_OF_ORDER, s->end_text);
                return;
        }
        if (error < 0) {
                if (audit_failure(a))
                        refusal = audit_refusal(a, error, sentence);
                else
                        (void)snprintf(sentence, sizeof(sentence),
                                       "The records that the stimulator still holds cannot be fetched: %s. Try again; "
                                       "if "
                                       "that does not help: systemctl restart tmsd.",
                                       strerror(-error));
                give_up(s, TAKE_PTR(s->creating), refusal, sentence);
                return;
        }
        s->odometer = info.odometer;
        (void)audit_pulses_open(a, s->pulsefile, false, NULL, NULL);
        data = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:o}", "session", s->id, "stimulator", s->st->path,
                         "node", s->st->node, "card_serial", json_u64(info.card_serial), "coil_serial",
                         json_u64(info.coil_serial), "odometer", json_u64(info.odometer), "subject", s->subject,
                         "records_since_ns", json_u64(info.records_since_ns));
        if (*s->rest_of)
                json_add(&data, "rest_of", json_string(s->rest_of));
        if (audit_write(a,
                        &(struct audit_record){.type = "session.create",
                                               .who = request_who(s->creating),
                                               .on = s->path,
                                               .data = data,
                                               .begins = s->pulsefile,
                                               .need_bytes = 1,
                                               .refusable = true},
                        on_created, session_ref(s)) < 0) {
                on_created(&(struct audit_result){.error = -ENOMEM}, s);
                return;
        }
        /*
         * The kernel's records are submitted after that record, so that a pulse file with records in it is always named
         * by the log.
         */
        if (n > 0) {
                s->next_seq = events[n - 1].seq + 1;
                session_keep(s, events, n);
        }
}

/* --- As the stimulator knows it ---------------------------------------------------------------- */

static const char *user_id(void *userdata)
{
        const struct session *s = userdata;

        return s->id;
}

static const char *user_path(void *userdata)
{
        const struct session *s = userdata;

        return s->slot ? s->path : NULL;
}

static struct tms_device *user_control(void *userdata)
{
        const struct session *s = userdata;

        return s->control;
}

static void user_halt(void *userdata)
{
        session_halt(userdata);
}

static void user_stop(void *userdata, json_t *who)
{
        session_end_as(userdata, ENDING_STOPPED, who);
}

static void user_gone(void *userdata)
{
        session_end_gone(userdata);
}

static const struct stimulator_user as_user = {
                .get_id = user_id,
                .get_path = user_path,
                .get_control = user_control,
                .on_halt = user_halt,
                .on_stop = user_stop,
                .on_gone = user_gone,
};

/* --- CreateSession ------------------------------------------------------------------------------- */

static int make_id(struct session *s)
{
        time_t now = time(NULL);
        unsigned char random[4];
        struct tm tm;
        char hex[9];
        size_t n;

        if (getrandom(random, sizeof(random), 0) != sizeof(random))
                return -EIO;
        hex_encode(random, sizeof(random), hex);
        (void)gmtime_r(&now, &tm);
        n = strftime(s->id, sizeof(s->id), "%Y%m%dT%H%M%SZ", &tm);
        (void)snprintf(s->id + n, sizeof(s->id) - n, "_%s", hex);
        return asprintf(&s->path, MANAGER_PATH "/session/%s", s->id) < 0 ? -ENOMEM : 0;
}

static int session_new(struct ward *w, struct stimulator *st, const struct request *q, const char *subject,
                       const char *rest_of, struct session **ret)
{
        _cleanup_(session_unrefp) struct session *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->n_ref = 1;
        s->state = SESSION_BEGINNING;
        s->ward = w;
        s->st = stimulator_ref(st);
        s->subject = strdup(subject);
        s->rest_of = strdup(rest_of);
        (void)snprintf(s->owner, sizeof(s->owner), "%s", request_sender(q));
        s->owner_uid_known = request_uid(q, &s->owner_uid);
        if (!s->subject || !s->rest_of)
                return -ENOMEM;
        r = make_id(s);
        if (r < 0)
                return r;
        s->charge_due = session_charge_due;
        r = session_prepare_end(s);
        if (r < 0)
                return r;
        r = session_owner_new(s);
        if (r < 0)
                return r;
        s->gated = (struct gated){.recorder = w->recorder,
                                  .subject = s->subject,
                                  .session = s->id,
                                  .protocol = s->protocol_id,
                                  .notices = (char *const *const *)&s->notices,
                                  .confirmed = &s->notices_confirmed,
                                  .card = &st->gates};
        (void)gates_see(&s->gated);
        *ret = TAKE_PTR(s);
        return 0;
}

void session_create(struct request *q, struct stimulator *st, const char *subject, const char *rest_of)
{
        struct ward *w = st->ward;
        struct tms_device *control;
        struct session *s;
        int r;

        r = tms_device_open(st->node, true, &control);
        if (r == -EBUSY) {
                request_refuse(q, ERROR_BUSY, "Another program controls %s; end it first.", st->node);
                return;
        }
        if (r == -EAGAIN) {
                request_refuse(q, ERROR_OUT_OF_ORDER, "CreateSession: %s", tms_reason_sentence(TMS_REASON_AWAY));
                return;
        }
        if (r < 0) {
                request_refuse(q, r == -ENODEV || r == -ENOENT ? ERROR_NO_STIMULATOR : ERROR_FAILED,
                               "%s cannot be opened: %s. Run systemctl restart tmsd; if that does not help, journalctl "
                               "-u tmsd "
                               "says more.",
                               st->node, strerror(-r));
                return;
        }
        r = session_new(w, st, q, subject, rest_of, &s);
        if (r < 0) {
                tms_device_close(control);
                request_refuse(q, ERROR_FAILED,
                               "A session cannot be made: %s. Try again; if that does not help, journalctl -u tmsd "
                               "says more.",
                               strerror(-r));
                return;
        }
        s->control = control;
        s->creating = q;
        TAILQ_INSERT_TAIL(&w->sessions, s, link);
        stimulator_open(st, &as_user, s);
        recovery_begin(st, control, on_recovered, session_ref(s));
}
