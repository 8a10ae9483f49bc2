/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session's life: its state, and how it begins. See session.h. */
#include <assert.h>
#include <sys/random.h>

#include "recovery.h"
#include "session.h"

const char *session_state_name(enum session_state state)
{
        static const char *const names[] = {
                        [SESSION_NEW] = "new",     [SESSION_PREPARED] = "prepared", [SESSION_ARMING] = "arming",
                        [SESSION_ARMED] = "armed", [SESSION_RUNNING] = "running",   [SESSION_PAUSED] = "paused",
                        [SESSION_ENDED] = "ended",
        };

        return names[state];
}

const char *session_state_text(const struct session *s)
{
        return s->ending && s->state != SESSION_ENDED ? "ending" : session_state_name(s->state);
}

void session_record(struct session *s, const char *type, json_t *who, json_t *data)
{
        json_add(&data, "session", json_string(s->id));
        manager_record(s->manager, type, who, s->path, data);
}

void session_record_limited(struct session *s, const char *type, json_t *who, json_t *data)
{
        json_add(&data, "session", json_string(s->id));
        manager_record_limited(s->manager, type, who, s->path, data);
}

void session_set_pausing(struct session *s, enum session_pausing pausing)
{
        if (s->pausing == pausing)
                return;
        s->pausing = pausing;
        if (s->slot)
                (void)sd_bus_emit_properties_changed(s->manager->bus, s->path, "org.tmsd1.Session", "Pausing", NULL);
}

void session_set_state(struct session *s, enum session_state state)
{
        if (s->state == state)
                return;
        /* ENDED has no way out: every completion that comes late has to look before. */
        assert(s->state != SESSION_ENDED);
        s->state = state;
        session_owner_follow(s);
        /* The end is told in one signal, with its reason: see session-end.c. */
        if (s->slot && state != SESSION_ENDED)
                (void)sd_bus_emit_properties_changed(s->manager->bus, s->path, "org.tmsd1.Session", "State", NULL);
        if (state == SESSION_RUNNING || state == SESSION_PAUSED)
                session_set_pausing(s, PAUSING_NOT);
        session_tell_waiting(s);
}

/* --- The beginning ---------------------------------------------------------------------------- */

static struct session *session_free(struct session *s)
{
        sd_event_source_disable_unref(s->io);
        sd_event_source_disable_unref(s->tick);
        sd_event_source_disable_unref(s->finish);
        sd_event_source_disable_unref(s->recharge);
        sd_bus_slot_unref(s->slot);
        peer_free(s->owner_watch);
        heartbeat_free(s->heartbeat);
        tms_device_close(s->control);
        tms_timeline_clear(&s->timeline);
        notices_free(s->notices);
        stimulator_unref(s->st);
        free(s->path);
        free(s->subject);
        free(s->owner);
        free(s);
        return NULL;
}

struct session *session_ref(struct session *s)
{
        s->n_ref++;
        return s;
}

struct session *session_unref(struct session *s)
{
        if (s && --s->n_ref == 0)
                session_free(s);
        return NULL;
}

static void on_owner_left(const char *text, void *userdata)
{
        struct session *s = userdata;

        session_ref(s);
        session_end(s, "owner_left", text, NULL);
        session_close(s, NULL);
        session_unref(s);
}

/* Nothing of it is on record yet: it was never there. */
static void give_up(struct session *s, struct request *q, const char *error, const char *sentence)
{
        s->ending = s->closed = true;
        session_set_state(s, SESSION_ENDED);
        s->control = tms_device_close(s->control);
        if (s->pulsefile)
                audit_pulses_close(s->manager->audit, TAKE_PTR(s->pulsefile));
        stimulator_set_session(s->st, NULL);
        request_refuse(q, error, "%s", sentence);
        manager_check_stopped(s->manager);
        session_leave_bus(s);
}

static int publish(struct session *s)
{
        struct manager *m = s->manager;
        int r;

        r = sd_bus_add_object_vtable(m->bus, &s->slot, s->path, "org.tmsd1.Session", session_vtable, s);
        if (r < 0)
                return r;
        r = session_listen(s);
        if (r < 0)
                return r;
        (void)sd_bus_emit_object_added(m->bus, s->path);
        (void)sd_bus_emit_properties_changed(m->bus, s->st->path, "org.tmsd1.Stimulator", "Session", NULL);
        return 0;
}

