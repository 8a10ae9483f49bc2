/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon makes of its log's past. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "history.h"

static int setup(void **state)
{
        struct history *h;

        assert_int_equal(history_new(&h), 0);
        *state = h;
        return 0;
}

static int teardown(void **state)
{
        history_free(*state);
        return 0;
}

/* Takes over data. */
static void see(struct history *h, const char *utc, const char *type, json_t *data)
{
        json_t *record = json_pack("{s:s, s:s, s:s, s:o}", "boot", "b1", "utc", utc, "type", type, "data", data);

        assert_non_null(record);
        history_see(record, h);
        json_decref(record);
}

static void create(struct history *h, const char *utc, const char *id, uint64_t card, uint64_t odometer,
                   const char *subject)
{
        see(h, utc, "session.create",
            json_pack("{s:s, s:I, s:I, s:s}", "session", id, "card_serial", (json_int_t)card, "odometer",
                      (json_int_t)odometer, "subject", subject));
}

static void pulses(struct history *h, const char *utc, const char *id, uint64_t delivered)
{
        see(h, utc, "session.pulses", json_pack("{s:s, s:I}", "session", id, "delivered", (json_int_t)delivered));
}

static void end(struct history *h, const char *utc, const char *id, uint64_t delivered)
{
        see(h, utc, "session.end", json_pack("{s:s, s:I}", "session", id, "delivered", (json_int_t)delivered));
}

static uint64_t at(const char *utc)
{
        struct tm tm = {0};

        assert_non_null(strptime(utc, "%Y-%m-%dT%H:%M:%SZ", &tm));
        return (uint64_t)timegm(&tm) * NS_PER_S;
}

static void test_open_sessions(void **state)
{
        struct history *h = *state;
        const struct past_session *s;

        create(h, "2026-01-01T09:00:00.000000Z", "one", 1, 0, "A");
        see(h, "2026-01-01T09:00:01.000000Z", "session.prepare",
            json_pack("{s:s, s:i}", "session", "one", "pulses", 3000));
        create(h, "2026-01-01T09:10:00.000000Z", "two", 2, 0, "B");
        end(h, "2026-01-01T09:20:00.000000Z", "two", 600);
        create(h, "2026-01-01T09:30:00.000000Z", "three", 2, 600, "B");
        s = history_open_session(h, NULL);
        assert_string_equal(s->id, "one");
        assert_string_equal(s->boot, "b1");
        assert_int_equal(s->prescribed, 3000);
        s = history_open_session(h, s);
        assert_string_equal(s->id, "three");
        assert_null(history_open_session(h, s));
        assert_string_equal(history_last_session(h, 2)->id, "three");
        assert_null(history_last_session(h, 3));
        end(h, "2026-01-01T09:40:00.000000Z", "one", 10);
        end(h, "2026-01-01T09:40:00.000000Z", "three", 10);
        assert_null(history_open_session(h, NULL));
}

static void test_pulses_today(void **state)
{
        struct history *h = *state;

        create(h, "2026-01-01T09:00:00.000000Z", "one", 1, 0, "A");
        end(h, "2026-01-01T09:30:00.500000Z", "one", 3000);
        create(h, "2026-01-01T10:00:00.000000Z", "two", 1, 3000, "B");
        end(h, "2026-01-01T10:30:00.000000Z", "two", 600);
        create(h, "2026-01-01T11:00:00.000000Z", "three", 1, 3600, "A");
        end(h, "2026-01-01T11:30:00.000000Z", "three", 100);
        create(h, "2026-01-01T12:00:00.000000Z", "four", 1, 3700, "");
        end(h, "2026-01-01T12:30:00.000000Z", "four", 7);
        assert_int_equal(history_pulses_today(h, "A", at("2026-01-01T13:00:00Z")), 3100);
        assert_int_equal(history_pulses_today(h, "B", at("2026-01-01T13:00:00Z")), 600);
        assert_int_equal(history_pulses_today(h, "", at("2026-01-01T13:00:00Z")), 7);
        assert_int_equal(history_pulses_today(h, "C", at("2026-01-01T13:00:00Z")), 0);
        assert_int_equal(history_pulses_today(h, "A", at("2026-01-02T09:30:00Z")), 3100);
        assert_int_equal(history_pulses_today(h, "A", at("2026-01-02T09:30:01Z")), 100);
        assert_int_equal(history_pulses_today(h, "A", at("2026-01-02T11:30:00Z")), 0);
}

