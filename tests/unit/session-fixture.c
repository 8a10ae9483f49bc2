/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon to hold sessions with; see session-fixture.h. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "elapsed.h"
#include "manager.h"
#include "next-step.h"
#include "scratch.h"
#include "scratch-log.h"
#include "session-fixture.h"

/* --- The daemon's process -------------------------------------------------------------------- */

static int on_term(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        manager_stop(userdata, ENDING_SHUTDOWN, EXIT_SUCCESS);
        return 0;
}

/* udev's part is the test's. */
static int on_udev_says(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        manager_see_node(userdata, si->ssi_signo == SIGUSR1 ? "add" : "remove", "/dev/tms0");
        return 0;
}

struct config fixture_config;
const char *fixture_renewal;

static int daemon_main(int state_fd)
{
        sd_event *event;
        struct manager *m;
        sigset_t mask;
        int r;

        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGTERM);
        (void)sigaddset(&mask, SIGUSR1);
        (void)sigaddset(&mask, SIGUSR2);
        (void)sigprocmask(SIG_BLOCK, &mask, NULL);
        /* As main() does: who leaves in mid-copy of the audit log ends no daemon. */
        (void)signal(SIGPIPE, SIG_IGN);
        if (sd_event_new(&event) < 0 || manager_new(event, &fixture_config, state_fd, &m) < 0 ||
            (fixture_renewal && manager_renew_by(m, fixture_renewal) < 0) ||
            sd_event_add_signal(event, NULL, SIGTERM, on_term, m) < 0 ||
            sd_event_add_signal(event, NULL, SIGUSR1, on_udev_says, m) < 0 ||
            sd_event_add_signal(event, NULL, SIGUSR2, on_udev_says, m) < 0 || manager_start(m) < 0)
                return 70;
        r = sd_event_loop(event);
        manager_free(m);
        sd_event_unref(event);
        return r < 0 ? 71 : r;
}

void (*daemon_begins)(void);

void begin_daemon(struct fixture *f, const char *boot)
{
        (void)setenv("TMSD_BOOT_ID", boot, 1);
        f->daemon = fork();
        assert_true(f->daemon >= 0);
        if (f->daemon == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (daemon_begins)
                        daemon_begins();
                exit(daemon_main(f->fd));
        }
}

void start_daemon(struct fixture *f, const char *boot)
{
        begin_daemon(f, boot);
        fake_bus_wait_for(BUS_NAME);
}

void wait_daemon(struct fixture *f, int wanted)
{
        int status;

        assert_int_equal(waitpid(f->daemon, &status, 0), f->daemon);
        f->daemon = 0;
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), wanted);
}

void stop_daemon(struct fixture *f)
{
        assert_int_equal(kill(f->daemon, SIGTERM), 0);
        wait_daemon(f, 0);
}

void kill_daemon(struct fixture *f, int sig)
{
        assert_int_equal(kill(f->daemon, sig), 0);
        assert_int_equal(waitpid(f->daemon, NULL, 0), f->daemon);
        f->daemon = 0;
        fake_controller_died();
}

int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        f->fd = scratch_open(&f->path);
        assert_true(asprintf(&f->audit, "%s/audit", f->path) > 0);
        f->protocol = scratch_read(SOURCE_DIR "/lib/protocols", "mdd-itbs-600.yaml", NULL);
        sync_fail_reset();
        fixture_config = (struct config){.audit_free_min = 4096, .max_off_ns = 31 * DAY_NS, .hold_ns = 600 * NS_PER_S};
        fake_new();
        (void)snprintf(fake->audit, sizeof(fake->audit), "%s", f->audit);
        fake_bus_start(f->path);
        start_daemon(f, BOOT_A);
        f->bus = fake_bus_connect();
        *state = f;
        return 0;
}

static void check_promises(void)
{
        assert_int_equal(fake->arms_without_intent, 0);
        assert_int_equal(fake->starts_without_intent, 0);
        assert_int_equal(fake->gos_without_intent, 0);
        assert_int_equal(fake->acks_before_disk, 0);
}

int teardown(void **state)
{
        struct fixture *f = *state;

        atomic_store(hold_sync, 0);
        if (f->daemon > 0)
                stop_daemon(f);
        check_promises();
        sd_bus_flush_close_unref(f->bus);
        fake_bus_stop();
        fake_free();
        free(f->audit);
        free(f->protocol);
        scratch_close(f->fd, f->path);
        free(f);
        return 0;
}

/* --- Calls ------------------------------------------------------------------------------------- */

