/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One method of a session under way, and its refusals in words. See session-step.h. */
#include <assert.h>
#include <inttypes.h>

#include "pulseline.h"
#include "session-step.h"

struct step *step_new(struct request *q, struct session *s, const struct step_plan *plan)
{
        struct step *step = calloc(1, sizeof(*step));

        if (!step) {
                request_refuse(q, ERROR_FAILED, "No memory. End other programs and try again.");
                return NULL;
        }
        step->s = session_ref(s);
        step->q = q;
        step->plan = plan;
        assert(!s->busy);
        s->busy = plan->method;
        s->adds_risk = true;
        s->overtaken = NULL;
        return step;
}

void step_free(struct step *step)
{
        step->s->busy = step->s->overtaken = NULL;
        step->s->adds_risk = false;
        tms_device_close(step->device);
        session_unref(step->s);
        free(step);
}

bool step_may_go_on(struct step *step, const struct audit_result *result, const char *type)
{
        struct session *s = step->s;
        char sentence[AUDIT_REFUSAL_SIZE];
        const char *why;
        enum error refusal;

        assert(s->busy);
        /* The log may have failed at a later record. */
        if (result->error < 0 || audit_failure(s->ward->recorder->audit)) {
                refusal = audit_refusal(s->ward->recorder->audit, result->error, sentence);
                request_refuse(step->q, refusal, "%s", sentence);
                step_free(step);
                return false;
        }
        if (!s->overtaken && session_is(s, step->plan->states))
                return true;
        why = session_is(s, SESSION_OVER) ? s->end_text : s->overtaken ? s->overtaken : session_state_name(s->state);
        session_record(s, type, NULL, json_pack("{s:s}", "error", why));
        if (session_is(s, SESSION_OVER))
                request_refuse(step->q, ERROR_OUT_OF_ORDER, "%s: the session has changed meanwhile: %s",
                               step->plan->method, why);
        else if (s->overtaken)
                request_refuse(step->q, ERROR_OUT_OF_ORDER, "%s: %s", step->plan->method, why);
        else
                request_refuse(step->q, ERROR_OUT_OF_ORDER, "%s: the session has changed meanwhile, and is %s: %s.",
                               step->plan->method, why, session_state_step(s->state));
        step_free(step);
        return false;
}

void step_write_intent(struct step *step, const char *type, json_t *data, uint64_t need_bytes, audit_done_fn done)
{
        struct session *s = step->s;
        int r;

        assert(done && s->busy == step->plan->method && s->adds_risk);
        if (!data)
                data = json_object();
        json_add(&data, "session", json_string(s->id));
        r = audit_write(s->ward->recorder->audit,
                        &(struct audit_record){.type = type,
                                               .who = request_who(step->q),
                                               .on = s->path,
                                               .data = data,
                                               .need_bytes = need_bytes,
                                               .refusable = true},
                        done, step);
        if (r < 0)
                done(&(struct audit_result){.error = r}, step);
}

uint64_t step_room_needed(const struct session *s)
{
        /* Each pulse has two records. */
        return 2ULL * s->timeline.count * PULSELINE_MAX + 1;
}

/* --- Refusals in words ---------------------------------------------------------------------- */

bool session_may_begin(struct request *q, struct session *s, const char *method, unsigned states)
{
        char open[INTERLOCK_TEXT_SIZE];

        if (!gates_ask(q, &s->gated, method, GATES_OF_ANY))
                return false;
        if (session_is(s, SESSION_OVER)) {
                request_refuse(q, ERROR_OUT_OF_ORDER, "%s: the session has ended: %s", method, s->end_text);
                return false;
        }
        if (s->busy) {
                request_refuse(q, ERROR_OUT_OF_ORDER, "%s: wait until %s is done.", method, s->busy);
                return false;
        }
        if (session_is(s, states))
                return true;
        (void)stimulator_refresh(s->st);
        card_gates_text(s->st->status.interlocks, open, sizeof(open));
        if (s->state == SESSION_DROPPED && *open)
                request_refuse(q, ERROR_INTERLOCK_OPEN, "%s Then prepare the session again.", open);
        else if (s->state == SESSION_DROPPED)
                request_refuse(q, ERROR_OUT_OF_ORDER, "%s: the session has to be prepared again: %s", method,
                               tms_cause_sentence(s->st->status.cause));
        else if (s->state == SESSION_PREPARED && *open)
                request_refuse(q, ERROR_INTERLOCK_OPEN, "%s", open);
        else
                request_refuse(q, ERROR_OUT_OF_ORDER, "%s: not while the session is %s: %s.", method,
                               session_state_name(s->state), session_state_step(s->state));
        return false;
}

