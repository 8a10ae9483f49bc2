/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The day's dose under clocks that are set, jump and are wrong: a computer
 * that is played here, with boots, its time since boot and a wall clock, and
 * the history that its records make.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "history.h"

#define MINUTE_NS (60 * NS_PER_S)
#define HOUR_NS (60 * MINUTE_NS)
/* 2026-01-05 09:00:00 UTC */
#define MONDAY_NS (1767603600 * NS_PER_S)

struct computer {
        struct history *h;
        char boot[8];
        uint64_t true_ns;   /* what nobody in it knows */
        uint64_t booted_ns; /* true time of the boot */
        int64_t wall_ns;    /* how far the wall clock is off */
        bool old_format;    /* of records without BOOTTIME */
        json_t *log;        /* all records, to be read once more */
};

static int setup(void **state)
{
        struct computer *c = calloc(1, sizeof(*c));

        assert_int_equal(history_new(31 * DAY_NS, &c->h), 0);
        strcpy(c->boot, "b1");
        c->true_ns = MONDAY_NS;
        c->booted_ns = MONDAY_NS - 10 * MINUTE_NS;
        c->log = json_array();
        *state = c;
        return 0;
}

static int teardown(void **state)
{
        struct computer *c = *state;

        history_free(c->h);
        json_decref(c->log);
        free(c);
        return 0;
}

static void pass(struct computer *c, uint64_t ns)
{
        c->true_ns += ns;
}

static void boot_after(struct computer *c, uint64_t off_ns)
{
        c->boot[1]++;
        c->true_ns += off_ns;
        c->booted_ns = c->true_ns;
        c->true_ns += 20 * NS_PER_S;
}

static struct clock_now now(const struct computer *c)
{
        return (struct clock_now){
                        .utc_ns = c->true_ns + (uint64_t)c->wall_ns,
                        .boottime_ns = c->true_ns - c->booted_ns,
        };
}

/* Takes over data, which may be NULL. */
static void record(struct computer *c, const char *type, json_t *data)
{
        struct clock_now n = now(c);
        time_t s = (time_t)(n.utc_ns / NS_PER_S);
        struct tm tm;
        char utc[40];
        json_t *r;

        (void)gmtime_r(&s, &tm);
        assert_true(strftime(utc, sizeof(utc), "%Y-%m-%dT%H:%M:%S.000000Z", &tm) > 0);
        if (!data)
                data = json_object();
        if (!c->old_format)
                (void)json_object_set_new(data, "boottime_ns", json_integer((json_int_t)n.boottime_ns));
        r = json_pack("{s:s, s:I, s:s, s:s, s:o}", "utc", utc, "mono_ns", (json_int_t)n.boottime_ns, "boot", c->boot,
                      "type", type, "data", data);
        assert_non_null(r);
        history_see(r, c->h);
        (void)json_array_append_new(c->log, r);
}

static void seal(struct computer *c)
{
        bool old = c->old_format;

        c->old_format = true;
        record(c, "seal", NULL);
        c->old_format = old;
}

static void treat(struct computer *c, const char *subject, unsigned pulses)
{
        static unsigned number;
        char id[16];

        (void)snprintf(id, sizeof(id), "s%u", number++);
        record(c, "session.create", json_pack("{s:s, s:i, s:s}", "session", id, "card_serial", 1, "subject", subject));
        pass(c, 5 * MINUTE_NS);
        record(c, "session.end", json_pack("{s:s, s:i}", "session", id, "delivered", pulses));
        seal(c);
}

/* As it is, and as a daemon would have it that has just read the log. */
static unsigned today(struct computer *c, const char *subject)
{
        struct clock_now n = now(c);
        struct tms_today t, again;
        struct history *h;
        json_t *r;
        size_t i;

        assert_int_equal(history_today(c->h, subject, c->boot, &n, NULL, &t), 0);
        assert_int_equal(history_new(31 * DAY_NS, &h), 0);
        json_array_foreach(c->log, i, r)
                history_see(r, h);
        assert_int_equal(history_today(h, subject, c->boot, &n, NULL, &again), 0);
        history_free(h);
        assert_int_equal(t.treatment, again.treatment);
        return t.treatment;
}

static bool trouble(const struct computer *c, enum clock_trouble kind)
{
        struct clock_now n = now(c);
        struct elapsed e;

        history_elapsed(c->h, c->boot, &n, &e);
        return e.trouble[kind].active;
}

static bool is_sane(const struct computer *c)
{
        return !trouble(c, CLOCK_STEPPED) && !trouble(c, CLOCK_BACKWARD) && !trouble(c, CLOCK_LONG_OFF);
}

/* --- The day ---------------------------------------------------------------------------------- */

