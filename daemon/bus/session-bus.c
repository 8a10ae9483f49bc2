/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.tmsd1.Session: properties, and who may call which method. */
#include "gate-list.h"
#include "property.h"
#include "session-bus.h"
#include "session.h"

/* --- Properties --------------------------------------------------------------------------- */

static int get_stimulator(sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct session *s = userdata;

        return sd_bus_message_append(reply, "o", s->st->path);
}

static int get_state(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error)
{
        const struct session *s = userdata;

        return sd_bus_message_append(reply, "s", session_state_name(s->state));
}

/* EndReason and EndText stay empty until the session has ended and its last record is on disk. */
static int get_end_reason(sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct session *s = userdata;

        return sd_bus_message_append(reply, "s", s->state == SESSION_ENDED ? s->end_reason : "");
}

static int get_end_text(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct session *s = userdata;

        return sd_bus_message_append(reply, "s", s->state == SESSION_ENDED ? s->end_text : "");
}

static int get_waiting(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct session *s = userdata;

        return sd_bus_message_append(reply, "s", session_waits_for(s));
}

static int get_pausing(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct session *s = userdata;

        return sd_bus_message_append(reply, "b", session_is(s, SESSION_RUNS) && s->pausing != PAUSING_NOT);
}

static int get_owner_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                           sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct session *s = userdata;

        return sd_bus_message_append(reply, "s", owner_state_name(s->owner_state));
}

static int get_gates(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error)
{
        struct gate_look looks[GATES];
        struct session *s = userdata;

        /* What has changed since the last look is signalled too. */
        session_tell_gates(s);
        gates_describe(&s->gated, looks);
        return gate_list_append(reply, 0, GATES, looks, s->gated.seen);
}

/* --- Who may call ---------------------------------------------------------------------------- */

static void *keep(void *session)
{
        return session_ref(session);
}

static void *release(void *session)
{
        return session_unref(session);
}

static bool is_owner(const struct session *s, sd_bus_message *m)
{
        const char *sender = sd_bus_message_get_sender(m);

        return sender && STREQ(sender, s->owner);
}

static void refuse_not_owner(struct request *q, void *session)
{
        const struct session *s = session;

        if (*s->owner)
                request_refuse(q, ERROR_NOT_OWNER,
                               "Session %s belongs to another client (%s): ask for it there; anybody may stop or pause "
                               "it, nothing else.",
                               s->id, s->owner);
        else
                request_refuse(q, ERROR_NOT_OWNER,
                               "The owner of session %s has left: take the session first (tmsctl take); anybody may "
                               "stop it.",
                               s->id);
}

/* Only for the owner is polkit asked. Any other caller is refused without asking polkit. */
static int begin_as_owner(struct session *s, sd_bus_message *m, const char *action, request_fn go)
{
        if (!is_owner(s, m))
                return request_begin(s->ward->calls, m, NULL, s, keep, release, refuse_not_owner);
        return request_begin(s->ward->calls, m, action, s, keep, release, go);
}

/* --- Methods that add risk: for the owner only -------------------------------------------------- */

static void go_prepare(struct request *q, void *session)
{
        session_prepare(q, session);
}

static int method_prepare(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct session *s = userdata;
        /* The text is parsed only if the owner calls; any other caller is refused anyway. */
        bool overrides = is_owner(s, m) && session_prepare_overrides(m);

        return begin_as_owner(s, m, overrides ? ACTION_OVERRIDE : NULL, go_prepare);
}

static void go_confirm_notices(struct request *q, void *session)
{
        session_confirm_notices(q, session);
}

static int method_confirm_notices(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return begin_as_owner(userdata, m, ACTION_TREAT, go_confirm_notices);
}

static void go_arm(struct request *q, void *session)
{
        session_arm(q, session);
}

static int method_arm(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return begin_as_owner(userdata, m, ACTION_TREAT, go_arm);
}

static void go_start(struct request *q, void *session)
{
        session_start(q, session);
}

static int method_start(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return begin_as_owner(userdata, m, ACTION_TREAT, go_start);
}