json_t *session_error_json(int error, const struct tms_why *why)
{
        return why && why->reason != TMS_REASON_NONE
                               ? json_sprintf("%s (%s)", strerror(-error), tms_reason_name(why->reason))
                               : json_string(strerror(-error));
}

/* Is what somebody sees at the stimulator, an interlock that is open, a better answer than the driver's own reason? */
static bool interlock_says_it(int error, uint32_t reason)
{
        switch (reason) {
        case TMS_REASON_NONE:
                return error != -ENOMEM && error != -E2BIG;
        case TMS_REASON_CHANGED:
        case TMS_REASON_STATE:
        case TMS_REASON_INTERLOCK:
        case TMS_REASON_FAULT:
        case TMS_REASON_NO_COIL:
        case TMS_REASON_CARD:
                return true;
        default:
                return false;
        }
}

/* "in 45 s", rounded up; "in a minute" where the driver does not know. */
static const char *when_again(const struct tms_why *why, char *buf, size_t size)
{
        uint64_t s = why->wait_ns / NS_PER_S + (why->wait_ns % NS_PER_S > 0);

        if (why->wait_ns == 0)
                return "in a minute";
        (void)snprintf(buf, size, s < 120 ? "in %" PRIu64 " s" : "in %" PRIu64 " minutes", s < 120 ? s : (s + 59) / 60);
        return buf;
}

/*
 * A fault stays when the interlock that it came from has closed again, and the interlock's sentence is wrong then. The
 * watchdog is never seen open, so that its sentence stays. open: the interlocks that are open now.
 */
static void refuse_fault(struct request *q, uint32_t cause, uint32_t open)
{
        const uint32_t bit = cause - TMS_CAUSE_EMERGENCY_STOP;

        if (cause >= TMS_CAUSE_EMERGENCY_STOP && cause < TMS_CAUSE_WATCHDOG && !(open & (1U << bit)))
                request_refuse(q, ERROR_FAULT,
                               "The stimulator is in fault by %s, which is over; clear the fault (tmsctl clear-fault), "
                               "then try again.",
                               tms_interlock_name(bit));
        else
                request_refuse(q, ERROR_FAULT,
                               "The stimulator is in fault: %s When that is mended, clear the fault: tmsctl "
                               "clear-fault.",
                               tms_cause_sentence(cause));
}

/*
 * The driver's own reason, in a sentence. False: it gives none that says more than the errno. open: the interlocks that
 * are open now.
 */
static bool refuse_reason(struct request *q, const char *method, int error, const struct tms_why *why, uint32_t open)
{
        char when[64];

        switch (why->reason) {
        case TMS_REASON_NONE:
        case TMS_REASON_VERDICT:
                return false;
        case TMS_REASON_STATE:
                request_refuse(q, ERROR_OUT_OF_ORDER,
                               "%s: the stimulator is %s. Try again in a moment, or stop it: tmsctl stop.", method,
                               tms_state_name((uint32_t)why->detail));
                return true;
        case TMS_REASON_FAULT:
                refuse_fault(q, (uint32_t)why->detail, open);
                return true;
        case TMS_REASON_UNFIT:
                request_refuse(q, ERROR_UNFIT, "%s Worst timer error: %" PRIu64 " ns.",
                               tms_cause_sentence(TMS_CAUSE_UNFIT), (uint64_t)why->detail);
                return true;
        case TMS_REASON_NO_COIL:
                request_refuse(q, ERROR_INTERLOCK_OPEN, "%s", tms_reason_sentence(why->reason));
                return true;
        case TMS_REASON_INTERLOCK:
        case TMS_REASON_CARD:
                request_refuse(q, ERROR_FAULT, "%s: %s", method, tms_reason_sentence(why->reason));
                return true;
        case TMS_REASON_TIMELINE:
        case TMS_REASON_CHANGED:
        case TMS_REASON_LEASE:
        case TMS_REASON_STOPPING:
        case TMS_REASON_OVER:
        case TMS_REASON_AWAY:
        case TMS_REASON_DISCHARGED:
                request_refuse(q, ERROR_OUT_OF_ORDER, "%s: %s", method, tms_reason_sentence(why->reason));
                return true;
        default:
                break;
        }
        if (error == -EAGAIN)
                request_refuse(q, ERROR_FAILED, "%s: not yet: %s Try again %s.", method,
                               tms_reason_sentence(why->reason), when_again(why, when, sizeof(when)));
        else
                request_refuse(q, ERROR_FAILED, "%s: %s", method, tms_reason_sentence(why->reason));
        return true;
}

