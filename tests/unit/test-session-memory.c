/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole session with an allocation of the daemon's that fails: the n-th, or
 * all from the n-th on. The daemon neither dies nor loses what it has answered
 * for; the call is refused with a sentence, or the session ends as audit_failed;
 * Close answers, SIGTERM ends the daemon, and no pulse comes after the end.
 *
 * Every n with TMSD_ALLOC_STEP=1 (make check-full); else every seventh. One of them again:
 * TMSD_ALLOC_PART=0 TMSD_ALLOC_MODE=once (or forever) TMSD_ALLOC_ONLY=N.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "alloc-fail.h"
#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "scratch.h"
#include "session-fixture.h"
#include "tms.h"

#define STEP 7
#define PARTS 8

struct sweep {
        struct fixture *f;
        long n;
        bool forever, everybodys;
        bool created, over, stopped;
};

static const char protocol[] = "format: 1\nid: short\ntitle: t\nindication: i\ntarget: left\ncoil: figure-8\n"
                               "waveform: biphasic\nstatus: research\nintensity: {reference: rMT, percent: 90 %}\n"
                               "pattern: {train: {pulses: 6, interval: 40 ms}}\n"
                               "totals: {pulses: 6, trains: 1, first_to_last: 0.2 s}\n";

#define FAIL(w, format, ...)                                                                     \
        fail_msg("allocation %ld%s%s: " format, (w)->n, (w)->forever ? " and all after it" : "", \
                 (w)->everybodys ? ", of everybody's" : "", ##__VA_ARGS__)

/* --- Each with a state directory of its own ----------------------------------------------------- */

static char *state_path;
static int bus_fd;

static void leave_state(struct fixture *f)
{
        if (!state_path)
                return;
        scratch_close(f->fd, state_path);
        state_path = NULL;
        f->fd = bus_fd;
}

static void begin(struct sweep *w)
{
        struct fixture *f = w->f;

        if (f->daemon > 0)
                stop_daemon(f);
        leave_state(f);
        bus_fd = f->fd;
        f->fd = scratch_open(&state_path);
        free(f->audit);
        assert_true(asprintf(&f->audit, "%s/audit", state_path) > 0);
        fake_free();
        fake_new();
        (void)snprintf(fake->audit, sizeof(fake->audit), "%s", f->audit);
        alloc_fail_at(0, false, false);
        start_daemon(f, BOOT_A);
        alloc_fail_at(w->n, w->forever, w->everybodys);
}

/* --- Calls ------------------------------------------------------------------------------------------ */

static sd_bus_message *call_of(struct sweep *w, const char *method)
{
        struct fixture *f = w->f;
        sd_bus_message *m;

        if (STREQ(method, "CreateSession")) {
                m = new_call(f->bus, MANAGER_PATH, "org.tmsd1.Manager", method);
                (void)sd_bus_message_append(m, "oa{sv}", "/", 1, "subject", "s", "S-1");
                return m;
        }
        if (STREQ(method, "Stimulator.Stop"))
                return new_call(f->bus, STIMULATOR, "org.tmsd1.Stimulator", "Stop");
        m = new_call(f->bus, f->session, "org.tmsd1.Session", method);
        if (STREQ(method, "Prepare"))
                (void)sd_bus_message_append(m, "ssa{sv}", "short.yaml", protocol, 3, "threshold_permille", "u", 520,
                                            "threshold_kind", "s", "rMT", "threshold_coil", "s", "figure-8");
        if (STREQ(method, "Pause"))
                (void)sd_bus_message_append(m, "b", 1);
        return m;
}

/* True if it worked. Otherwise there is a sentence, never silence. */
static bool ask(struct sweep *w, const char *method)
{
        struct fixture *f = w->f;
        sd_bus_message *reply = NULL;
        const char *path;

        if (!finish(f, f->bus, call_of(w, method), &reply)) {
                if (!*f->message || strstr(f->message, "timed out") || strstr(f->message, "disconnected"))
                        FAIL(w, "%s was answered with '%s': '%s'", method, f->error, f->message);
                sd_bus_message_unref(reply);
                return false;
        }
        if (STREQ(method, "CreateSession")) {
                assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
                (void)snprintf(f->session, sizeof(f->session), "%s", path);
                w->created = true;
        }
        sd_bus_message_unref(reply);
        return true;
}

static bool is_over(struct sweep *w)
{
        char *state = get_text(w->f->bus, w->f->session, "org.tmsd1.Session", "State");
        bool over = STREQ(state, "") || STREQ(state, "ended") || STREQ(state, "ending");

        free(state);
        return over;
}

static bool log_failed(struct sweep *w)
{
        char *text = get_text(w->f->bus, MANAGER_PATH, "org.tmsd1.Manager", "AuditState");
        bool failed = !STREQ(text, "ok");

        free(text);
        return failed;
}

/* One failure is one refusal, and nothing has changed: the same again works, unless it was the log's. */
static bool attempt(struct sweep *w, const char *method)
{
        char error[sizeof(w->f->error)], message[sizeof(w->f->message)];

        if (w->over)
                return false;
        if (ask(w, method))
                return true;
        (void)snprintf(error, sizeof(error), "%s", w->f->error);
        (void)snprintf(message, sizeof(message), "%s", w->f->message);
        if (!w->forever && ask(w, method))
                return true;
        w->over = true;
        /* Without memory for what the log has said of doses nobody is treated, until a restart. */
        if (!w->forever && !log_failed(w) && !STREQ(w->f->error, "DoseNotKnown") && !(w->created && is_over(w)))
                FAIL(w, "%s is refused with '%s': '%s', and then with '%s': '%s'", method, error, message, w->f->error,
                     w->f->message);
        return false;
}

/* --- The session --------------------------------------------------------------------------------------- */

/* A run that still goes on comes into its BREAK; the next pulse is due in so many ms. */
static void discharge(uint32_t state, uint32_t cause, uint64_t ms)
{
        if (fake->status.state != state)
                return;
        fake->status.due_ns = now_ns(CLOCK_MONOTONIC) + ms * NS_PER_MS;
        fake_set_state(TMS_STATE_BREAK, cause);
        usleep(110000);
}

static void treat(struct sweep *w)
{
        if (!attempt(w, "CreateSession") || !attempt(w, "Prepare") || !attempt(w, "Arm") || !attempt(w, "Start"))
                return;
        fake_play(3);
        /* Records are read, and written. */
        usleep(250000);
        if (!attempt(w, "Pause"))
                return;
        discharge(TMS_STATE_PAUSED, TMS_CAUSE_IDLE_LIMIT, 0);
        if (!attempt(w, "Resume"))
                return;
        fake_play(1);
        /* Charged again by the daemon, ten seconds ahead. */
        discharge(TMS_STATE_RUNNING, TMS_CAUSE_GAP, 10150);
        usleep(200000);
        if (fake->status.state == TMS_STATE_RUNNING)
                fake_play(1);
        usleep(110000);
}

/* Its controller's file is closed last; who asks for State may be refused without memory. */
static void wait_ended(struct sweep *w)
{
        int i;

        for (i = 0; i < 300 && fake->has_controller; i++)
                usleep(10000);
        if (i == 300)
                FAIL(w, "the session does not end");
}

static bool output_is_safe(void)
{
        return fake->status.state < TMS_STATE_ARMING || fake->status.state > TMS_STATE_PAUSED;
}

static void must_end_with(struct sweep *w, int sig)
{
        int i, status = 0;
        pid_t pid = 0;

        assert_int_equal(kill(w->f->daemon, sig), 0);
        for (i = 0; i < 1000 && pid == 0; i++) {
                pid = waitpid(w->f->daemon, &status, WNOHANG);
                if (pid == 0)
                        usleep(10000);
        }
        if (pid == 0)
                FAIL(w, "SIGTERM does not end the daemon");
        w->f->daemon = 0;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                FAIL(w, "the daemon ended with status %x", (unsigned)status);
}

static void end_is_told(struct sweep *w)
{
        char *reason = get_text(w->f->bus, w->f->session, "org.tmsd1.Session", "EndReason");

        if (log_failed(w) && !STREQ(reason, "audit_failed") && !logged(w->f, "\"type\":\"session.end\""))
                FAIL(w, "EndReason is '%s', and no record says so", reason);
        free(reason);
        if (!ask(w, "Close"))
                FAIL(w, "Close is refused with '%s': '%s'", w->f->error, w->f->message);
}

static void end(struct sweep *w)
{
        bool closed;

        w->stopped = ask(w, "Stimulator.Stop");
        if (!output_is_safe())
                FAIL(w, "after Stop the stimulator is in state %u", fake->status.state);
        if (w->created) {
                /* Whatever ended it, it is over without any memory. */
                wait_ended(w);
                /* It answers, without memory with a sentence; and then it works. */
                closed = ask(w, "Close");
                alloc_fail_at(0, false, false);
                if (!closed)
                        end_is_told(w);
        }
        alloc_fail_at(0, false, false);
        assert_int_equal(fake->starts, fake->status.run);
        must_end_with(w, SIGTERM);
        if (!output_is_safe())
                FAIL(w, "after the daemon's end the stimulator is in state %u", fake->status.state);
}

/* What did not get on disk has not been acknowledged, and the next run finds it. */
static void recover(struct sweep *w)
{
        struct tms_audit_report report;
        struct tms_error error = {0};

        if (fake->acked < fake_head() || logged(w->f, "\"type\":\"session.end\"") < logged(w->f, "session.create\"")) {
                start_daemon(w->f, BOOT_A);
                must_end_with(w, SIGTERM);
        }
        if (tms_audit_verify(w->f->audit, NULL, &report, &error) < 0)
                FAIL(w, "%s", error.message);
        if (report.result != TMS_AUDIT_PREFIX)
                FAIL(w, "verify says %d: %s", (int)report.result, report.sentence);
        if (report.pulses_delivered != fake->status.delivered)
                FAIL(w, "%llu pulses are in the log, %u were delivered", (unsigned long long)report.pulses_delivered,
                     (unsigned)fake->status.delivered);
        assert_int_equal(fake->arms_without_intent, 0);
        assert_int_equal(fake->starts_without_intent, 0);
        assert_int_equal(fake->acks_before_disk, 0);
}

static void run(struct fixture *f, long n, bool forever, bool everybodys)
{
        struct sweep w = {.f = f, .n = n, .forever = forever, .everybodys = everybodys};

        begin(&w);
        treat(&w);
        end(&w);
        recover(&w);
}

/* How many allocations a session takes when none fails. */
static long count(struct fixture *f)
{
        struct sweep w = {.f = f};
        long n;

        begin(&w);
        treat(&w);
        n = alloc_fail_seen();
        end(&w);
        recover(&w);
        assert_false(w.over);
        assert_true(n > 0);
        return n;
}

/* --- In several processes, as each mostly waits -------------------------------------------------- */

static long step(void)
{
        const char *given = getenv("TMSD_ALLOC_STEP");
        long n = given ? atol(given) : STEP;

        assert_true(n > 0);
        return n;
}

static void test_part(void **state)
{
        bool forever = strcmp(getenv("TMSD_ALLOC_MODE"), "forever") == 0;
        long most = count(*state), part = atol(getenv("TMSD_ALLOC_PART")), n;

        if (getenv("TMSD_ALLOC_ONLY")) {
                run(*state, atol(getenv("TMSD_ALLOC_ONLY")), forever, getenv("TMSD_ALLOC_ALL"));
                return;
        }
        print_message("%ld allocations, every %ldth fails\n", most, step());
        for (n = 1 + part * step(); n <= most; n += PARTS * step())
                run(*state, n, forever, false);
}

static pid_t start_part(int part, const char *mode)
{
        char number[16];
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid > 0)
                return pid;
        (void)snprintf(number, sizeof(number), "%d", part);
        (void)setenv("TMSD_ALLOC_PART", number, 1);
        (void)setenv("TMSD_ALLOC_MODE", mode, 1);
        /* The totals are counted by the lines of the one that waits. */
        (void)setenv("CMOCKA_MESSAGE_OUTPUT", "STDOUT", 1);
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        (void)execl("/proc/self/exe", "test-session-memory", (char *)NULL);
        _exit(127);
}

