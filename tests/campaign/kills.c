/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kills FIRST COUNT [BUG]: treatments in which the daemon is killed by SIGKILL, at a random instant or at a point that
 * has a name, and often once more while it begins again. The card that the test plays is the witness. Afterwards each
 * pulse that it has given is in the log, or known to be missing by the card's own count; nothing else is in the log;
 * the log verifies, and the next treatment goes on behind it.
 *
 * A case is its seed and nothing else: what a seed draws is the same each time, but where the kill meets the daemon's
 * threads is not. BUG is the number of one that is put in on purpose.
 */
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "points.h"
#include "scratch.h"
#include "scratch-log.h"
#include "session-fixture.h"

#define CASES_MAX 5000
#define ODOMETER_FIRST 500 /* the fake card's */
#define WAIT_STEPS 3000    /* of 10 ms each: a busy computer is slow */

struct what {
        unsigned seed; /* what rand_r() goes on with */
        uint64_t lost; /* records below this one were acknowledged when the kernel forgot the others; 0: it has all */
};

static unsigned first_seed, the_bug;

static unsigned draw(struct what *w, unsigned below)
{
        return (unsigned)rand_r(&w->seed) / 7 % below;
}

/* --- A daemon that may be dead -------------------------------------------------------------- */

static bool is_dead(struct fixture *f)
{
        int status;

        if (f->daemon > 0 && waitpid(f->daemon, &status, WNOHANG) == f->daemon) {
                if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
                        fail_msg("the daemon has ended by itself, with %#x", (unsigned)status);
                f->daemon = 0;
                fake_controller_died();
        }
        return f->daemon == 0;
}

static bool has_name(struct fixture *f)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int owned = 0;

        assert_true(sd_bus_call_method(f->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                       "NameHasOwner", NULL, &reply, "s", BUS_NAME) >= 0);
        assert_true(sd_bus_message_read(reply, "b", &owned) >= 0);
        return owned;
}

/* Until it has its name, or is dead. */
static bool begins(struct fixture *f, const char *boot)
{
        begin_daemon(f, boot);
        for (int i = 0; i < WAIT_STEPS; i++) {
                if (is_dead(f))
                        return false;
                if (has_name(f))
                        return true;
                usleep(10000);
        }
        fail_msg("the daemon does not begin");
        return false;
}

static void set_point(struct what *w, bool beginning)
{
        static const enum point at_begin[] = {POINT_OPEN_LOG,     POINT_WRITE_LOG,    POINT_SYNC_LOG,
                                              POINT_OPEN_PULSES,  POINT_WRITE_PULSES, POINT_SYNC_PULSES,
                                              POINT_RENAME_KEY,   POINT_REMOVE_KEY,   POINT_SYNC_FOLDER,
                                              POINT_READ_RECORDS, POINT_WRITE_KEY,    POINT_SYNC_KEY};
        enum point at = beginning ? at_begin[draw(w, ELEMENTS(at_begin))] : (enum point)(1 + draw(w, POINTS - 1));
        /* What is done often may be met late. */
        const bool often = at == POINT_WRITE_LOG || at == POINT_SYNC_LOG || at == POINT_READ_RECORDS ||
                           at == POINT_SYNC_FOLDER;
        const bool seldom = at == POINT_LOAD || at == POINT_ARM || at == POINT_START || at == POINT_OPEN_PULSES ||
                            at == POINT_WRITE_PROTOCOL || at == POINT_RENAME_PROTOCOL || at == POINT_STOP;
        enum when when = draw(w, 2) ? BEFORE : BEHIND;

        points_set(at, when, seldom ? 1 : 1 + draw(w, often && !beginning ? 16 : 4));
}

/* --- A treatment --------------------------------------------------------------------------- */

static void play(struct what *w)
{
        switch (draw(w, 8)) {
        case 0:
                fake_miss(1 + draw(w, 3));
                break;
        case 1:
                fake_trigger(true);
                usleep(draw(w, 20000));
                fake_answer(TMS_PULSE_OUTCOME_DELIVERED);
                break;
        default:
                fake_play(1 + draw(w, 60));
                break;
        }
}