void session_refuse_errno(struct request *q, struct session *s, const char *method, int error,
                          const struct tms_why *why, const struct tms_verdict *verdict)
{
        static const struct tms_why no_reason = {0};
        const struct tms_status *k = &s->st->status;
        char text[INTERLOCK_TEXT_SIZE];

        if (!why)
                why = &no_reason;
        (void)stimulator_refresh(s->st);
        card_gates_text(k->interlocks, text, sizeof(text));
        if (error == -ENODEV) {
                request_refuse(q, ERROR_NO_STIMULATOR,
                               "The stimulator was unplugged. Put it back, or take another one, and begin a new "
                               "session.");
        } else if (k->state == TMS_STATE_FAULT && (error == -EPERM || error == -EPROTO || error == -EBUSY)) {
                refuse_fault(q, k->cause, k->interlocks);
        } else if (*text && interlock_says_it(error, why->reason)) {
                request_refuse(q, ERROR_INTERLOCK_OPEN, "%s", text);
        } else if ((error == -ERANGE || error == -EINVAL) && verdict && verdict->rule != TMS_RULE_NONE) {
                request_refuse(q, ERROR_LIMIT_EXCEEDED, "%s", tms_verdict_format(verdict, text, sizeof(text)));
        } else if (refuse_reason(q, method, error, why, k->interlocks)) {
                return;
        } else if (error == -EPERM) {
                request_refuse(q, ERROR_FAULT,
                               "Something has opened an interlock since the last fault was cleared; clear it first: "
                               "tmsctl clear-fault.");
        } else if (error == -ETIME && k->cause == TMS_CAUSE_UNFIT) {
                request_refuse(q, ERROR_UNFIT, "%s Worst timer error: %u ns.", tms_cause_sentence(k->cause),
                               k->fitness_max_ns);
        } else if (error == -ETIME) {
                request_refuse(q, ERROR_FAILED, "%s", tms_cause_sentence(TMS_CAUSE_ARM_TIMEOUT));
        } else if (error == -ESHUTDOWN) {
                request_refuse(q, ERROR_OUT_OF_ORDER,
                               "%s: the stimulator was discharged just now, after a minute without a pulse. Ask once "
                               "more, and it is charged first.",
                               method);
        } else if (error == -EAGAIN) {
                request_refuse(q, ERROR_FAILED,
                               "%s: not yet; what the card has fired before is not known, or its records are not "
                               "on disk. Try again in a minute.",
                               method);
        } else if (error == -EPROTO || error == -EBUSY) {
                request_refuse(q, ERROR_OUT_OF_ORDER,
                               "%s: the stimulator is %s. Try again in a moment, or stop it: tmsctl stop.", method,
                               tms_state_name(k->state));
        } else if (error == -ESTALE) {
                request_refuse(q, ERROR_OUT_OF_ORDER,
                               "%s: the coil or the limits have changed; prepare the session again.", method);
        } else {
                request_refuse(q, ERROR_FAILED, "%s: %s. Try again; if that does not help, journalctl -k says more.",
                               method, strerror(-error));
        }
}