sd_bus_message *new_call(sd_bus *bus, const char *path, const char *interface, const char *method)
{
        sd_bus_message *m;

        assert_true(sd_bus_message_new_method_call(bus, &m, BUS_NAME, path, interface, method) >= 0);
        return m;
}

/* As a program does that reads its bus: the daemon asks whether it is alive. */
void answer(sd_bus *bus)
{
        while (sd_bus_process(bus, NULL) > 0)
                ;
}

struct answered {
        bool done;
        sd_bus_message *reply;
};

static int on_answered(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct answered *a = userdata;

        a->done = true;
        a->reply = sd_bus_message_ref(m);
        return 0;
}

/* While it waits it answers the daemon's questions, as any program does that reads its bus; sd_bus_call() does not. */
static sd_bus_message *ask(sd_bus *bus, sd_bus_message *m)
{
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        struct answered a = {0};

        if (sd_bus_call_async(bus, &slot, m, on_answered, &a, 30 * USEC_PER_S) < 0)
                return NULL;
        while (!a.done) {
                int r = sd_bus_process(bus, NULL);

                if (r < 0 || (r == 0 && sd_bus_wait(bus, UINT64_MAX) < 0))
                        break;
        }
        return a.reply;
}

bool finish(struct fixture *f, sd_bus *bus, sd_bus_message *m, sd_bus_message **ret_reply)
{
        sd_bus_message *reply = ask(bus, m);
        const sd_bus_error *e = reply ? sd_bus_message_get_error(reply) : NULL;
        const bool worked = reply && !e;

        answer(bus);
        sd_bus_message_unref(m);
        f->error[0] = f->message[0] = '\0';
        if (!worked) {
                const char *name = e ? e->name : "?";

                (void)snprintf(f->error, sizeof(f->error), "%s",
                               strncmp(name, "org.tmsd1.Error.", 16) == 0 ? name + 16 : name);
                (void)snprintf(f->message, sizeof(f->message), "%s", e && e->message ? e->message : "");
                reply = sd_bus_message_unref(reply);
        }
        if (ret_reply)
                *ret_reply = reply;
        else
                sd_bus_message_unref(reply);
        return worked;
}

sd_bus *connect_as(struct fixture *f, uid_t uid)
{
        bool root = geteuid() == 0;
        sd_bus *bus;

        assert_int_equal(chmod(f->path, 0711), 0);
        if (root)
                assert_int_equal(seteuid(uid), 0);
        bus = fake_bus_connect();
        if (root)
                assert_int_equal(seteuid(0), 0);
        return bus;
}

bool call_on(struct fixture *f, sd_bus *bus, const char *path, const char *interface, const char *method)
{
        return finish(f, bus, new_call(bus, path, interface, method), NULL);
}

bool call(struct fixture *f, const char *method)
{
        return call_on(f, f->bus, f->session, "org.tmsd1.Session", method);
}

void must(struct fixture *f, const char *method)
{
        if (!call(f, method))
                fail_msg("%s: %s: %s", method, f->error, f->message);
}

bool create_on(struct fixture *f, sd_bus *bus, const char *stimulator, const char *subject)
{
        sd_bus_message *m = new_call(bus, MANAGER_PATH, "org.tmsd1.Manager", "CreateSession"), *reply;
        const char *path;

        (void)sd_bus_message_append(m, "o", stimulator);
        if (subject)
                (void)sd_bus_message_append(m, "a{sv}", 1, "subject", "s", subject);
        else
                (void)sd_bus_message_append(m, "a{sv}", 0);
        if (!finish(f, bus, m, &reply))
                return false;
        assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
        (void)snprintf(f->session, sizeof(f->session), "%s", path);
        sd_bus_message_unref(reply);
        return true;
}

bool create_with(struct fixture *f, sd_bus *bus, const char *subject)
{
        return create_on(f, bus, "/", subject);
}

bool prepare_text(struct fixture *f, const char *name, const char *text, unsigned threshold)
{
        sd_bus_message *m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");

        (void)sd_bus_message_append(m, "ssa{sv}", name, text, 3, "threshold_permille", "u", threshold, "threshold_kind",
                                    "s", "rMT", "threshold_coil", "s", "figure-8");
        return finish(f, f->bus, m, NULL);
}

void must_create(struct fixture *f)
{
        if (!create_with(f, f->bus, "S-1"))
                fail_msg("CreateSession: %s: %s", f->error, f->message);
}