static void test_a_week_as_it_should_be(void **state)
{
        struct computer *c = *state;
        int day;

        record(c, "daemon.start", NULL);
        for (day = 0; day < 7; day++) {
                assert_true(is_sane(c));
                assert_int_equal(today(c, "A"), 0);
                treat(c, "A", 600);
                assert_int_equal(today(c, "A"), 600);
                pass(c, 8 * HOUR_NS);
                assert_int_equal(today(c, "A"), 600);
                record(c, "daemon.stop", NULL);
                /* Off by night, on again at the same hour, or asleep, which the time since boot counts. */
                if (day % 2)
                        boot_after(c, 16 * HOUR_NS);
                else
                        pass(c, 16 * HOUR_NS);
                record(c, "daemon.start", NULL);
        }
        assert_true(is_sane(c));
}

static void test_a_day_is_24_hours_on_the_second(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        pass(c, 24 * HOUR_NS - NS_PER_S);
        assert_int_equal(today(c, "A"), 600);
        pass(c, NS_PER_S);
        assert_int_equal(today(c, "A"), 0);
}

static void test_wall_clock_forward_while_up(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        c->wall_ns = 25 * HOUR_NS;
        assert_int_equal(today(c, "A"), 600);
        assert_true(trouble(c, CLOCK_STEPPED));
        /* Also when records say the new time, a restart begins with it, or it is in the next boot still. */
        record(c, "request.refused", NULL);
        record(c, "daemon.start", NULL);
        assert_int_equal(today(c, "A"), 600);
        assert_true(trouble(c, CLOCK_STEPPED));
        boot_after(c, MINUTE_NS);
        record(c, "daemon.start", NULL);
        assert_int_equal(today(c, "A"), 600);
}

static void test_wall_clock_backward_while_up(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        c->wall_ns = -48 * (int64_t)HOUR_NS;
        assert_int_equal(today(c, "A"), 600);
        assert_true(trouble(c, CLOCK_STEPPED));
        c->wall_ns = 0;
        assert_int_equal(today(c, "A"), 600);
        assert_true(is_sane(c));
}

/* One record from the future takes nobody's day away, however often the log is read. */
static void test_a_record_dated_in_the_future(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        c->wall_ns = 72 * HOUR_NS;
        treat(c, "B", 600);
        treat(c, "C", 0);
        c->wall_ns = 0;
        assert_int_equal(today(c, "A"), 600);
        assert_int_equal(today(c, "B"), 600);
        treat(c, "C", 600);
        assert_int_equal(today(c, "A"), 600);
        /* Nor does it give B a day of four days: a day has certainly passed. */
        pass(c, 24 * HOUR_NS);
        assert_int_equal(today(c, "A"), 0);
        assert_int_equal(today(c, "B"), 0);
}

/* The same of a boot with a wrong clock, which is set right later. */
static void test_a_boot_a_year_ahead(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        c->wall_ns = 365 * (int64_t)DAY_NS;
        boot_after(c, HOUR_NS);
        record(c, "daemon.start", NULL);
        assert_true(trouble(c, CLOCK_LONG_OFF));
        treat(c, "B", 600);
        c->wall_ns = 0;
        assert_true(trouble(c, CLOCK_STEPPED));
        assert_int_equal(today(c, "A"), 600);
        assert_int_equal(today(c, "B"), 600);
}

static void test_records_without_boottime(void **state)
{
        struct computer *c = *state;

        c->old_format = true;
        treat(c, "A", 600);
        c->wall_ns = 25 * HOUR_NS;
        treat(c, "B", 600);
        assert_int_equal(today(c, "A"), 600);
        c->wall_ns = 0;
        record(c, "daemon.stop", NULL);
        c->old_format = false;
        record(c, "daemon.start", NULL);
        assert_int_equal(today(c, "A"), 600);
        pass(c, 25 * HOUR_NS);
        record(c, "daemon.stop", NULL);
        assert_int_equal(today(c, "A"), 0);
}

/* Years must not stay in memory; what may be of a day stays. */
static void test_only_certain_days_are_forgotten(void **state)
{
        struct computer *c = *state;
        const struct past_session *s = NULL;
        unsigned i;

        for (i = 0; i < 100; i++) {
                treat(c, "A", 10);
                pass(c, 2 * HOUR_NS);
        }
        record(c, "session.create", json_pack("{s:s, s:i, s:s}", "session", "x", "card_serial", 2, "subject", "B"));
        assert_string_equal(history_open_session(c->h, s)->id, "x");
        assert_int_equal(today(c, "A"), 110);
}

/* --- The clock ----------------------------------------------------------------------------------- */