/* --- Methods that go on with what the owner has begun: for every program of the owner's user ------- */

/*
 * The owner's user may call from any program, since whoever stands beside the patient may not have the terminal at hand
 * from which the session was started.
 */
static bool is_owners_user(struct request *q, const struct session *s)
{
        uid_t uid;

        return STREQ(request_sender(q), s->owner) ||
               (s->owner_uid_known && request_uid(q, &uid) && uid == s->owner_uid);
}

static void go_on(struct request *q, struct session *s, void (*method)(struct request *q, struct session *s))
{
        if (!is_owners_user(q, s)) {
                refuse_not_owner(q, s);
                return;
        }
        if (STREQ(request_sender(q), s->owner))
                session_owner_calls(s);
        method(q, s);
}

static void go_go(struct request *q, void *session)
{
        go_on(q, session, session_go);
}

static int method_go(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct session *s = userdata;

        return request_begin(s->ward->calls, m, ACTION_TREAT, s, keep, release, go_go);
}

static void go_resume(struct request *q, void *session)
{
        go_on(q, session, session_resume);
}

static int method_resume(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct session *s = userdata;

        return request_begin(s->ward->calls, m, ACTION_TREAT, s, keep, release, go_resume);
}

/* --- For every operator, where the owner is absent ------------------------------------------------- */

static void go_take(struct request *q, void *session)
{
        session_take(q, session);
}

static int method_take(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct session *s = userdata;

        return request_begin(s->ward->calls, m, ACTION_TREAT, s, keep, release, go_take);
}

/* --- Methods that take risk away: the kernel first, the caller's name and the answer after --------- */

static void go_pause(struct request *q, void *session)
{
        int now = 0;

        (void)sd_bus_message_rewind(request_message(q), true);
        (void)sd_bus_message_read(request_message(q), "b", &now);
        session_pause(q, session, now);
}

static void go_refuse_pause(struct request *q, void *session)
{
        session_refuse_pause(q, session);
}

static int method_pause(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct session *s = userdata;
        bool overtook;
        int now, r;

        r = sd_bus_message_read(m, "b", &now);
        if (r < 0)
                return r;
        s->pause_error = s->control ? tms_device_pause(s->control, now) : -EPROTO;
        /* The answer comes later, when other calls have followed on this file. */
        s->pause_why = (struct tms_why){0};
        if (s->control)
                tms_device_why(s->control, &s->pause_why);
        overtook = !session_is(s, SESSION_OVER) &&
                   session_overtake(s, "a pause was asked for meanwhile. Ask again when all may go on.");
        r = request_begin(s->ward->calls, m, NULL, s, keep, release,
                          s->pause_error >= 0 || overtook ? go_pause : go_refuse_pause);
        if (r != -ENOMEM || (s->pause_error < 0 && !overtook))
                return r;
        /*
         * There was no memory for the request, but the pause has taken effect. The kernel's record says when; who asked
         * for it goes unrecorded.
         */
        session_catch_up(s);
        return sd_bus_reply_method_return(m, NULL);
}

static void go_stop(struct request *q, void *session)
{
        session_end_as(session, ENDING_STOPPED, request_who(q));
        request_reply(q);
}

static int method_stop(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct session *s = userdata;
        int r;

        session_halt(s);
        r = request_begin(s->ward->calls, m, NULL, s, keep, release, go_stop);
        if (r != -ENOMEM)
                return r;
        /* There was no memory for the request. Stopping needs none; only the caller's name is missing in the record. */
        session_end_as(s, ENDING_STOPPED, NULL);
        return sd_bus_reply_method_return(m, NULL);
}

static void go_close(struct request *q, void *session)
{
        struct session *s = session;

        if (s->closing) {
                request_refuse(q, ERROR_OUT_OF_ORDER, "Close: the session is being closed already.");
                return;
        }
        session_ref(s);
        session_end_as(s, ENDING_CLOSED, request_who(q));
        session_close(s, q);
        session_unref(s);
}

