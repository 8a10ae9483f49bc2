/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's ARM, on a thread of its own: the first one of a session, and those that charge the card again in mid-run
 * (session-break.h).
 */
#include <assert.h>
#include <fcntl.h>

#include "job.h"
#include "session-break.h"
#include "gates.h"
#include "session-step.h"

/*
 * Runs on a thread, and sleeps until the card is charged. Stop and keepalive do not wait for it; they run on the loop.
 */
static void run_arm(void *userdata)
{
        struct step *step = userdata;

        if (atomic_load(&step->s->halted)) {
                step->r = -ECANCELED;
                return;
        }
        step->r = tms_device_arm(step->device, step->timeline_gen, &step->fitness_max_ns);
        tms_device_why(step->device, &step->kernel_why);
}

static json_t *outcome(const struct step *step)
{
        json_t *data = json_object();

        if (step->r < 0)
                json_add(&data, "error", session_error_json(step->r, &step->kernel_why));
        else
                json_add(&data, "fitness_max_ns", json_integer(step->fitness_max_ns));
        if (step->charging)
                json_add(&data, "again", json_string(step->plan->why));
        return data;
}

/*
 * The thread is back. If a stop came before the thread was in the kernel, that stop found nothing armed and ARM has
 * succeeded all the same, so the stop is repeated.
 */
static void take_back(struct step *step)
{
        struct session *s = step->s;

        step->device = tms_device_close(step->device);
        if (step->r >= 0 && atomic_load(&s->halted))
                (void)tms_device_stop(s->control);
        session_record(s, "session.arm", NULL, outcome(step));
}

/* Starts the thread. True: done() will be called. False: step->r says why not. */
static bool begin(struct step *step, void (*done)(void *userdata))
{
        struct session *s = step->s;
        int fd, r;

        /* The thread gets an object of its own over the same open file, since an object belongs to one thread. */
        fd = fcntl(tms_device_fd(s->control), F_DUPFD_CLOEXEC, 0);
        step->r = fd < 0 ? -errno : tms_device_open_fd(fd, &step->device);
        if (step->r < 0)
                safe_close(fd);
        else
                step->r = session_begin_ticks(s);
        if (step->r < 0)
                return false;
        step->timeline_gen = s->timeline_gen;
        s->in_kernel = true;
        atomic_store(&s->halted, false);
        r = job_start(s->ward->event, run_arm, done, step);
        if (r >= 0)
                return true; /* the step belongs to the thread now, and may have its result already */
        s->in_kernel = false;
        step->r = r;
        return false;
}

/* --- Arm ----------------------------------------------------------------------------------------- */

static void armed(void *userdata)
{
        struct step *step = userdata;
        struct session *s = step->s;

        take_back(step);
        if (session_is(s, SESSION_OVER)) {
                request_refuse(step->q, ERROR_OUT_OF_ORDER, "Arm: the session has ended: %s", s->end_text);
        } else if (s->overtaken) {
                request_refuse(step->q, ERROR_OUT_OF_ORDER, "Arm: %s", s->overtaken);
        } else if (step->r < 0) {
                session_refuse_errno(step->q, s, "Arm", step->r, &step->kernel_why, NULL);
        } else {
                session_on(s, SESSION_CHARGED);
                request_reply(step->q);
        }
        session_left_kernel(s);
        /* Only the kernel knows whether the card is still armed or has fallen back since. */
        session_follow_kernel(s);
        step_free(step);
}

static void on_arm_intent(const struct audit_result *result, void *userdata)
{
        struct step *step = userdata;
        struct session *s = step->s;

        if (!step_may_go_on(step, result, "session.arm"))
                return;
        if (!begin(step, armed)) {
                session_record(s, "session.arm", NULL, outcome(step));
                session_refuse_errno(step->q, s, "Arm", step->r, &step->kernel_why, NULL);
                session_follow_kernel(s);
                step_free(step);
                return;
        }
        session_on(s, SESSION_ARM);
}

static bool look_and_ask(struct request *q, struct session *s, const char *method, enum gate_asks asks)
{
        (void)stimulator_refresh(s->st);
        return gates_ask(q, &s->gated, method, asks);
}

bool session_may_charge(struct request *q, struct session *s, const char *method)
{
        return look_and_ask(q, s, method, GATES_OF_CHARGING);
}

static const struct step_plan arm = {.method = "Arm", .states = IN_STATE(SESSION_PREPARED)};

void session_arm(struct request *q, struct session *s)
{
        struct step *step;

        if (!session_may_begin(q, s, arm.method, arm.states) || !look_and_ask(q, s, arm.method, GATES_OF_ARM))
                return;
        step = step_new(q, s, &arm);
        if (step)
                step_write_intent(step, "session.arm.intent", NULL, step_room_needed(s), on_arm_intent);
}

/* --- In mid-run --------------------------------------------------------------------------------------- */

static void charged(void *userdata)
{
        struct step *step = userdata;
        struct session *s = step->s;

        take_back(step);
        session_left_kernel(s);
        /* The kernel's records of the charging are read before the caller gets an answer. */
        session_catch_up(s);
        if (session_is(s, SESSION_OVER) || s->overtaken) {
                /* The run has ended meanwhile, and ARM has armed the loaded timeline anew: it is stopped. */
                if (session_is(s, SESSION_OVER) && step->r >= 0 && s->control)
                        (void)tms_device_stop(s->control);
                request_refuse(step->q, ERROR_OUT_OF_ORDER, "%s: %s", step->plan->method,
                               session_is(s, SESSION_OVER) ? s->end_text : s->overtaken);
        } else if (step->r < 0) {
                session_refuse_errno(step->q, s, step->plan->method, step->r, &step->kernel_why, NULL);
        } else if (!session_is(s, step->plan->states)) {
                request_refuse(step->q, ERROR_OUT_OF_ORDER, "%s: the session is %s now: %s", step->plan->method,
                               session_state_name(s->state), tms_cause_sentence(s->st->status.cause));
        } else {
                step->plan->charged(step);
                return;
        }
        step_free(step);
}

static void on_charge_intent(const struct audit_result *result, void *userdata)
{
        struct step *step = userdata;
        struct session *s = step->s;

        if (!step_may_go_on(step, result, "session.arm"))
                return;
        if (begin(step, charged))
                return;
        session_record(s, "session.arm", NULL, outcome(step));
        session_refuse_errno(step->q, s, step->plan->method, step->r, &step->kernel_why, NULL);
        step_free(step);
}

void session_charge(struct step *step)
{
        assert(step->plan->charged && step->plan->why);
        step->charging = true;
        step_write_intent(step, "session.arm.intent", json_pack("{s:s}", "again", step->plan->why),
                          step_room_needed(step->s), on_charge_intent);
}
