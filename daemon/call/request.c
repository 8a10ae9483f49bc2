/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One method call, from its arrival to its answer; see request.h. */
#include <stdarg.h>

#include "audit.h"
#include "callers.h"
#include "clock.h"
#include "jsonline.h"
#include "recorder.h"
#include "request.h"
#include "schema.h"
#include "tms.h"

struct request {
        TAILQ_ENTRY(request) link; /* in calls->asking, while asking is true */
        bool asking;
        struct calls *calls;
        sd_bus_message *m;
        sd_bus_slot *slot;
        uid_t uid;
        bool uid_known;
        const char *action, *otherwise; /* otherwise: asked about when polkit has said no to the first; may be NULL */
        char answer[16];
        struct question_share share; /* what it takes of the questions that may be open at polkit */
        void *object;
        void *(*release)(void *);
        request_fn go;
        request_own_fn done; /* called with the answer to the daemon's own call, whose m is NULL */
        const char *method, *path;
};

static void set_asking(struct request *q, bool asking)
{
        if (q->asking == asking)
                return;
        q->asking = asking;
        if (asking) {
                TAILQ_INSERT_TAIL(&q->calls->asking, q, link);
        } else {
                TAILQ_REMOVE(&q->calls->asking, q, link);
                callers_answered(q->calls->callers, request_sender(q), &q->share);
        }
}

static void request_free(struct request *q)
{
        set_asking(q, false);
        sd_bus_slot_unref(q->slot);
        sd_bus_message_unref(q->m);
        if (q->release)
                q->release(q->object);
        free(q);
}

sd_bus_message *request_message(struct request *q)
{
        return q->m;
}

const char *request_sender(const struct request *q)
{
        return q->m ? sd_bus_message_get_sender(q->m) : NULL;
}

bool request_uid(const struct request *q, uid_t *ret)
{
        if (q->uid_known)
                *ret = q->uid;
        return q->uid_known;
}

json_t *request_who(const struct request *q)
{
        json_t *who;

        if (!q->m)
                return NULL;
        who = json_object();
        if (q->uid_known)
                json_add(&who, "uid", json_integer(q->uid));
        json_add(&who, "sender", json_string(request_sender(q)));
        if (q->action) {
                json_add(&who, "action", json_string(q->action));
                json_add(&who, "answer", json_string(q->answer));
        }
        return who ? who : json_null();
}

void request_reply_message(struct request *q, sd_bus_message *reply)
{
        int r = reply ? sd_bus_send(NULL, reply, NULL) : -ENOMEM;

        if (r < 0)
                (void)sd_bus_reply_method_errno(q->m, r, NULL);
        request_free(q);
}

void request_drop(struct request *q)
{
        request_free(q);
}

void request_reply(struct request *q)
{
        int r;

        if (!q->m) {
                q->done(ERROR_NONE, NULL, q->object);
                request_free(q);
                return;
        }
        r = sd_bus_reply_method_return(q->m, NULL);
        /* It is sent a second time if it failed, since a caller without an answer waits until its own timeout. */
        if (r < 0)
                r = sd_bus_reply_method_return(q->m, NULL);
        if (r < 0)
                (void)sd_bus_reply_method_errno(q->m, r, NULL);
        request_free(q);
}

/* --- Refusals ------------------------------------------------------------------- */

const char *request_quote(const char *text, char buf[static QUOTE_SIZE])
{
        const size_t most = QUOTE_SIZE - sizeof("...");

        (void)snprintf(buf, most + 1, "%s", text);
        (void)tms_text_line(buf);
        if (strlen(text) > most)
                strcat(buf, "...");
        return buf;
}

bool request_given_once(struct request *q, struct given *g, const char *what, const char *name)
{
        char quote[QUOTE_SIZE];
        size_t i;

        for (i = 0; i < g->n && !STREQ(g->name[i], name); i++)
                ;
        if (i < g->n || i == GIVEN_MAX) {
                request_refuse(q, ERROR_INVALID_ARGUMENT,
                               "%s %s is given twice; expected is each name once: call again with the one value that "
                               "is "
                               "meant.",
                               what, request_quote(name, quote));
                return false;
        }
        g->name[g->n++] = name;
        return true;
}

