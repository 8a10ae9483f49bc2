/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start, go, pause, resume. Start, Go and Resume add risk. Each of them writes its intent to disk, looks at the state
 * again, asks the kernel, and records the outcome. Go and Resume charge the card before that if it is discharged. A
 * pause asks the kernel first and records it afterwards.
 */
#include <assert.h>

#include "session-break.h"
#include "session-rest.h"
#include "gates.h"

/* From the request to pulse 0: enough to take one's hands away, and far more than the card needs for a set-point. */
#define START_DELAY_NS (200 * NS_PER_MS)
#define RESUME_DELAY_NS (200 * NS_PER_MS)

/* --- Start ------------------------------------------------------------------------------------------ */

static void on_start_intent(const struct audit_result *result, void *userdata)
{
        struct step *step = userdata;
        struct session *s = step->s;
        struct tms_verdict verdict = {0};
        struct tms_why why;
        uint64_t start_ns, delay_ns = START_DELAY_NS;
        uint32_t number;
        int r;

        if (!step_may_go_on(step, result, "session.start"))
                return;
        assert(s->control && s->timeline.count > 0);
        session_rest_wait(s, &delay_ns);
        r = tms_device_start(s->control, s->timeline_gen, delay_ns, &start_ns, &number, &verdict);
        if (r < 0) {
                tms_device_why(s->control, &why);
                session_record(s, "session.start", NULL, json_pack("{s:o}", "error", session_error_json(r, &why)));
                session_refuse_errno(step->q, s, "Start", r, &why, &verdict);
                session_follow_kernel(s);
                step_free(step);
                return;
        }
        s->run = number;
        s->next_pulse = s->first_pulse;
        s->released = 0;
        session_record(s, "session.start", NULL,
                       json_pack("{s:o, s:o}", "start_ns", json_u64(start_ns), "run", json_u64(number)));
        session_on(s, SESSION_START);
        session_refresh(s);
        request_reply(step->q);
        step_free(step);
}

static const struct step_plan start = {.method = "Start", .states = IN_STATE(SESSION_ARMED)};

void session_start(struct request *q, struct session *s)
{
        struct step *step;

        if (!session_may_begin(q, s, start.method, start.states) ||
            !gates_ask(q, &s->gated, start.method, GATES_OF_START) || !session_rest_is_due(q, s, start.method))
                return;
        step = step_new(q, s, &start);
        if (step)
                step_write_intent(step, "session.start.intent", NULL, step_room_needed(s), on_start_intent);
}

/* --- Go ------------------------------------------------------------------------------------------------ */

/*
 * Refuses q, and returns false, if no pulse waits for the operator, or if permille is more than what is prescribed for
 * it.
 */
static bool may_go(struct request *q, struct session *s, uint32_t permille)
{
        const char *waiting = session_waits_for(s);
        uint32_t most;

        if (STREQ(waiting, "trigger")) {
                request_refuse(q, ERROR_NOT_WAITING,
                               "Go: pulse %u waits for the external trigger, not for the operator.", s->next_pulse);
                return false;
        }
        if (!STREQ(waiting, "operator")) {
                request_refuse(q, ERROR_NOT_WAITING, "Go: no pulse waits for the operator now%s.",
                               s->released > s->next_pulse ? "; the next one has been let go already" : "");
                return false;
        }
        most = session_pulse(s, s->next_pulse)->intensity_permille;
        if (permille > most) {
                request_refuse(q, ERROR_INVALID_ARGUMENT,
                               "Go: pulse %u is prescribed at %u.%u %% MSO, and may be lowered, never raised: give "
                               "at most that, not %u.%u %%.",
                               s->next_pulse, most / 10, most % 10, permille / 10, permille % 10);
                return false;
        }
        return true;
}

static json_t *go_data(const struct step *step)
{
        return json_pack("{s:i, s:i}", "pulse", (int)step->pulse, "permille", (int)step->permille);
}

static void on_go_intent(const struct audit_result *result, void *userdata)
{
        struct step *step = userdata;
        struct session *s = step->s;
        struct tms_why why;
        json_t *data;
        int r;

        if (!step_may_go_on(step, result, "session.go"))
                return;
        /* Go may lower the intensity and never raise it. */
        assert(session_pulse(s, step->pulse) && step->permille <= session_pulse(s, step->pulse)->intensity_permille);
        r = tms_device_go(s->control, step->pulse, step->permille);
        data = go_data(step);
        if (r < 0) {
                tms_device_why(s->control, &why);
                json_add(&data, "error", session_error_json(r, &why));
                session_record(s, "session.go", NULL, data);
                if (r == -ESTALE && (why.reason == TMS_REASON_PULSE || why.reason == TMS_REASON_NONE))
                        request_refuse(step->q, ERROR_NOT_WAITING, "Go: pulse %u does not wait any more.", step->pulse);
                else
                        session_refuse_errno(step->q, s, "Go", r, &why, NULL);
                step_free(step);
                return;
        }
        s->released = step->pulse + 1;
        session_record(s, "session.go", NULL, data);
        session_tell_waiting(s);
        session_refresh(s);
        request_reply(step->q);
        step_free(step);
}

