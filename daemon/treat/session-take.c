/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Take: another client becomes the owner of a session whose owner has left or does not answer. It is paused, and stays
 * so: the new owner resumes it. Who took it is on disk before it counts.
 */
#include "session.h"

struct take {
        struct session *s;
        struct request *q;
        struct keeper *keeper; /* of the client that takes it, until it is the owner */
};

static void take_free(struct take *t)
{
        session_unref(t->s);
        keeper_free(t->keeper);
        free(t);
}

/* Is there still something to take, and somebody who takes it? */
static bool may_take(struct take *t)
{
        struct session *s = t->s;

        if (session_is(s, SESSION_OVER))
                request_refuse(t->q, ERROR_OUT_OF_ORDER, "Take: the session has ended: %s", s->end_text);
        else if (keeper_has_left(t->keeper))
                request_refuse(t->q, ERROR_OUT_OF_ORDER,
                               "Take: the caller has left the bus. Take the session from a program that stays.");
        else if (s->owner_state == OWNER_THERE || !session_is(s, SESSION_IS_PAUSED))
                request_refuse(t->q, ERROR_NOT_OWNER,
                               "Take: the owner of session %s has gone on with it meanwhile: ask for it there.", s->id);
        else
                return true;
        return false;
}

static void on_recorded(const struct audit_result *result, void *userdata)
{
        struct take *t = userdata;
        struct session *s = t->s;
        char sentence[AUDIT_REFUSAL_SIZE];
        enum error refusal;
        uid_t uid = 0;
        bool uid_known;

        s->busy = NULL;
        if (result->error < 0) {
                refusal = audit_refusal(s->ward->recorder->audit, result->error, sentence);
                request_refuse(t->q, refusal, "%s", sentence);
        } else if (may_take(t)) {
                uid_known = request_uid(t->q, &uid);
                session_owner_set(s, TAKE_PTR(t->keeper), request_sender(t->q), uid_known, uid);
                request_reply(t->q);
        }
        take_free(t);
}

static void begin(struct request *q, struct session *s)
{
        const char *before = s->owner_state == OWNER_LEFT ? s->owner_before : s->owner;
        struct take *t = calloc(1, sizeof(*t));
        int r;

        if (!t) {
                request_refuse(q, ERROR_FAILED, "No memory. End other programs and try again.");
                return;
        }
        t->s = session_ref(s);
        t->q = q;
        r = session_owner_watch(s, request_sender(q), &t->keeper);
        if (r < 0) {
                request_refuse(q, ERROR_FAILED,
                               "Take: it cannot be watched whether the new owner is there: %s. Try again; if that does "
                               "not help, journalctl -u tmsd says more.",
                               strerror(-r));
                take_free(t);
                return;
        }
        s->busy = "Take";
        r = audit_write(s->ward->recorder->audit,
                        &(struct audit_record){.type = "session.take",
                                               .who = request_who(q),
                                               .on = s->path,
                                               .data = json_pack("{s:s, s:s, s:s}", "session", s->id, "before", before,
                                                                 "reason", owner_state_name(s->owner_state)),
                                               .refusable = true},
                        on_recorded, t);
        if (r < 0)
                on_recorded(&(struct audit_result){.error = r}, t);
}

void session_take(struct request *q, struct session *s)
{
        if (!session_is(s, SESSION_OVER) && STREQ(request_sender(q), s->owner)) {
                session_owner_calls(s);
                request_reply(q);
        } else if (!session_is(s, SESSION_OVER) && s->owner_state == OWNER_THERE) {
                request_refuse(q, ERROR_NOT_OWNER,
                               "Take: session %s belongs to a client that is there (%s): it can be taken once that has "
                               "left the bus or does not answer. Ask for it there; anybody may pause or stop it.",
                               s->id, s->owner);
        } else if (session_may_begin(q, s, "Take", SESSION_IS_PAUSED)) {
                begin(q, s);
        }
}