static int method_close(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct session *s = userdata;

        int r;

        if (is_owner(s, m))
                session_halt(s);
        r = begin_as_owner(s, m, NULL, go_close);
        if (r == -ENOMEM && is_owner(s, m))
                session_end_as(s, ENDING_CLOSED, NULL);
        return r;
}

/* --- The table -------------------------------------------------------------------------------------- */

#define OPEN_TO_ALL SD_BUS_VTABLE_UNPRIVILEGED

const sd_bus_vtable session_vtable[] = {
                SD_BUS_VTABLE_START(0),
                PROPERTY_LINE("Id", session, id, PROPERTY_CONST),
                SD_BUS_PROPERTY("Stimulator", "o", get_stimulator, 0, PROPERTY_CONST),
                PROPERTY_TEXT("Subject", session, subject, PROPERTY_CONST),
                PROPERTY_TEXT("RestOf", session, rest_of, PROPERTY_CONST),
                PROPERTY_LINE("Owner", session, owner, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("OwnerState", "s", get_owner_state, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("State", "s", get_state, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("EndReason", "s", get_end_reason, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("EndText", "s", get_end_text, 0, PROPERTY_CHANGES),
                PROPERTY_LINE("ProtocolId", session, protocol_id, PROPERTY_CHANGES),
                PROPERTY_LINE("ProtocolSha256", session, protocol_sha256, PROPERTY_CHANGES),
                PROPERTY_U32("IntensityMax", session, timeline.max_permille, PROPERTY_CHANGES),
                PROPERTY_U32("Pulses", session, timeline.count, PROPERTY_CHANGES),
                PROPERTY_U32("Delivered", session, delivered, PROPERTY_CHANGES),
                PROPERTY_U32("Missed", session, missed, PROPERTY_CHANGES),
                PROPERTY_U32("Unknown", session, unknown, PROPERTY_CHANGES),
                PROPERTY_U32("Rest", session, rest, PROPERTY_CHANGES),
                PROPERTY_U32("Trains", session, timeline.trains, PROPERTY_CHANGES),
                PROPERTY_U32("Train", session, train, PROPERTY_CHANGES),
                PROPERTY_U64("TimeLeft", session, time_left_ns, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("Waiting", "s", get_waiting, 0, PROPERTY_CHANGES),
                PROPERTY_LINE("Break", session, break_text, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("Pausing", "b", get_pausing, 0, PROPERTY_CHANGES),
                PROPERTY_TEXTS("Notices", session, notices, PROPERTY_CHANGES),
                PROPERTY_BOOL("NoticesConfirmed", session, notices_confirmed, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("Gates", "aa{sv}", get_gates, 0, PROPERTY_CHANGES),
                SD_BUS_METHOD_WITH_ARGS("Prepare", SD_BUS_ARGS("s", protocol, "s", text, "a{sv}", parameters),
                                        SD_BUS_RESULT("a{sv}", verdict), method_prepare, OPEN_TO_ALL),
                SD_BUS_METHOD_WITH_ARGS("ConfirmNotices", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_confirm_notices,
                                        OPEN_TO_ALL),
                SD_BUS_METHOD_WITH_ARGS("Arm", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_arm, OPEN_TO_ALL),
                SD_BUS_METHOD_WITH_ARGS("Start", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_start, OPEN_TO_ALL),
                SD_BUS_METHOD_WITH_ARGS("Go", SD_BUS_ARGS("u", permille), SD_BUS_NO_RESULT, method_go, OPEN_TO_ALL),
                SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_ARGS("b", now), SD_BUS_NO_RESULT, method_pause, OPEN_TO_ALL),
                SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_resume, OPEN_TO_ALL),
                SD_BUS_METHOD_WITH_ARGS("Take", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_take, OPEN_TO_ALL),
                SD_BUS_METHOD_WITH_ARGS("Stop", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_stop, OPEN_TO_ALL),
                SD_BUS_METHOD_WITH_ARGS("Close", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_close, OPEN_TO_ALL),
                SD_BUS_SIGNAL_WITH_ARGS("Ended", SD_BUS_ARGS("s", reason, "u", delivered, "u", missed), 0),
                SD_BUS_VTABLE_END,
};