static void sweep(const char *mode)
{
        pid_t pids[PARTS];
        int i, status, failed = 0;

        for (i = 0; i < PARTS; i++)
                pids[i] = start_part(i, mode);
        for (i = 0; i < PARTS; i++) {
                assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                        failed++;
        }
        assert_int_equal(failed, 0);
}

static void test_one_fails(void **state)
{
        sweep("once");
}

static void test_all_fail_from_then_on(void **state)
{
        sweep("forever");
}

static int setup_part(void **state)
{
        alloc_fail_new();
        daemon_begins = alloc_fail_here;
        return setup(state);
}

static int teardown_part(void **state)
{
        int r;

        alloc_fail_at(0, false, false);
        leave_state(*state);
        r = teardown(state);
        alloc_fail_free();
        return r;
}

int main(void)
{
        const struct CMUnitTest all[] = {
                        cmocka_unit_test(test_one_fails),
                        cmocka_unit_test(test_all_fail_from_then_on),
        };
        const struct CMUnitTest part[] = {
                        cmocka_unit_test_setup_teardown(test_part, setup_part, teardown_part),
        };

        if (getenv("TMSD_ALLOC_PART"))
                return cmocka_run_group_tests(part, NULL, NULL);
        return cmocka_run_group_tests(all, NULL, NULL);
}