static void test_a_minute_is_no_step(void **state)
{
        struct computer *c = *state;
        int i;

        record(c, "daemon.start", NULL);
        c->wall_ns = 60 * (int64_t)NS_PER_S;
        assert_true(is_sane(c));
        c->wall_ns = 61 * (int64_t)NS_PER_S;
        assert_true(trouble(c, CLOCK_STEPPED));
        c->wall_ns = -61 * (int64_t)NS_PER_S;
        assert_true(trouble(c, CLOCK_STEPPED));
        /* From record to record, as a bad crystal or a helpful person moves it. */
        for (i = 1; i < 10; i++) {
                c->wall_ns = i * 50 * (int64_t)NS_PER_S;
                record(c, "session.pulses", NULL);
                assert_true(is_sane(c));
        }
}

static void test_a_step_is_mended(void **state)
{
        struct computer *c = *state;

        record(c, "daemon.start", NULL);
        c->wall_ns = 25 * HOUR_NS;
        record(c, "request.refused", NULL);
        assert_true(trouble(c, CLOCK_STEPPED));
        c->wall_ns = 30 * (int64_t)NS_PER_S;
        record(c, "request.refused", NULL);
        assert_true(is_sane(c));

        /* Left as it is, it is believed after a day that has certainly passed, and not because of its own date. */
        c->wall_ns = 25 * HOUR_NS;
        record(c, "request.refused", NULL);
        pass(c, 23 * HOUR_NS);
        record(c, "request.refused", NULL);
        assert_true(trouble(c, CLOCK_STEPPED));
        pass(c, HOUR_NS);
        record(c, "request.refused", NULL);
        record(c, "request.refused", NULL);
        assert_true(is_sane(c));
        /* From when on it is what the next step is told by. */
        c->wall_ns = 0;
        assert_true(trouble(c, CLOCK_STEPPED));
}

static void test_a_second_step_begins_the_day_anew(void **state)
{
        struct computer *c = *state;

        record(c, "daemon.start", NULL);
        c->wall_ns = 2 * HOUR_NS;
        record(c, "request.refused", NULL);
        pass(c, 20 * HOUR_NS);
        c->wall_ns = 4 * HOUR_NS;
        record(c, "request.refused", NULL);
        pass(c, 20 * HOUR_NS);
        record(c, "request.refused", NULL);
        assert_true(trouble(c, CLOCK_STEPPED));
        pass(c, 5 * HOUR_NS);
        assert_true(is_sane(c));
}

static void test_over_a_boot(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        boot_after(c, 12 * HOUR_NS);
        assert_true(is_sane(c));
        record(c, "daemon.start", NULL);
        record(c, "daemon.stop", NULL);
        boot_after(c, 32 * DAY_NS);
        record(c, "daemon.start", NULL);
        assert_true(trouble(c, CLOCK_LONG_OFF));
        assert_false(trouble(c, CLOCK_BACKWARD));
        pass(c, DAY_NS);
        assert_true(is_sane(c));

        treat(c, "B", 600);
        c->wall_ns = -3 * (int64_t)HOUR_NS;
        boot_after(c, HOUR_NS);
        record(c, "daemon.start", NULL);
        assert_true(trouble(c, CLOCK_BACKWARD));
        assert_int_equal(today(c, "B"), 600);
        record(c, "daemon.start", NULL);
        assert_true(trouble(c, CLOCK_BACKWARD));
        /* Set right, which is no new step. */
        c->wall_ns = 0;
        assert_true(is_sane(c));
        record(c, "daemon.start", NULL);
        assert_true(is_sane(c));
        assert_int_equal(today(c, "B"), 600);
}

static void test_backward_over_a_boot_is_waited_out(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        c->wall_ns = -100 * (int64_t)DAY_NS;
        boot_after(c, HOUR_NS);
        record(c, "daemon.start", NULL);
        pass(c, 23 * HOUR_NS);
        assert_true(trouble(c, CLOCK_BACKWARD));
        assert_int_equal(today(c, "A"), 600);
        pass(c, HOUR_NS);
        assert_true(is_sane(c));
        assert_int_equal(today(c, "A"), 0);
}

/* Set ahead by mistake and restarted: the computer's own clock is right again, and the records are not to blame. */
static void test_a_step_that_a_restart_mends(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        c->wall_ns = 25 * HOUR_NS;
        record(c, "request.refused", NULL);
        c->wall_ns = 0;
        boot_after(c, MINUTE_NS);
        record(c, "daemon.start", NULL);
        assert_true(is_sane(c));
        assert_int_equal(today(c, "A"), 600);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_a_week_as_it_should_be, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_a_day_is_24_hours_on_the_second, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_wall_clock_forward_while_up, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_wall_clock_backward_while_up, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_a_record_dated_in_the_future, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_a_boot_a_year_ahead, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_records_without_boottime, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_only_certain_days_are_forgotten, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_a_minute_is_no_step, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_a_step_is_mended, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_a_second_step_begins_the_day_anew, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_over_a_boot, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_backward_over_a_boot_is_waited_out, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_a_step_that_a_restart_mends, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