/* False: the daemon died before the card was asked to run. */
static bool start(struct fixture *f)
{
        return !is_dead(f) && create_with(f, f->bus, "S-1") && prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520) &&
               call(f, "ConfirmNotices") && call(f, "Arm") && call(f, "Start");
}

static void treat(struct fixture *f, struct what *w)
{
        unsigned beats = 2 + draw(w, 7), end = draw(w, 3);
        char *line = NULL;

        if (!start(f)) {
                if (!is_dead(f))
                        usleep(100000);
                return;
        }
        for (; beats > 0 && !is_dead(f); beats--) {
                play(w);
                if (draw(w, 6) == 0 && call(f, "Pause"))
                        (void)call(f, "Resume");
                answer(f->bus);
                usleep(draw(w, 250000));
        }
        if (is_dead(f) || end == 0)
                return;
        if (call(f, "Stop") && end == 1) {
                (void)seal(f, "n", &line);
                free(line);
        }
        usleep(draw(w, 300000));
}

/* It is dead in any case: if no point was met, by a signal now. */
static void end_it(struct fixture *f)
{
        if (is_dead(f))
                return;
        kill_daemon(f, SIGKILL);
        (void)atomic_fetch_add(&points->kills[POINT_NONE], 1);
}

/* --- What has to be there -------------------------------------------------------------------- */

struct line {
        unsigned long long seq, type, triggered_ns, outcome;
};

/* A line of a pulse file: its columns 1, 3, 12 and 18. */
static bool parse(const char *text, struct line *ret)
{
        return sscanf(text, "%llu %*s %llu %*s %*s %*s %*s %*s %*s %*s %*s %llu %*s %*s %*s %*s %*s %llu", &ret->seq,
                      &ret->type, &ret->triggered_ns, &ret->outcome) == 4;
}

static bool is_pulse(unsigned long long type)
{
        return type == TMS_EVENT_PULSE_DUE || type == TMS_EVENT_PULSE_ANSWER;
}

static uint64_t in_files[FAKE_EVENTS]; /* seq of each witnessed record of a pulse that a pulse file has */

/* No line says another thing than what the card has done. */
static void look_at(const char *text)
{
        struct line l;

        for (; text; text = strchr(text, '\n'), text = text ? text + 1 : NULL) {
                const struct tms_event *e;

                if (!parse(text, &l) || !is_pulse(l.type))
                        continue;
                e = &fake->events[l.seq % FAKE_EVENTS];
                if (e->seq != l.seq || e->type != l.type || e->pulse.triggered_ns != l.triggered_ns ||
                    e->pulse.outcome != l.outcome)
                        fail_msg("a pulse file has record %llu, which the card never gave", l.seq);
                in_files[l.seq % FAKE_EVENTS] = l.seq;
        }
}

static void read_files(struct fixture *f)
{
        static char *all; /* no leak where a line of it fails the case */
        char command[512];

        (void)snprintf(command, sizeof(command), "cat %s/pulses/*.tsv >%s/all-pulses 2>/dev/null", f->audit, f->path);
        (void)!system(command);
        memset(in_files, 0, sizeof(in_files));
        free(all);
        all = scratch_read(f->path, "all-pulses", NULL);
        look_at(all);
}

/* Of these the log must have each: those that were acknowledged, and those that the kernel still had. */
static void every_record(const struct what *w)
{
        for (uint64_t seq = 1; seq < fake->status.event_head; seq++) {
                const struct tms_event *e = &fake->events[seq % FAKE_EVENTS];

                if (e->seq == seq && is_pulse(e->type) && (w->lost == 0 || seq < w->lost) &&
                    in_files[seq % FAKE_EVENTS] != seq)
                        fail_msg("record %llu of a pulse is in no pulse file", (unsigned long long)seq);
        }
}

static int count_unexplained(uint64_t line, const char *json, size_t size, void *userdata)
{
        json_t *r = json_loadb(json, size, 0, NULL), *data = json_object_get(r, "data");
        int64_t *more = userdata;

        if (STREQ(json_string_value(json_object_get(r, "type")) ?: "", "stimulator.odometer"))
                *more += json_integer_value(json_object_get(data, "found")) -
                         json_integer_value(json_object_get(data, "expected"));
        json_decref(r);
        return 0;
}