static void write_go_intent(struct step *step)
{
        step_write_intent(step, "session.go.intent", go_data(step), 1, on_go_intent);
}

static const struct step_plan go = {
                .method = "Go",
                .states = SESSION_RUNS,
                .why = "go",
                .charged = write_go_intent,
};

void session_go(struct request *q, struct session *s)
{
        struct step *step;
        uint32_t permille;

        if (sd_bus_message_read(request_message(q), "u", &permille) < 0) {
                request_refuse(q, ERROR_INVALID_ARGUMENT, "The argument cannot be read; expected is u.");
                return;
        }
        session_catch_up(s);
        if (!session_may_begin(q, s, go.method, go.states) || !may_go(q, s, permille) ||
            (session_is(s, SESSION_IN_BREAK) && !session_may_charge(q, s, go.method)))
                return;
        step = step_new(q, s, &go);
        if (!step)
                return;
        step->pulse = s->next_pulse;
        step->permille = permille ? permille : session_pulse(s, s->next_pulse)->intensity_permille;
        if (session_is(s, SESSION_IN_BREAK))
                session_charge(step);
        else
                write_go_intent(step);
}

/* --- Pause, resume --------------------------------------------------------------------------------------- */

/*
 * When the call came in, either the kernel has taken the pause, or the pause has overtaken what was under way. Here it
 * is recorded and answered.
 */
void session_pause(struct request *q, struct session *s, bool now)
{
        enum session_pausing asked = now ? PAUSING_NOW : PAUSING_AT_TRAIN_END;
        json_t *data = json_pack("{s:s, s:b}", "reason", "request", "now", (int)now);
        bool again;

        /*
         * State becomes paused before the call is answered, so that a Resume may follow at once. Without now, a train
         * may still be going on to its end.
         */
        session_catch_up(s);
        /*
         * The kernel's record of the pause may have found no place in its ring. Then the state that the stimulator
         * shows counts.
         */
        if (session_is(s, SESSION_RUNS) && stimulator_refresh(s->st) >= 0 &&
            (s->st->status.state == TMS_STATE_PAUSED || s->st->status.back_to == TMS_STATE_PAUSED))
                session_on(s, SESSION_HOLD);
        /*
         * Until State says paused, anybody may ask again for what was asked already. That is recorded with a limit
         * only.
         */
        again = session_is(s, SESSION_RUNS) && asked <= s->pausing;
        if (session_is(s, SESSION_RUNS) && !again)
                session_set_pausing(s, asked);
        if (again)
                session_record_limited(s, "session.pause", request_who(q), data);
        else
                session_record(s, "session.pause", request_who(q), data);
        if (audit_failure(s->ward->recorder->audit))
                request_refuse(q, ERROR_AUDIT_FAILED,
                               "Pause: it took hold, but could not be recorded, and the session ends: %s.",
                               audit_failure(s->ward->recorder->audit));
        else
                request_reply(q);
}

void session_refuse_pause(struct request *q, struct session *s)
{
        if (session_is(s, SESSION_OVER))
                request_refuse(q, ERROR_OUT_OF_ORDER, "Pause: the session has ended: %s", s->end_text);
        else if (!session_is(s, SESSION_RUNS))
                request_refuse(q, ERROR_OUT_OF_ORDER, "Pause: not while the session is %s: %s.",
                               session_state_name(s->state), session_state_step(s->state));
        else
                session_refuse_errno(q, s, "Pause", s->pause_error, &s->pause_why, NULL);
}

static void on_resume_intent(const struct audit_result *result, void *userdata)
{
        struct step *step = userdata;
        struct session *s = step->s;
        struct tms_why why;
        uint64_t start_ns;
        int r;

        if (!step_may_go_on(step, result, "session.resume"))
                return;
        r = tms_device_resume(s->control, RESUME_DELAY_NS, &start_ns);
        if (r < 0) {
                tms_device_why(s->control, &why);
                session_record(s, "session.resume", NULL, json_pack("{s:o}", "error", session_error_json(r, &why)));
                session_refuse_errno(step->q, s, "Resume", r, &why, NULL);
                step_free(step);
                return;
        }
        session_record(s, "session.resume", NULL, json_pack("{s:o}", "start_ns", json_u64(start_ns)));
        session_on(s, SESSION_RESUME);
        session_refresh(s);
        request_reply(step->q);
        step_free(step);
}

static void write_resume_intent(struct step *step)
{
        step_write_intent(step, "session.resume.intent", NULL, step_room_needed(step->s), on_resume_intent);
}

static const struct step_plan resume = {
                .method = "Resume",
                .states = SESSION_IS_PAUSED,
                .why = "resume",
                .charged = write_resume_intent,
};

void session_resume(struct request *q, struct session *s)
{
        struct step *step;

        session_catch_up(s);
        if (!session_may_begin(q, s, resume.method, resume.states) ||
            (session_is(s, SESSION_IN_BREAK) && !session_may_charge(q, s, resume.method)))
                return;
        step = step_new(q, s, &resume);
        if (!step)
                return;
        if (session_is(s, SESSION_IN_BREAK))
                session_charge(step);
        else
                write_resume_intent(step);
}