char *request_sentences(const char *const *sentences)
{
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return NULL;
        for (; *sentences; sentences++)
                (void)fprintf(f, " %s", *sentences);
        if (fclose(f) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

static void log_not_authorized(const struct request *q, const char *method)
{
        if (q->uid_known)
                log_event(CALL_NOT_AUTHORIZED,
                          FIELDS(field_text("METHOD", method), field_text("POLKIT_ACTION", q->action),
                                 field_text("POLKIT_ANSWER", q->answer), field_number("CALLER_UID", q->uid)),
                          "%s of user %u is refused: polkit's answer on %s is %s", method, (unsigned)q->uid, q->action,
                          q->answer);
}

/*
 * The caller is told the whole sentence; the audit log's record has a longest length for it and for the object's path.
 * The journal gets an event only when the audit log gets a record: anybody may cause refusals, and the limit on the
 * records has to hold for the journal too.
 */
static void record_refusal(struct request *q, enum error error, const char *message)
{
        const char *method = q->m ? sd_bus_message_get_member(q->m) : q->method;
        char on[QUOTE_SIZE];
        bool recorded;

        recorded = recorder_note_limited(q->calls->recorder, "request.refused", request_who(q),
                                         request_quote(q->m ? sd_bus_message_get_path(q->m) : q->path, on),
                                         json_pack("{s:s, s:s, s:o}", "method", method, "error", error_name(error),
                                                   "message", json_clipped(message, SCHEMA_MESSAGE)));
        if (recorded && error == ERROR_NOT_AUTHORIZED)
                log_not_authorized(q, method);
}

void request_refuse(struct request *q, enum error error, const char *format, ...)
{
        _cleanup_(freep) char *own = NULL;
        const char *message = "No memory. End other programs and try again.";
        sd_bus_error answer;
        va_list ap;
        int r;

        va_start(ap, format);
        if (vasprintf(&own, format, ap) < 0)
                own = NULL;
        va_end(ap);
        /* Neither the bus nor the log takes a text that is not UTF-8, and both must have one. */
        if (own)
                message = tms_text_line(own);
        record_refusal(q, error, message);
        if (!q->m) {
                q->done(error, message, q->object);
                request_free(q);
                return;
        }
        answer = error_with(error, message);
        r = sd_bus_reply_method_error(q->m, &answer);
        if (r < 0) {
                /* The caller still gets the errno. */
                log_error("%s: the refusal cannot be sent as it is: %s", sd_bus_message_get_member(q->m), strerror(-r));
                (void)sd_bus_reply_method_errno(q->m, r, NULL);
        }
        request_free(q);
}

/* --- Who calls, and whether polkit allows it ------------------------------------- */

static void ask(struct request *q);

static void on_polkit(const char *answer, void *userdata)
{
        struct request *q = userdata;

        set_asking(q, false);
        (void)snprintf(q->answer, sizeof(q->answer), "%s", answer);
        if (STREQ(answer, "yes")) {
                callers_let_in(q->calls->callers, request_sender(q), clock_monotonic_ns());
                q->go(q, q->object);
                return;
        }
        if (q->otherwise && !STREQ(answer, "unavailable")) {
                q->action = TAKE_PTR(q->otherwise);
                set_asking(q, true);
                ask(q);
                return;
        }
        if (STREQ(answer, "unavailable"))
                request_refuse(q, ERROR_NOT_AUTHORIZED,
                               "Polkit does not answer, and without it nobody is authorized for %s. Start it: "
                               "systemctl restart polkit.",
                               q->action);
        else if (polkit_is_never(q->uid, q->action))
                request_refuse(q, ERROR_NOT_AUTHORIZED,
                               "You are not authorized for %s: root never is, but %s: call as one of them.", q->action,
                               polkit_who_may(q->action));
        else
                request_refuse(q, ERROR_NOT_AUTHORIZED, "You are not authorized for %s: polkit says %s; %s.%s",
                               q->action, answer, polkit_who_may(q->action),
                               STREQ(q->action, ACTION_MANAGE) ? " Ask one of them."
                                                               : " To become one, have an administrator run sudo "
                                                                 "usermod -aG GROUP NAME, then log in anew.");
}

static void ask(struct request *q)
{
        int r;

        q->slot = sd_bus_slot_unref(q->slot);
        if (!q->action) {
                q->go(q, q->object);
                return;
        }
        if (!callers_may_question(q->calls->callers, request_sender(q), q->uid, clock_monotonic_ns(), &q->share)) {
                (void)snprintf(q->answer, sizeof(q->answer), "not asked");
                request_refuse(q, ERROR_TOO_MANY_REQUESTS,
                               "Polkit has yet to answer earlier calls, so it is not asked about this one: wait for "
                               "those answers, then try again. Stop and Pause need no answer.");
                return;
        }
        r = polkit_ask(q->calls->bus, request_sender(q), q->uid, q->action,
                       sd_bus_message_get_allow_interactive_authorization(q->m) > 0, on_polkit, q, &q->slot);
        if (r < 0)
                on_polkit("unavailable", q);
}

static int on_uid(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct request *q = userdata;
        uint32_t uid;

        if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_read(m, "u", &uid) >= 0) {
                q->uid = uid;
                q->uid_known = true;
                (void)callers_remember(q->calls->callers, request_sender(q), uid);
        }
        if (q->action && !q->uid_known) {
                /* The caller has left the bus already, so polkit cannot be asked about it. */
                (void)snprintf(q->answer, sizeof(q->answer), "gone");
                request_refuse(q, ERROR_NOT_AUTHORIZED, "The caller has left the bus.");
                return 0;
        }
        ask(q);
        return 0;
}

unsigned request_let_go(struct calls *calls, const void *object, const char *why)
{
        struct request *q, *next;
        unsigned n = 0;

        for (q = TAILQ_FIRST(&calls->asking); q; q = next) {
                next = TAILQ_NEXT(q, link);
                if (object && q->object != object)
                        continue;
                (void)snprintf(q->answer, sizeof(q->answer), "none");
                request_refuse(q, ERROR_OUT_OF_ORDER, "%s: %s", sd_bus_message_get_member(q->m), why);
                n++;
        }
        return n;
}

struct request *request_own(struct calls *calls, const char *method, const char *path, request_own_fn done,
                            void *userdata)
{
        struct request *q = calloc(1, sizeof(*q));

        if (!q)
                return NULL;
        q->calls = calls;
        q->method = method;
        q->path = path;
        q->done = done;
        q->object = userdata;
        return q;
}

int request_begin(struct calls *calls, sd_bus_message *m, const char *action, void *object, void *(*keep)(void *),
                  void *(*release)(void *), request_fn go)
{
        struct request *q = calloc(1, sizeof(*q));
        const struct caller *caller;
        int r;

        if (!q) {
                if (release && !keep)
                        release(object);
                return -ENOMEM;
        }
        q->calls = calls;
        q->m = sd_bus_message_ref(m);
        q->action = action;
        if (action && STREQ(action, ACTION_TREAT_OR_PRESCRIBE)) {
                q->action = ACTION_TREAT;
                q->otherwise = ACTION_PRESCRIBE;
        } else if (action && STREQ(action, ACTION_TREAT_OR_READ)) {
                q->action = ACTION_TREAT;
                q->otherwise = ACTION_READ;
        }
        q->object = keep ? keep(object) : object;
        q->release = release;
        q->go = go;
        /* A call that asks polkit can be let go by request_let_go(). A call that needs no permission ends by itself. */
        set_asking(q, action != NULL);
        caller = callers_find(calls->callers, request_sender(q));
        if (caller) {
                q->uid = caller->uid;
                q->uid_known = true;
                ask(q);
                return 1;
        }
        /* The bus is asked without waiting: a bus that is stuck must not stop the loop. */
        r = sd_bus_call_method_async(calls->bus, &q->slot, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                     "org.freedesktop.DBus", "GetConnectionUnixUser", on_uid, q, "s",
                                     request_sender(q));
        if (r < 0) {
                request_free(q);
                return r;
        }
        return 1;
}