/* What the card has counted is what was delivered, and what the log says to be unexplained or not answered. */
static void every_discharge(struct fixture *f, const struct tms_audit_report *report)
{
        struct tms_error error;
        int64_t more = 0;

        assert_int_equal(tms_audit_foreach(f->audit, count_unexplained, &more, &error), 0);
        if ((int64_t)report->pulses_delivered + more != (int64_t)fake->info.odometer - ODOMETER_FIRST)
                fail_msg("the card has counted %lld pulses, the log has %llu and %lld that are not explained",
                         (long long)fake->info.odometer - ODOMETER_FIRST, (unsigned long long)report->pulses_delivered,
                         (long long)more);
}

static void judge(struct fixture *f, const struct what *w)
{
        struct tms_audit_report report;

        scratch_log_verify(f->audit, TMS_AUDIT_PREFIX, &report);
        read_files(f);
        every_record(w);
        every_discharge(f, &report);
}

/* --- A case -------------------------------------------------------------------------------- */

/* The daemon begins until it has begun: it may be killed once more on its way. */
static void begin_again(struct fixture *f, struct what *w)
{
        const char *boot = BOOT_A;

        if (draw(w, 4) == 0) {
                /* The computer went down as well: what the kernel had is gone. */
                boot = BOOT_B;
                w->lost = fake->acked;
                fake->acked = fake->status.event_head;
                fake->info.records_since_ns = 2;
        }
        if (draw(w, 2)) {
                set_point(w, true);
                if (begins(f, boot)) {
                        usleep(draw(w, 200000));
                        end_it(f);
                }
        }
        points_set(POINT_NONE, BEFORE, 0);
        assert_true(begins(f, boot));
}

static void goes_on(struct fixture *f)
{
        if (!create_with(f, f->bus, "S-2") || !prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520) ||
            !call(f, "ConfirmNotices") || !call(f, "Arm") || !call(f, "Start"))
                fail_msg("the next treatment: %s: %s", f->error, f->message);
        fake_play(3);
        must(f, "Stop");
        wait_state(f, "ended");
}

static int setup_case(void **state)
{
        points_set(POINT_NONE, BEFORE, 0);
        atomic_store(&points->bug, (int)the_bug);
        daemon_begins = points_are_daemon;
        if (setup(state) < 0)
                return -1;
        /* The fixture has promises of its own, which would see a bug before the campaign does, and take long. */
        if (the_bug != BUG_NONE)
                fake->audit[0] = '\0';
        return 0;
}

static void test_case(void **state)
{
        struct fixture *f = *state;
        struct what w = {.seed = first_seed++};

        if (draw(&w, 3) > 0)
                set_point(&w, false);
        treat(f, &w);
        end_it(f);
        begin_again(f, &w);
        goes_on(f);
        stop_daemon(f);
        judge(f, &w);
}

int main(int argc, char **argv)
{
        static struct CMUnitTest tests[CASES_MAX];
        static char names[CASES_MAX][16];
        unsigned count, i;
        int failed;

        if (argc < 3 || (count = (unsigned)atoi(argv[2])) == 0 || count > CASES_MAX) {
                (void)fprintf(stderr, "kills FIRST COUNT [BUG]: the first seed, how many, at most %d\n", CASES_MAX);
                return 2;
        }
        first_seed = (unsigned)atoi(argv[1]);
        the_bug = argc > 3 ? (unsigned)atoi(argv[3]) : BUG_NONE;
        for (i = 0; i < count; i++) {
                (void)snprintf(names[i], sizeof(names[i]), "seed %u", first_seed + i);
                tests[i] = (struct CMUnitTest){.name = names[i],
                                               .test_func = test_case,
                                               .setup_func = setup_case,
                                               .teardown_func = teardown};
        }
        failed = _cmocka_run_group_tests("kills", tests, count, NULL, NULL);
        for (i = 0; i < POINTS; i++)
                (void)printf("kills\t%u\t%s\n", atomic_load(&points->kills[i]), point_names[i]);
        return failed > 0;
}