static void on_created(const struct audit_result *result, void *userdata)
{
        _cleanup_(session_unrefp) struct session *s = userdata;
        struct request *q = TAKE_PTR(s->creating);
        char sentence[AUDIT_REFUSAL_SIZE];
        sd_bus_message *reply = NULL;

        if (s->ending) {
                request_refuse(q, "OutOfOrder", "The session was ended before it began: %s", s->end_text);
                return;
        }
        if (result->error < 0) {
                give_up(s, q, audit_refusal(s->manager->audit, result->error, sentence), sentence);
                return;
        }
        if (publish(s) < 0) {
                request_refuse(q, "Failed",
                               "The session cannot be put on the bus: no memory. End other programs and try again.");
                session_end_as(s, ENDING_NOT_PUBLISHED, NULL);
                session_close(s, NULL);
                return;
        }
        log_info("session %s on %s", s->id, s->st->node);
        (void)sd_bus_message_new_method_return(request_message(q), &reply);
        if (reply)
                (void)sd_bus_message_append(reply, "o", s->path);
        request_reply_message(q, reply);
        sd_bus_message_unref(reply);
}

/* What others have left is dealt with; records that came since the last session are this one's. */
static void on_recovered(int error, const struct tms_event *events, size_t n, void *userdata)
{
        _cleanup_(session_unrefp) struct session *s = userdata;
        struct audit *a = s->manager->audit;
        const char *error_name = "Failed";
        char sentence[AUDIT_REFUSAL_SIZE];
        struct tms_info info;
        json_t *data;

        if (error >= 0 && !s->ending)
                error = tms_device_info(s->control, &info);
        if (error >= 0 && !s->ending)
                error = pulsefile_new(s->id, &s->pulsefile);
        if (s->ending) {
                give_up(s, TAKE_PTR(s->creating), "OutOfOrder", s->end_text);
                return;
        }
        if (error < 0) {
                if (audit_failure(a))
                        error_name = audit_refusal(a, error, sentence);
                else
                        (void)snprintf(sentence, sizeof(sentence),
                                       "The records that the stimulator still holds cannot be fetched: %s. Try again; "
                                       "if "
                                       "that does not help: systemctl restart tmsd.",
                                       strerror(-error));
                give_up(s, TAKE_PTR(s->creating), error_name, sentence);
                return;
        }
        s->odometer = info.odometer;
        (void)audit_pulses_open(a, s->pulsefile, false, NULL, NULL);
        data = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:o}", "session", s->id, "stimulator", s->st->path,
                         "node", s->st->node, "card_serial", json_u64(info.card_serial), "coil_serial",
                         json_u64(info.coil_serial), "odometer", json_u64(info.odometer), "subject", s->subject,
                         "records_since_ns", json_u64(info.records_since_ns));
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
        /* Behind that record: a file with records in it is one that the log names. */
        if (n > 0) {
                s->next_seq = events[n - 1].seq + 1;
                session_keep(s, events, n);
        }
}

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

static int session_new(struct manager *m, struct stimulator *st, const struct request *q, const char *subject,
                       struct session **ret)
{
        _cleanup_(session_unrefp) struct session *s = calloc(1, sizeof(*s));
        const char *owner = request_sender(q);
        int r;

        if (!s)
                return -ENOMEM;
        s->n_ref = 1;
        s->manager = m;
        s->st = stimulator_ref(st);
        s->subject = strdup(subject);
        s->owner = strdup(owner);
        s->owner_uid_known = request_uid(q, &s->owner_uid);
        if (!s->subject || !s->owner)
                return -ENOMEM;
        r = make_id(s);
        if (r < 0)
                return r;
        r = session_prepare_end(s);
        if (r < 0)
                return r;
        r = session_owner_new(s);
        if (r >= 0)
                r = peer_watch(m->bus, owner, on_owner_left, s, &s->owner_watch);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

void session_create(struct request *q, struct stimulator *st, const char *subject)
{
        struct manager *m = st->manager;
        struct tms_device *control;
        struct session *s;
        int r;

        r = tms_device_open(st->node, true, &control);
        if (r == -EBUSY) {
                request_refuse(q, "Busy", "Another program controls %s; end it first.", st->node);
                return;
        }
        if (r < 0) {
                request_refuse(q, r == -ENODEV || r == -ENOENT ? "NoStimulator" : "Failed",
                               "%s cannot be opened: %s. Run systemctl restart tmsd; if that does not help, journalctl "
                               "-u tmsd "
                               "says more.",
                               st->node, strerror(-r));
                return;
        }
        r = session_new(m, st, q, subject, &s);
        if (r < 0) {
                tms_device_close(control);
                request_refuse(q, "Failed",
                               "A session cannot be made: %s. Try again; if that does not help, journalctl -u tmsd "
                               "says more.",
                               strerror(-r));
                return;
        }
        s->control = control;
        s->creating = q;
        TAILQ_INSERT_TAIL(&m->sessions, s, link);
        stimulator_set_session(st, s);
        recovery_begin(st, control, on_recovered, session_ref(s));
}