void must_prepare(struct fixture *f)
{
        must_create(f);
        if (!prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        /* Theta burst is in no table. */
        must(f, "ConfirmNotices");
}

void must_run(struct fixture *f)
{
        must_prepare(f);
        must(f, "Arm");
        must(f, "Start");
}

/* Where there is nothing to do: it is so already, or it comes by itself. */
static bool nothing_to_do(const char *sentence)
{
        static const char *const parts[] = {
                        "no pulse waits for the operator", "waits for the external trigger",
                        "does not wait any more",          "has no notice to confirm",
                        "have been confirmed already",     "is being closed already",
                        "There is no fault to clear",      "All pulses of the timeline have been played.",
        };

        for (size_t i = 0; i < ELEMENTS(parts); i++) {
                if (strstr(sentence, parts[i]))
                        return true;
        }
        return false;
}

void refused(struct fixture *f, const char *error, const char *part)
{
        if (!nothing_to_do(f->message))
                tells_next_step(f->message);
        if (!STREQ(f->error, error) || !strstr(f->message, part))
                fail_msg("refused with %s: %s; expected %s with '%s'", f->error, f->message, error, part);
}

char *get_text(sd_bus *bus, const char *path, const char *interface, const char *property)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *value;

        assert_true(sd_bus_message_new_method_call(bus, &m, BUS_NAME, path, "org.freedesktop.DBus.Properties", "Get") >=
                    0);
        assert_true(sd_bus_message_append(m, "ss", interface, property) >= 0);
        reply = ask(bus, m);
        if (!reply || sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "v", "s", &value) < 0)
                value = "";
        return strdup(value);
}

unsigned get_number(struct fixture *f, const char *property)
{
        uint32_t n = 0;

        assert_true(sd_bus_get_property_trivial(f->bus, BUS_NAME, f->session, "org.tmsd1.Session", property, NULL, 'u',
                                                &n) >= 0);
        return n;
}

void wait_text(struct fixture *f, const char *path, const char *interface, const char *property, const char *value)
{
        char *now = NULL;
        int i;

        for (i = 0; i < 500; i++) {
                free(now);
                now = get_text(f->bus, path, interface, property);
                if (STREQ(now, value)) {
                        free(now);
                        return;
                }
                usleep(20000);
        }
        fail_msg("%s is '%s', expected '%s'", property, now, value);
}

void wait_state(struct fixture *f, const char *value)
{
        wait_text(f, f->session, "org.tmsd1.Session", "State", value);
}

void check_end(struct fixture *f, const char *reason, unsigned delivered)
{
        char *text;

        wait_state(f, "ended");
        text = get_text(f->bus, f->session, "org.tmsd1.Session", "EndReason");
        assert_string_equal(text, reason);
        free(text);
        assert_int_equal(get_number(f, "Delivered"), delivered);
}

unsigned logged(struct fixture *f, const char *text)
{
        unsigned n = scratch_count(f->audit, "log.jsonl", text), i;
        char name[32];

        for (i = 1; (void)snprintf(name, sizeof(name), "log-%06u.jsonl", i), scratch_exists(f->audit, name); i++)
                n += scratch_count(f->audit, name, text);
        return n;
}

void check_log(struct fixture *f, uint64_t sessions, uint64_t delivered)
{
        struct tms_audit_report report;

        scratch_log_verify(f->audit, TMS_AUDIT_PREFIX, &report);
        assert_int_equal(report.sessions, sessions);
        assert_int_equal(report.pulses_delivered, delivered);
}

bool seal(struct fixture *f, const char *nonce, char **ret)
{
        sd_bus_message *m = new_call(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "SealAudit"), *reply;
        const char *line;

        (void)sd_bus_message_append(m, "s", nonce);
        if (!finish(f, f->bus, m, &reply))
                return false;
        assert_true(sd_bus_message_read(reply, "s", &line) >= 0);
        *ret = strdup(line);
        sd_bus_message_unref(reply);
        return true;
}

const char two_sides[] = "format: 1\nid: two-sides\ntitle: t\nindication: i\ntarget: both sides\n"
                         "coil: figure-8\nwaveform: biphasic\nstatus: research\n"
                         "intensity: {reference: rMT, percent: 90 %}\n"
                         "legs:\n"
                         "  - {name: right, target: right, pattern: {train: {pulses: 10, interval: 1 s}}}\n"
                         "  - {name: left, target: left, wait: operator, pattern: {train: {pulses: 10, "
                         "interval: 1 s}}}\n"
                         "totals: {pulses: 20, trains: 2, first_to_last: 19 s}\n";
