/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm, start, go, pause, resume. Each of those that add risk goes the same way:
 * the intent is on disk, the state is looked at again, the kernel is asked,
 * the outcome follows into the log. A pause asks the kernel first.
 */
#include <assert.h>
#include <fcntl.h>

#include "job.h"
#include "session-gates.h"
#include "session.h"

/* From the request to pulse 0: time to take hands away, and far more than a set-point takes. */
#define START_DELAY_NS (200 * NS_PER_MS)
#define RESUME_DELAY_NS (200 * NS_PER_MS)

/* One method under way. */
struct step {
        struct session *s;
        struct request *q;
        struct tms_device *device; /* arm: the thread's own object over the same file */
        uint32_t timeline_gen;
        uint32_t fitness_max_ns;
        uint32_t pulse; /* go */
        uint32_t permille;
        int r;
};

static struct step *step_new(struct request *q, struct session *s, const char *method)
{
        struct step *step = calloc(1, sizeof(*step));

        if (!step) {
                request_refuse(q, "Failed", "No memory. End other programs and try again.");
                return NULL;
        }
        step->s = session_ref(s);
        step->q = q;
        assert(!s->busy);
        s->busy = method;
        s->adds_risk = true;
        s->overtaken = NULL;
        return step;
}

static void step_free(struct step *step)
{
        step->s->busy = step->s->overtaken = NULL;
        step->s->adds_risk = false;
        tms_device_close(step->device);
        session_unref(step->s);
        free(step);
}

/* --- Refusals in words ---------------------------------------------------------------------- */

bool session_may_begin(struct request *q, struct session *s, const char *method, unsigned states)
{
        char open[INTERLOCK_TEXT_SIZE];

        if (audit_failure(s->manager->audit)) {
                request_refuse(q, "AuditFailed", "Nothing may start: %s.", audit_failure(s->manager->audit));
                return false;
        }
        if (s->ending) {
                request_refuse(q, "OutOfOrder", "%s: the session has ended: %s", method, s->end_text);
                return false;
        }
        if (s->busy) {
                request_refuse(q, "OutOfOrder", "%s: wait until %s is done.", method, s->busy);
                return false;
        }
        if (IN_STATE(s->state) & states)
                return true;
        (void)stimulator_refresh(s->st);
        stimulator_interlock_text(s->st->status.interlocks, open, sizeof(open));
        if (s->was_prepared && *open)
                request_refuse(q, "InterlockOpen", "%s Then prepare the session again.", open);
        else if (s->was_prepared)
                request_refuse(q, "OutOfOrder", "%s: the session has to be prepared again: %s", method,
                               tms_cause_sentence(s->st->status.cause));
        else if (s->state == SESSION_PREPARED && *open)
                request_refuse(q, "InterlockOpen", "%s", open);
        else if (s->state == SESSION_PREPARED)
                request_refuse(q, "OutOfOrder", "%s: the session is prepared, but not armed: Arm comes first.", method);
        else if (s->state == SESSION_NEW)
                request_refuse(q, "OutOfOrder", "%s: the session is new: Prepare comes first.", method);
        else
                request_refuse(q, "OutOfOrder", "%s: not while the session is %s.", method,
                               session_state_name(s->state));
        return false;
}

void session_refuse_errno(struct request *q, struct session *s, const char *method, int error,
                          const struct tms_verdict *verdict)
{
        const struct tms_status *k = &s->st->status;
        char text[INTERLOCK_TEXT_SIZE];

        (void)stimulator_refresh(s->st);
        stimulator_interlock_text(k->interlocks, text, sizeof(text));
        if (error == -ENODEV) {
                request_refuse(q, "NoStimulator",
                               "The stimulator was unplugged. Put it back, or take another one, and begin a new "
                               "session.");
        } else if (k->state == TMS_STATE_FAULT && (error == -EPERM || error == -EPROTO || error == -EBUSY)) {
                request_refuse(q, "Fault", "The stimulator is in fault: %s Mend it, then clear the fault.",
                               tms_cause_sentence(k->cause));
        } else if (*text && error != -ENOMEM && error != -E2BIG) {
                request_refuse(q, "InterlockOpen", "%s", text);
        } else if ((error == -ERANGE || error == -EINVAL) && verdict && verdict->rule != TMS_RULE_NONE) {
                request_refuse(q, "LimitExceeded", "%s", tms_verdict_format(verdict, text, sizeof(text)));
        } else if (error == -EPERM) {
                request_refuse(q, "Fault",
                               "Something has opened an interlock since the last fault was cleared; clear it first: "
                               "tmsctl clear-fault.");
        } else if (error == -ETIME && k->cause == TMS_CAUSE_UNFIT) {
                request_refuse(q, "Unfit", "%s Worst timer error: %u ns.", tms_cause_sentence(k->cause),
                               k->fitness_max_ns);
        } else if (error == -ETIME) {
                request_refuse(q, "Failed", "%s", tms_cause_sentence(TMS_CAUSE_ARM_TIMEOUT));
        } else if (error == -EAGAIN) {
                request_refuse(q, "Failed",
                               "%s: not yet; what the card has fired before is not known, or its records are not "
                               "on disk. Try again in a minute.",
                               method);
        } else if (error == -EPROTO || error == -EBUSY) {
                request_refuse(q, "OutOfOrder",
                               "%s: the stimulator is %s. Try again in a moment, or stop it: tmsctl stop.", method,
                               tms_state_name(k->state));
        } else if (error == -ESTALE) {
                request_refuse(q, "OutOfOrder", "%s: the coil or the limits have changed; prepare the session again.",
                               method);
        } else {
                request_refuse(q, "Failed", "%s: %s. Try again; if that does not help, journalctl -k says more.",
                               method, strerror(-error));
        }
}

