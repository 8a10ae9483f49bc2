/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An owner who has left the bus, or does not answer. Nobody watches the treatment then, and it is paused at once. It
 * does not end: subject, dose and place are kept for whoever takes it (session-take.c), or for a silent owner who answers
 * again, and when nobody has done so in time it ends as abandoned. Before Start there is nothing to keep, and an owner who leaves ends
 * the session. The owner is asked whether it answers only while pulses may be fired; in every other state nothing
 * happens without a call.
 */
#include <assert.h>

#include "session.h"

#define HOLD_ACCURACY_USEC (100 * USEC_PER_MS)

static void set_owner_state(struct session *s, enum owner_event event)
{
        const enum owner_state from = s->owner_state, to = owner_next(from, event);

        assert(to != OWNER_NOWHERE);
        s->owner_state = to;
        if (to != from && s->slot)
                (void)sd_bus_emit_properties_changed(s->ward->bus, s->path, SESSION_INTERFACE, "OwnerState", NULL);
}

/* Needs no memory, so it cannot fail. */
static void hold(struct session *s, bool on)
{
        int r = 0;

        if (on)
                r = sd_event_source_set_time_relative(s->hold, s->ward->hold_ns / 1000);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->hold, on ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
        assert(r >= 0);
}

static int on_held(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct session *s = userdata;

        if (session_is(s, SESSION_STARTED) && s->owner_state != OWNER_THERE)
                session_end_as(s, ENDING_ABANDONED, NULL);
        return 0;
}

/* why: what is said to whoever is overtaken. It has to last, as text does. */
static void pause_without_owner(struct session *s, const char *reason, const char *text, const char *why)
{
        int r = 0;

        if (session_is(s, SESSION_RUNS))
                r = tms_device_pause(s->control, true);
        (void)session_overtake(s, why);
        session_log_pause(s, reason);
        session_record(s, "session.pause", NULL,
                       json_pack("{s:s, s:s, s:b}", "reason", reason, "text", text, "now", 1));
        /* The session may have ended meanwhile, as records say that are read only here. */
        session_catch_up(s);
        if (session_is(s, SESSION_RUNS)) {
                if (r < 0)
                        session_end(s, reason, text, NULL);
                else
                        session_set_pausing(s, PAUSING_NOW);
        }
        if (!session_is(s, SESSION_OVER))
                hold(s, true);
}

static void on_silent(struct keeper *k, const char *text, void *userdata)
{
        struct session *s = userdata;

        if (k != s->keeper || !session_is(s, SESSION_RUNS))
                return;
        session_ref(s);
        set_owner_state(s, OWNER_FALLS_SILENT);
        pause_without_owner(s, endings[ENDING_OWNER_FROZEN].reason, text,
                            "the program that owns the session does not answer. Let it go on (fg), or take the session "
                            "(tmsctl take), then ask again.");
        session_unref(s);
}

static void on_left(struct keeper *k, const char *text, void *userdata)
{
        struct session *s = userdata;

        /* One who wanted to take the session, and is not its owner. */
        if (k != s->keeper)
                return;
        session_ref(s);
        if (!session_is(s, SESSION_STARTED)) {
                session_end(s, endings[ENDING_OWNER_LEFT].reason, text, NULL);
        } else {
                memcpy(s->owner_before, s->owner, sizeof(s->owner));
                s->owner[0] = '\0';
                s->owner_uid_known = false;
                set_owner_state(s, OWNER_LEAVES);
                if (s->slot)
                        (void)sd_bus_emit_properties_changed(s->ward->bus, s->path, SESSION_INTERFACE, "Owner", NULL);
                pause_without_owner(s, endings[ENDING_OWNER_LEFT].reason, text,
                                    "the program that owned the session has left the bus. Take the session (tmsctl "
                                    "take), then ask again.");
        }
        /* Whoever takes the session keeps it on the bus when it has ended. */
        session_close(s, NULL);
        session_unref(s);
}

void session_owner_calls(struct session *s)
{
        if (!session_is(s, SESSION_STARTED))
                return;
        set_owner_state(s, OWNER_CALLS);
        hold(s, false);
}

int session_owner_watch(struct session *s, const char *name, struct keeper **ret)
{
        return keeper_new(s->ward->bus, s->ward->event, name, on_left, on_silent, s, ret);
}

void session_owner_set(struct session *s, struct keeper *keeper, const char *name, bool uid_known, uid_t uid)
{
        assert(session_is(s, SESSION_IS_PAUSED) && s->owner_state != OWNER_THERE);
        keeper_free(s->keeper);
        s->keeper = keeper;
        (void)snprintf(s->owner, sizeof(s->owner), "%s", name);
        s->owner_uid_known = uid_known;
        s->owner_uid = uid;
        s->closed = false;
        hold(s, false);
        if (s->slot)
                (void)sd_bus_emit_properties_changed(s->ward->bus, s->path, SESSION_INTERFACE, "Owner", NULL);
        set_owner_state(s, OWNER_TAKEN);
}

int session_owner_new(struct session *s)
{
        int r;

        s->owner_state = OWNER_THERE;
        r = sd_event_add_time(s->ward->event, &s->hold, CLOCK_MONOTONIC, UINT64_MAX, HOLD_ACCURACY_USEC, on_held, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->hold, SD_EVENT_OFF);
        if (r >= 0)
                r = session_owner_watch(s, s->owner, &s->keeper);
        if (r >= 0)
                (void)sd_event_source_set_description(s->hold, "session-hold");
        return r;
}