/* One that goes on, or was cut off and waits for its card, has delivered what it has. */
static void test_pulses_today_of_open_sessions(void **state)
{
        struct history *h = *state;

        create(h, "2026-01-01T09:00:00.000000Z", "one", 1, 0, "A");
        assert_int_equal(history_pulses_today(h, "A", at("2026-01-01T09:00:01Z")), 0);
        pulses(h, "2026-01-01T09:10:00.000000Z", "one", 1000);
        pulses(h, "2026-01-01T09:20:00.000000Z", "one", 3000);
        assert_int_equal(history_pulses_today(h, "A", at("2026-01-01T09:21:00Z")), 3000);
        assert_int_equal(history_pulses_today(h, "B", at("2026-01-01T09:21:00Z")), 0);
        create(h, "2026-01-01T10:00:00.000000Z", "two", 2, 0, "A");
        end(h, "2026-01-01T10:30:00.000000Z", "two", 600);
        assert_int_equal(history_pulses_today(h, "A", at("2026-01-01T11:00:00Z")), 3600);
        /* Its day is over a day after its last pulses, though it never ended. */
        assert_int_equal(history_pulses_today(h, "A", at("2026-01-02T09:19:59Z")), 3600);
        assert_int_equal(history_pulses_today(h, "A", at("2026-01-02T09:20:01Z")), 600);
        see(h, "2026-01-02T12:00:00.000000Z", "recovery.pulses",
            json_pack("{s:s, s:i}", "session", "one", "delivered", 3010));
        end(h, "2026-01-02T12:00:00.000000Z", "one", 3010);
        assert_int_equal(history_pulses_today(h, "A", at("2026-01-02T12:00:01Z")), 3010);
}

static void test_odometer(void **state)
{
        struct history *h = *state;
        uint64_t n;

        assert_false(history_odometer(h, 1, &n));
        see(h, "2026-01-01T08:00:00.000000Z", "stimulator.add",
            json_pack("{s:i, s:i}", "card_serial", 1, "odometer", 50));
        assert_true(history_odometer(h, 1, &n));
        assert_int_equal(n, 50);
        /* Crashed: what was recorded is what it should show. */
        create(h, "2026-01-01T09:00:00.000000Z", "one", 1, 50, "");
        end(h, "2026-01-01T09:10:00.000000Z", "one", 20);
        (void)history_odometer(h, 1, &n);
        assert_int_equal(n, 70);
        /* Five more of that session were in the kernel still. */
        see(h, "2026-01-01T09:11:00.000000Z", "recovery.pulses",
            json_pack("{s:s, s:i}", "session", "one", "delivered", 25));
        (void)history_odometer(h, 1, &n);
        assert_int_equal(n, 75);
        assert_int_equal(history_last_session(h, 1)->delivered, 25);
        /* A reading at the end is what it is. */
        create(h, "2026-01-01T10:00:00.000000Z", "two", 1, 75, "");
        see(h, "2026-01-01T10:10:00.000000Z", "session.end",
            json_pack("{s:s, s:i, s:i}", "session", "two", "delivered", 10, "odometer", 86));
        (void)history_odometer(h, 1, &n);
        assert_int_equal(n, 86);
        see(h, "2026-01-01T10:11:00.000000Z", "stimulator.odometer",
            json_pack("{s:i, s:i, s:i}", "card_serial", 1, "expected", 86, "found", 99));
        (void)history_odometer(h, 1, &n);
        assert_int_equal(n, 99);
}

static void test_years_are_forgotten(void **state)
{
        struct history *h = *state;
        char id[16], utc[40];
        int i;

        for (i = 0; i < 300; i++) {
                (void)snprintf(id, sizeof(id), "s%d", i);
                (void)snprintf(utc, sizeof(utc), "20%02d-%02d-01T09:00:00.000000Z", 10 + i / 12, 1 + i % 12);
                create(h, utc, id, 1, 0, "A");
                end(h, utc, id, 10);
        }
        assert_int_equal(history_pulses_today(h, "A", 1), 10);
        assert_string_equal(history_last_session(h, 1)->id, "s299");
}

static void test_odd_records_do_no_harm(void **state)
{
        struct history *h = *state;

        see(h, "", "session.create", json_object());
        see(h, "nonsense", "session.end", json_pack("{s:i}", "session", 5));
        see(h, "2026-01-01T10:11:00.000000Z", "stimulator.add", json_null());
        see(h, "2026-01-01T10:11:00.000000Z", "recovery.pulses", json_pack("{s:s}", "session", "nobody"));
        assert_null(history_last_session(h, 77));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_open_sessions, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_pulses_today, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_pulses_today_of_open_sessions, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_odometer, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_years_are_forgotten, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_odd_records_do_no_harm, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