/* After the intent: true if the session is as it was when the request came. Else the outcome and the refusal are done. */
static bool still_may(struct step *step, const struct audit_result *result, const char *type, const char *method,
                      unsigned states)
{
        struct session *s = step->s;
        char sentence[AUDIT_REFUSAL_SIZE];
        const char *why, *name;

        assert(s->busy);
        /* The log may have failed at another record since this one got on disk. */
        if (result->error < 0 || audit_failure(s->manager->audit)) {
                name = audit_refusal(s->manager->audit, result->error, sentence);
                request_refuse(step->q, name, "%s", sentence);
                step_free(step);
                return false;
        }
        if (!s->ending && !s->overtaken && (IN_STATE(s->state) & states))
                return true;
        why = s->ending ? s->end_text : s->overtaken ? s->overtaken : session_state_name(s->state);
        session_record(s, type, NULL, json_pack("{s:s}", "error", why));
        if (s->ending || !s->overtaken)
                request_refuse(step->q, "OutOfOrder", "%s: the session has changed meanwhile: %s", method, why);
        else
                request_refuse(step->q, "OutOfOrder", "%s: %s", method, why);
        step_free(step);
        return false;
}

/* data: beside the session, taken over, may be NULL. Ends in done() in any case, and in a refusal without memory. */
static void write_intent(struct step *step, const char *type, json_t *data, uint64_t need_bytes, audit_done_fn done)
{
        struct session *s = step->s;
        int r;

        if (!data)
                data = json_object();
        json_add(&data, "session", json_string(s->id));
        r = audit_write(s->manager->audit,
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

static uint64_t room_needed(const struct session *s)
{
        /* Two records a pulse. */
        return 2ULL * s->timeline.count * PULSEFILE_LINE_MAX + 1;
}

/* --- Arm ----------------------------------------------------------------------------------------- */

/* On a thread: sleeps until the card is charged. Stop and keepalive go past it on the loop. */
static void run_arm(void *userdata)
{
        struct step *step = userdata;

        if (atomic_load(&step->s->halted))
                step->r = -ECANCELED;
        else
                step->r = tms_device_arm(step->device, step->timeline_gen, &step->fitness_max_ns);
}

static void armed(void *userdata)
{
        struct step *step = userdata;
        struct session *s = step->s;

        step->device = tms_device_close(step->device);
        /* A stop that came before the thread was in the kernel found nothing armed there, and ARM knows nothing of it. */
        if (step->r >= 0 && atomic_load(&s->halted))
                (void)tms_device_stop(s->control);
        if (step->r < 0)
                session_record(s, "session.arm", NULL, json_pack("{s:s}", "error", strerror(-step->r)));
        else
                session_record(s, "session.arm", NULL, json_pack("{s:i}", "fitness_max_ns", (int)step->fitness_max_ns));
        if (s->ending) {
                request_refuse(step->q, "OutOfOrder", "Arm: the session has ended: %s", s->end_text);
        } else if (s->overtaken) {
                request_refuse(step->q, "OutOfOrder", "Arm: %s", s->overtaken);
        } else if (step->r < 0) {
                session_refuse_errno(step->q, s, "Arm", step->r, NULL);
        } else {
                session_set_state(s, SESSION_ARMED);
                request_reply(step->q);
        }
        session_left_kernel(s);
        /* Armed, or fallen back: the kernel knows which. */
        session_follow_kernel(s);
        step_free(step);
}

static void on_arm_intent(const struct audit_result *result, void *userdata)
{
        struct step *step = userdata;
        struct session *s = step->s;
        int fd, r;

        if (!still_may(step, result, "session.arm", "Arm", IN_STATE(SESSION_PREPARED)))
                return;
        /* A second object over the same open file: objects belong to one thread each. */
        fd = fcntl(tms_device_fd(s->control), F_DUPFD_CLOEXEC, 0);
        r = fd < 0 ? -errno : tms_device_open_fd(fd, &step->device);
        if (r < 0)
                safe_close(fd);
        else
                r = session_begin_ticks(s);
        if (r >= 0) {
                step->timeline_gen = s->timeline_gen;
                s->in_kernel = true;
                atomic_store(&s->halted, false);
                r = job_start(s->manager->event, run_arm, armed, step);
                if (r < 0)
                        s->in_kernel = false;
        }
        if (r < 0) {
                session_record(s, "session.arm", NULL, json_pack("{s:s}", "error", strerror(-r)));
                session_refuse_errno(step->q, s, "Arm", r, NULL);
                session_follow_kernel(s);
                step_free(step);
                return;
        }
        session_set_state(s, SESSION_ARMING);
}

void session_arm(struct request *q, struct session *s)
{
        struct step *step;
        char open[INTERLOCK_TEXT_SIZE];

        if (!session_may_begin(q, s, "Arm", IN_STATE(SESSION_PREPARED)) || !session_has_confirmed(q, s) ||
            !gates_hold(q, s, "Arm"))
                return;
        (void)stimulator_refresh(s->st);
        stimulator_interlock_text(s->st->status.interlocks, open, sizeof(open));
        if (*open) {
                request_refuse(q, "InterlockOpen", "%s", open);
                return;
        }
        step = step_new(q, s, "Arm");
        if (step)
                write_intent(step, "session.arm.intent", NULL, room_needed(s), on_arm_intent);
}

/* --- Start ------------------------------------------------------------------------------------------ */

static void on_start_intent(const struct audit_result *result, void *userdata)
{
        struct step *step = userdata;
        struct session *s = step->s;
        struct tms_verdict verdict = {0};
        uint64_t start_ns;
        uint32_t number;
        int r;

        if (!still_may(step, result, "session.start", "Start", IN_STATE(SESSION_ARMED)))
                return;
        r = tms_device_start(s->control, s->timeline_gen, START_DELAY_NS, &start_ns, &number, &verdict);
        if (r < 0) {
                session_record(s, "session.start", NULL, json_pack("{s:s}", "error", strerror(-r)));
                session_refuse_errno(step->q, s, "Start", r, &verdict);
                session_follow_kernel(s);
                step_free(step);
                return;
        }
        s->started = true;
        s->run = number;
        s->next_pulse = s->released = 0;
        session_record(s, "session.start", NULL,
                       json_pack("{s:o, s:i}", "start_ns", json_u64(start_ns), "run", (int)number));
        session_set_state(s, SESSION_RUNNING);
        session_refresh(s);
        request_reply(step->q);
        step_free(step);
}

void session_start(struct request *q, struct session *s)
{
        struct step *step;

        if (!session_may_begin(q, s, "Start", IN_STATE(SESSION_ARMED)) || !gates_hold(q, s, "Start"))
                return;
        step = step_new(q, s, "Start");
        if (step)
                write_intent(step, "session.start.intent", NULL, room_needed(s), on_start_intent);
}

/* --- Go ------------------------------------------------------------------------------------------------ */

/* Refuses q, and returns false, if the next pulse does not wait for the operator, or not for so much. */
static bool may_go(struct request *q, struct session *s, uint32_t permille)
{
        const char *waiting = session_waits_for(s);
        uint32_t most;

        if (STREQ(waiting, "trigger")) {
                request_refuse(q, "NotWaiting", "Go: pulse %u waits for the external trigger, not for the operator.",
                               s->next_pulse);
                return false;
        }
        if (!STREQ(waiting, "operator")) {
                request_refuse(q, "NotWaiting", "Go: no pulse waits for the operator now%s.",
                               s->released > s->next_pulse ? "; the next one has been let go already" : "");
                return false;
        }
        most = s->timeline.pulses[s->next_pulse].intensity_permille;
        if (permille > most) {
                request_refuse(q, "InvalidArgument",
                               "Go: pulse %u is prescribed at %u.%u %% MSO, and may be lowered, never raised: not to "
                               "%u.%u %%.",
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
        json_t *data;
        int r;

        if (!still_may(step, result, "session.go", "Go", IN_STATE(SESSION_RUNNING)))
                return;
        r = tms_device_go(s->control, step->pulse, step->permille);
        data = go_data(step);
        if (r < 0) {
                json_add(&data, "error", json_string(strerror(-r)));
                session_record(s, "session.go", NULL, data);
                if (r == -ESTALE)
                        request_refuse(step->q, "NotWaiting", "Go: pulse %u does not wait any more.", step->pulse);
                else
                        session_refuse_errno(step->q, s, "Go", r, NULL);
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

void session_go(struct request *q, struct session *s)
{
        struct step *step;
        uint32_t permille;

        if (sd_bus_message_read(request_message(q), "u", &permille) < 0) {
                request_refuse(q, "InvalidArgument", "The argument cannot be read; expected is u.");
                return;
        }
        session_catch_up(s);
        if (!session_may_begin(q, s, "Go", IN_STATE(SESSION_RUNNING)) || !may_go(q, s, permille))
                return;
        step = step_new(q, s, "Go");
        if (!step)
                return;
        step->pulse = s->next_pulse;
        step->permille = permille ? permille : s->timeline.pulses[s->next_pulse].intensity_permille;
        write_intent(step, "session.go.intent", go_data(step), 1, on_go_intent);
}

/* --- Pause, resume --------------------------------------------------------------------------------------- */

/* The kernel took it the moment the call came in, or it overtook what was under way; here is only the answer. */
void session_pause(struct request *q, struct session *s, bool now)
{
        enum session_pausing asked = now ? PAUSING_NOW : PAUSING_AT_TRAIN_END;
        json_t *data = json_pack("{s:s, s:b}", "reason", "request", "now", (int)now);
        bool again;

        /* State says paused before the answer does, so that a Resume may follow at once; or a train goes on to its end. */
        session_catch_up(s);
        /* The kernel's record of it may have found no place; what the stimulator is counts. */
        if (s->state == SESSION_RUNNING && !s->ending && stimulator_refresh(s->st) >= 0 &&
            s->st->status.state == TMS_STATE_PAUSED)
                session_set_state(s, SESSION_PAUSED);
        /* Until then anybody may ask for the same again, which is no news. */
        again = s->state == SESSION_RUNNING && asked <= s->pausing;
        if (s->state == SESSION_RUNNING && !again)
                session_set_pausing(s, asked);
        if (again)
                session_record_limited(s, "session.pause", request_who(q), data);
        else
                session_record(s, "session.pause", request_who(q), data);
        if (audit_failure(s->manager->audit))
                request_refuse(q, "AuditFailed",
                               "Pause: it took hold, but could not be recorded, and the session ends: %s.",
                               audit_failure(s->manager->audit));
        else
                request_reply(q);
}

void session_refuse_pause(struct request *q, struct session *s)
{
        if (s->ending)
                request_refuse(q, "OutOfOrder", "Pause: the session has ended: %s", s->end_text);
        else if (s->state != SESSION_RUNNING)
                request_refuse(q, "OutOfOrder", "Pause: not while the session is %s.", session_state_name(s->state));
        else
                session_refuse_errno(q, s, "Pause", s->pause_error, NULL);
}

static void on_resume_intent(const struct audit_result *result, void *userdata)
{
        struct step *step = userdata;
        struct session *s = step->s;
        uint64_t start_ns;
        int r;

        if (!still_may(step, result, "session.resume", "Resume", IN_STATE(SESSION_PAUSED)))
                return;
        r = tms_device_resume(s->control, RESUME_DELAY_NS, &start_ns);
        if (r < 0) {
                session_record(s, "session.resume", NULL, json_pack("{s:s}", "error", strerror(-r)));
                session_refuse_errno(step->q, s, "Resume", r, NULL);
                step_free(step);
                return;
        }
        session_record(s, "session.resume", NULL, json_pack("{s:o}", "start_ns", json_u64(start_ns)));
        session_set_state(s, SESSION_RUNNING);
        session_refresh(s);
        request_reply(step->q);
        step_free(step);
}

void session_resume(struct request *q, struct session *s)
{
        struct step *step;

        if (!session_may_begin(q, s, "Resume", IN_STATE(SESSION_PAUSED)))
                return;
        step = step_new(q, s, "Resume");
        if (step)
                write_intent(step, "session.resume.intent", NULL, room_needed(s), on_resume_intent);
}
