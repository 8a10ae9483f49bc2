/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the history says of a session's rest: where it begins, whose part it is, and what it is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "history.h"

#define BOOT "b1"
#define BEGIN_UTC_S 1767258000ULL /* 2026-01-01 09:00:00 */

static int memory_left = -1; /* allocations that still work; negative: all */
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);

static bool memory_is_left(void)
{
        if (memory_left < 0)
                return true;
        return memory_left > 0 && memory_left--;
}

void *__wrap_calloc(size_t n, size_t size)
{
        return memory_is_left() ? __real_calloc(n, size) : NULL;
}

char *__wrap_strdup(const char *s)
{
        return memory_is_left() ? __real_strdup(s) : NULL;
}

static int setup(void **state)
{
        struct history *h;

        assert_int_equal(history_new(31 * DAY_NS, &h), 0);
        *state = h;
        return 0;
}

static int teardown(void **state)
{
        history_free(*state);
        return 0;
}

/* At so many seconds of that morning. Takes over data. */
static void see(struct history *h, unsigned s, const char *type, json_t *data)
{
        json_t *record;

        assert_non_null(data);
        assert_int_equal(json_object_set_new(data, "boottime_ns", json_u64((1000 + s) * NS_PER_S)), 0);
        record = json_pack("{s:s, s:o, s:s, s:o}", "boot", BOOT, "utc_ns", json_u64((BEGIN_UTC_S + s) * NS_PER_S),
                           "type", type, "data", data);
        assert_non_null(record);
        history_see(record, h);
        json_decref(record);
}

static void create(struct history *h, unsigned s, const char *id, unsigned odometer, const char *rest_of)
{
        json_t *data = json_pack("{s:s, s:i, s:i, s:i, s:s}", "session", id, "card_serial", 1, "coil_serial", 815,
                                 "odometer", odometer, "subject", "A");

        if (*rest_of)
                assert_int_equal(json_object_set_new(data, "rest_of", json_string(rest_of)), 0);
        see(h, s, "session.create", data);
}

static void begin(struct history *h, unsigned s, const char *id, unsigned first_pulse, unsigned pulses)
{
        see(h, s, "session.prepare",
            json_pack("{s:s, s:s, s:s, s:i, s:[i, i], s:i, s:i, s:s, s:[s]}", "session", id, "protocol", "p", "sha256",
                      "0123", "threshold_permille", 520, "leg_thresholds_permille", 520, 0, "pulses", pulses,
                      "first_pulse", first_pulse, "timeline_sha256", "4567", "notices", "a sentence"));
        see(h, s, "session.start.intent", json_pack("{s:s}", "session", id));
}

static void end(struct history *h, unsigned s, const char *id, unsigned delivered, unsigned unknown, unsigned next,
                int odometer)
{
        json_t *data = json_pack("{s:s, s:i, s:i, s:i}", "session", id, "delivered", delivered, "unknown", unknown,
                                 "next_pulse", next);

        if (odometer >= 0)
                assert_int_equal(json_object_set_new(data, "odometer", json_integer(odometer)), 0);
        see(h, s, "session.end", data);
}

static struct tms_today today(struct history *h, unsigned s, const char *except)
{
        const struct clock_now now = {.utc_ns = (BEGIN_UTC_S + s) * NS_PER_S, .boottime_ns = (1000 + s) * NS_PER_S};
        struct tms_today t;

        assert_int_equal(history_today(h, "A", BOOT, &now, except, &t), 0);
        return t;
}

static void test_what_is_kept(void **state)
{
        struct history *h = *state;
        const struct past_session *s;

        create(h, 0, "one", 500, "");
        s = history_session(h, "one");
        assert_null(s->prepared);
        assert_false(s->has_next_pulse);
        begin(h, 1, "one", 0, 600);
        end(h, 60, "one", 100, 0, 100, 600);
        s = history_session(h, "one");
        assert_true(s->has_next_pulse);
        assert_int_equal(s->next_pulse, 100);
        assert_int_equal(s->coil_serial, 815);
        assert_string_equal(json_get_str(s->prepared, "sha256"), "0123");
        assert_int_equal(json_integer_value(json_array_get(json_object_get(s->prepared, "leg_thresholds_permille"), 0)),
                         520);
        /* Nothing that a rest is not made of. */
        assert_null(json_object_get(s->prepared, "notices"));
        assert_null(json_object_get(s->prepared, "session"));
        assert_null(history_session(h, "two"));
}

