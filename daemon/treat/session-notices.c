/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notices. A protocol may be allowed although no published table covers it, or although the threshold is a doubtful
 * one. Then the policy wants a second confirmation: nothing is armed before the owner has given it and it is on disk.
 * It holds for one preparation.
 */
#include "notices.h"
#include "session.h"

void session_set_notices(struct session *s, char **notices)
{
        notices_free(s->notices);
        s->notices = notices;
        s->notices_confirmed = false;
}

json_t *session_notices_json(const struct session *s)
{
        json_t *notices = json_array();
        char **p;

        for (p = s->notices; notices && *p; p++) {
                if (json_array_append_new(notices, json_string(*p)) < 0) {
                        json_decref(notices);
                        return NULL;
                }
        }
        return notices;
}

/* --- ConfirmNotices ------------------------------------------------------------------------ */

struct confirmation {
        struct session *s;
        struct request *q;
};

static void on_recorded(const struct audit_result *result, void *userdata)
{
        struct confirmation *c = userdata;
        struct session *s = c->s;
        char sentence[AUDIT_REFUSAL_SIZE];
        enum error refusal;

        s->busy = NULL;
        if (result->error < 0) {
                refusal = audit_refusal(s->ward->recorder->audit, result->error, sentence);
                request_refuse(c->q, refusal, "%s", sentence);
        } else if (session_is(s, SESSION_OVER)) {
                request_refuse(c->q, ERROR_OUT_OF_ORDER, "ConfirmNotices: the session has changed meanwhile: %s",
                               s->end_text);
        } else if (s->state != SESSION_PREPARED) {
                request_refuse(c->q, ERROR_OUT_OF_ORDER,
                               "ConfirmNotices: the session has changed meanwhile, and is %s: %s.",
                               session_state_name(s->state), session_state_step(s->state));
        } else {
                s->notices_confirmed = true;
                (void)sd_bus_emit_properties_changed(s->ward->bus, s->path, SESSION_INTERFACE, "NoticesConfirmed",
                                                     NULL);
                session_tell_gates(s);
                request_reply(c->q);
        }
        session_unref(s);
        free(c);
}

static json_t *describe(const struct session *s)
{
        return json_pack("{s:s, s:s, s:s, s:o}", "session", s->id, "protocol", s->protocol_id, "sha256",
                         s->protocol_sha256, "notices", session_notices_json(s));
}

void session_confirm_notices(struct request *q, struct session *s)
{
        struct confirmation *c;

        if (!session_may_begin(q, s, "ConfirmNotices", IN_STATE(SESSION_PREPARED)))
                return;
        if (!s->notices) {
                request_refuse(q, ERROR_OUT_OF_ORDER, "ConfirmNotices: %s has no notice to confirm.", s->protocol_id);
                return;
        }
        if (s->notices_confirmed) {
                request_refuse(q, ERROR_OUT_OF_ORDER, "ConfirmNotices: they have been confirmed already.");
                return;
        }
        c = malloc(sizeof(*c));
        if (!c) {
                request_refuse(q, ERROR_FAILED, "No memory. End other programs and try again.");
                return;
        }
        *c = (struct confirmation){.s = session_ref(s), .q = q};
        s->busy = "ConfirmNotices";
        if (audit_write(s->ward->recorder->audit,
                        &(struct audit_record){.type = "session.confirm",
                                               .who = request_who(q),
                                               .on = s->path,
                                               .data = describe(s),
                                               .refusable = true},
                        on_recorded, c) < 0)
                on_recorded(&(struct audit_result){.error = -ENOMEM}, c);
}