/* By the records, the odometer, and what the session was to begin with. */
static void test_where_it_begins(void **state)
{
        static const struct {
                unsigned first, delivered, unknown, next, odometer;
                unsigned wanted;
        } cases[] = {
                        {0, 100, 0, 100, 600, 100},
                        /* Missed ones are behind it, too. */
                        {0, 100, 0, 103, 600, 103},
                        /* The one with an unknown outcome was given, and was not. */
                        {0, 100, 1, 101, 601, 101},
                        {0, 100, 1, 101, 600, 101},
                        /* Nine came that are on no record. */
                        {0, 100, 0, 100, 609, 109},
                        {0, 100, 1, 101, 610, 110},
                        /* A rest, and one that has given nothing. */
                        {300, 50, 0, 350, 550, 350},
                        {300, 0, 0, 0, 500, 300},
                        {300, 0, 0, 0, 507, 307},
                        /* A counter that has gone back tells nothing. */
                        {0, 100, 0, 100, 20, 100},
        };
        struct history *h = *state;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                char id[16];

                (void)snprintf(id, sizeof(id), "s%zu", i);
                create(h, (unsigned)i * 100, id, 500, "");
                begin(h, (unsigned)i * 100 + 1, id, cases[i].first, 600 - cases[i].first);
                end(h, (unsigned)i * 100 + 60, id, cases[i].delivered, cases[i].unknown, cases[i].next,
                    (int)cases[i].odometer);
                if (history_next_pulse(history_session(h, id)) != cases[i].wanted)
                        fail_msg("case %zu: pulse %u", i, history_next_pulse(history_session(h, id)));
        }
}

/* The card was not asked at the end: nobody is sure, until it is. */
static void test_unsure_until_the_card_is_asked(void **state)
{
        struct history *h = *state;

        create(h, 0, "one", 500, "");
        begin(h, 1, "one", 0, 600);
        end(h, 60, "one", 100, 0, 100, -1);
        assert_true(history_session(h, "one")->unsure);
        create(h, 100, "two", 604, "one");
        assert_false(history_session(h, "one")->unsure);
        assert_int_equal(history_next_pulse(history_session(h, "one")), 104);
}

static void test_parts_of_one_treatment(void **state)
{
        struct history *h = *state;

        create(h, 0, "one", 500, "");
        begin(h, 1, "one", 0, 600);
        end(h, 60, "one", 100, 0, 100, 600);
        create(h, 100, "other", 600, "");
        begin(h, 101, "other", 0, 30);
        end(h, 160, "other", 30, 0, 30, 630);
        assert_null(history_rest_of(h, "one"));
        create(h, 200, "two", 630, "one");
        /* It has not started. */
        assert_null(history_rest_of(h, "one"));
        assert_int_equal(today(h, 201, "two").treatment, 30);
        begin(h, 201, "two", 100, 500);
        assert_string_equal(history_rest_of(h, "one")->id, "two");
        end(h, 260, "two", 200, 0, 300, 830);
        create(h, 300, "three", 830, "two");
        assert_string_equal(history_rest_of(h, "one")->id, "two");
        assert_null(history_rest_of(h, "two"));
        /* All that it is the rest of, and nothing else. */
        assert_int_equal(today(h, 301, "three").treatment, 30);
        assert_int_equal(today(h, 301, "two").treatment, 30);
        assert_int_equal(today(h, 301, "one").treatment, 230);
        assert_int_equal(today(h, 301, "other").treatment, 300);
        assert_int_equal(today(h, 301, NULL).treatment, 330);
        /* A session that is its own rest, as only a log that somebody made says. */
        create(h, 400, "ring", 830, "ring");
        assert_int_equal(today(h, 401, "ring").treatment, 330);
}

static void test_how_long_ago(void **state)
{
        struct history *h = *state;
        const struct clock_now now = {.utc_ns = (BEGIN_UTC_S + 90) * NS_PER_S, .boottime_ns = 1090 * NS_PER_S};
        const struct clock_now next = {.utc_ns = (BEGIN_UTC_S + 900) * NS_PER_S, .boottime_ns = 20 * NS_PER_S};

        create(h, 0, "one", 500, "");
        begin(h, 1, "one", 0, 600);
        end(h, 60, "one", 100, 0, 100, 600);
        assert_int_equal(history_since_ns(h, history_session(h, "one"), BOOT, &now), 30 * NS_PER_S);
        /* Another boot: so long as that has been up, at least. */
        assert_int_equal(history_since_ns(h, history_session(h, "one"), "b2", &next), 20 * NS_PER_S);
}

/* Without memory for a record nobody's day is known. */
static void test_no_memory(void **state)
{
        struct history *h = *state;
        const struct clock_now now = {.utc_ns = BEGIN_UTC_S * NS_PER_S, .boottime_ns = 1000 * NS_PER_S};
        struct tms_today t;

        for (int n = 0; n < 6; n++) {
                struct history *other;

                assert_int_equal(history_new(31 * DAY_NS, &other), 0);
                memory_left = n;
                create(other, 0, "one", 500, "zero");
                memory_left = -1;
                assert_int_equal(history_today(other, "A", BOOT, &now, NULL, &t), -ENODATA);
                history_free(other);
        }
        memory_left = 6;
        create(h, 0, "one", 500, "zero");
        memory_left = -1;
        assert_int_equal(history_today(h, "A", BOOT, &now, NULL, &t), 0);
        assert_string_equal(history_session(h, "one")->rest_of, "zero");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_what_is_kept, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_where_it_begins, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_unsure_until_the_card_is_asked, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_parts_of_one_treatment, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_how_long_ago, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
