/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the index says of a log, and that it counts as the history does. */
#include "index-fixture.h"

#include "history.h"

static char listed[32];

static int list(const struct index_session *s, void *userdata)
{
        (void)userdata;
        assert_true(strlen(listed) + strlen(s->id) < sizeof(listed));
        strcat(listed, s->id);
        return 0;
}

static void test_sessions_of(void **state)
{
        struct index_log *l = *state;
        struct index *x;
        struct index_reader *r;

        index_live(l);
        x = index_begin_at(l, index_records(l));
        r = index_ready(x);
        listed[0] = '\0';
        assert_int_equal(index_sessions_of(r, "S_1", list, NULL), 0);
        assert_string_equal(listed, "acf");
        listed[0] = '\0';
        assert_int_equal(index_sessions_of(r, "", list, NULL), 0);
        assert_string_equal(listed, "e");
        listed[0] = '\0';
        assert_int_equal(index_sessions_of(r, "S-11", list, NULL), 0);
        assert_string_equal(listed, "");
        index_reader_free(r);
        index_free(x);
}

static int stop_at_c(const struct index_session *s, void *userdata)
{
        struct index_session *ret = userdata;

        *ret = *s;
        return STREQ(s->id, "c") ? 42 : 0;
}

static void test_a_session(void **state)
{
        struct index_log *l = *state;
        struct index_session s;
        struct index_reader *r;
        struct index *x;

        index_live(l);
        x = index_begin_at(l, index_records(l));
        r = index_ready(x);
        assert_int_equal(index_sessions_between(r, 0, INT64_MAX, stop_at_c, &s), 42);
        assert_string_equal(s.subject, "s.1");
        assert_string_equal(s.protocol, "a-protocol");
        assert_string_equal(s.verdict, "override");
        assert_string_equal(s.reason, "crashed");
        assert_true(s.card_serial == CARD);
        assert_true(s.measuring && s.overridden && !s.unsure);
        assert_int_equal(s.prescribed, 10);
        assert_int_equal(s.trains, 2);
        assert_int_equal(s.max_permille, 643);
        assert_int_equal(s.delivered, 3);
        assert_int_equal(s.odometer, 119);
        assert_int_equal(s.discharged, 4);
        assert_int_equal(s.created_utc_ns, INDEX_BEGIN_NS + s.seq * INDEX_STEP_NS);
        assert_int_equal(s.started_utc_ns, s.created_utc_ns + 2 * INDEX_STEP_NS);
        assert_int_equal(s.ended_utc_ns, s.created_utc_ns + 5 * INDEX_STEP_NS);
        assert_int_equal(s.last_utc_ns, s.ended_utc_ns);
        /* The end of the time is left out, its beginning is not. */
        listed[0] = '\0';
        assert_int_equal(index_sessions_between(r, s.created_utc_ns, s.created_utc_ns + 1, list, NULL), 0);
        assert_string_equal(listed, "c");
        listed[0] = '\0';
        assert_int_equal(index_sessions_between(r, 0, s.created_utc_ns, list, NULL), 0);
        assert_string_equal(listed, "ab");
        index_reader_free(r);
        index_free(x);
}

static void check_dose(struct index_reader *r, const char *subject, uint64_t from_ns, uint64_t until_ns,
                       const struct index_dose *wanted)
{
        struct index_dose d;

        assert_int_equal(index_dose_of(r, subject, from_ns, until_ns, &d), 0);
        assert_int_equal(d.sessions, wanted->sessions);
        assert_int_equal(d.treatment, wanted->treatment);
        assert_int_equal(d.measuring, wanted->measuring);
        assert_int_equal(d.unknown, wanted->unknown);
        assert_int_equal(d.treatment_at_most, wanted->treatment_at_most);
        assert_int_equal(d.measuring_at_most, wanted->measuring_at_most);
}

static void test_dose(void **state)
{
        struct index_log *l = *state;
        struct index_session c;
        struct index_reader *r;
        struct index *x;

        index_live(l);
        x = index_begin_at(l, index_records(l));
        r = index_ready(x);
        /* a: 19; c: 3, and 4 by the odometer; f is under way: 12 so far and 2 unknown, 30 at most. */
        check_dose(r, "s-1", 0, INT64_MAX, &(struct index_dose){3, 31, 3, 2, 49, 4});
        /* b never started. Nobody has counted e since it was lost, in which 5 of 7 are known. */
        check_dose(r, "S-2", 0, INT64_MAX, &(struct index_dose){0});
        check_dose(r, "", 0, INT64_MAX, &(struct index_dose){1, 5, 0, 0, 7, 0});
        assert_int_equal(index_sessions_between(r, 0, INT64_MAX, stop_at_c, &c), 42);
        /* Up to its start, and from its last record on. */
        check_dose(r, "S-1", 0, c.started_utc_ns, &(struct index_dose){1, 19, 0, 0, 19, 0});
        check_dose(r, "S-1", c.last_utc_ns, c.last_utc_ns + 1, &(struct index_dose){1, 0, 3, 0, 0, 4});
        check_dose(r, "S-1", c.last_utc_ns + 1, INT64_MAX, &(struct index_dose){1, 12, 0, 2, 30, 0});
        index_reader_free(r);
        index_free(x);
}

static char course[400];

static int note(const struct index_reading *reading, void *userdata)
{
        size_t n = strlen(course);

        (void)userdata;
        n += (size_t)snprintf(course + n, sizeof(course) - n, "%s %llu", reading->type,
                              (unsigned long long)reading->odometer);
        if (reading->has_expected)
                n += (size_t)snprintf(course + n, sizeof(course) - n, " not %llu",
                                      (unsigned long long)reading->expected);
        (void)snprintf(course + n, sizeof(course) - n, "\n");
        assert_int_equal(reading->utc_ns, INDEX_BEGIN_NS + reading->seq * INDEX_STEP_NS);
        return 0;
}

static void test_odometer(void **state)
{
        struct index_log *l = *state;
        struct index_reader *r;
        struct index *x;

        index_live(l);
        x = index_begin_at(l, index_records(l));
        r = index_ready(x);
        assert_int_equal(index_odometer(r, CARD, note, NULL), 0);
        assert_string_equal(course, "stimulator.add 100\nsession.create 100\nsession.end 119\nsession.create 119\n"
                                    "session.create 123\nsession.end 129\nstimulator.odometer 131 not 129\n"
                                    "session.create 131\n");
        index_reader_free(r);
        index_free(x);
}

/* The reader goes on in its moment. */
static void test_moment(void **state)
{
        struct index_log *l = *state;
        struct index_reader *before, *after;
        struct index *x;

        index_live(l);
        x = index_begin_at(l, 5);
        before = index_ready(x);
        index_durable(x, index_records(l));
        after = index_ready(x);
        listed[0] = '\0';
        assert_int_equal(index_sessions_between(before, 0, INT64_MAX, list, NULL), 0);
        assert_string_equal(listed, "a");
        listed[0] = '\0';
        assert_int_equal(index_sessions_between(after, 0, INT64_MAX, list, NULL), 0);
        assert_string_equal(listed, "abcdef");
        index_reader_free(before);
        index_reader_free(after);
        index_free(x);
        index_is_right(l, index_records(l));
}

/* Record by record, and all at once: the same. */
static void test_each_record(void **state)
{
        struct index_log *l = *state;
        struct index *x;
        uint64_t n;

        index_live(l);
        x = index_begin_at(l, 1);
        for (n = 2; n <= index_records(l); n++) {
                index_durable(x, n);
                index_wait_ok(x);
        }
        index_free(x);
        index_is_right(l, index_records(l));
}

/* --- Against the history --------------------------------------------------------------------- */

#define SESSIONS 60

static uint64_t seed = 88172645463325252ULL;

static unsigned any(unsigned below)
{
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return (unsigned)(seed % below);
}

struct both {
        struct index_log *log;
        struct history *history;
};

static void record(struct both *b, const char *type, json_t *more)
{
        uint64_t utc_ns = INDEX_BEGIN_NS + (b->log->n + 1) * INDEX_STEP_NS;
        json_t *seen;

        assert_non_null(more);
        assert_int_equal(json_object_set_new(more, "boottime_ns", json_u64(b->log->n * NS_PER_S)), 0);
        assert_int_equal(json_object_set_new(more, "synchronised", json_true()), 0);
        seen = json_pack("{s:s, s:I, s:s, s:O}", "boot", SCRATCH_BOOT, "utc_ns", (json_int_t)utc_ns, "type", type,
                         "data", more);
        history_see(seen, b->history);
        json_decref(seen);
        index_add(b->log, type, more);
}

/* One session, which ends, with an odometer of the card that may be unreadable or go back. */
static void any_session(struct both *b, unsigned number, unsigned *odometer)
{
        unsigned pulses = 1 + any(50), fired = any(pulses + 1), known = fired - any(fired + 1) / 2, how = any(4);
        static const char *const subjects[] = {"A", "a", "B-1", "b.1", ""};
        char id[24];
        json_t *data;

        (void)snprintf(id, sizeof(id), "s%u", number);
        record(b, "session.create",
               json_pack("{s:s, s:s, s:i, s:i}", "session", id, "subject", subjects[any(ELEMENTS(subjects))],
                         "card_serial", 4711, "odometer", *odometer));
        record(b, "session.prepare",
               json_pack("{s:s, s:i, s:b}", "session", id, "pulses", pulses, "measuring", any(2)));
        record(b, "session.start.intent", json_pack("{s:s}", "session", id));
        record(b, "session.pulses", json_pack("{s:s, s:i}", "session", id, "delivered", known / 2));
        data = json_pack("{s:s, s:i, s:i}", "session", id, "delivered", known, "unknown", any(3) ? 0 : any(4));
        *odometer += fired;
        if (how > 1)
                *odometer = how == 2 ? *odometer : 3;
        if (how > 0)
                assert_int_equal(json_object_set_new(data, "odometer", json_integer(*odometer)), 0);
        record(b, "session.end", data);
        if (any(4) == 0)
                record(b, "recovery.pulses", index_recovered(id, known + any(3)));
        if (any(5) == 0)
                record(b, "stimulator.add", json_pack("{s:i, s:i}", "card_serial", 4711, "odometer", *odometer));
}

static void test_as_history(void **state)
{
        struct both b = {.log = *state};
        struct clock_now now;
        unsigned odometer = 1000;
        struct index *x;

        assert_int_equal(history_new(NS_PER_S * 86400, &b.history), 0);
        x = index_begin_at(b.log, 1);
        for (unsigned i = 0; i < SESSIONS; i++) {
                static const char *const subjects[] = {"A", "B_1", ""};
                struct index_reader *r;

                any_session(&b, i, &odometer);
                now = (struct clock_now){.utc_ns = INDEX_BEGIN_NS + b.log->n * INDEX_STEP_NS,
                                         .boottime_ns = b.log->n * NS_PER_S,
                                         .synchronised = true};
                index_durable(x, index_records(b.log));
                r = index_ready(x);
                for (size_t k = 0; k < ELEMENTS(subjects); k++) {
                        struct tms_today today;
                        struct index_dose d;

                        assert_int_equal(history_today(b.history, subjects[k], SCRATCH_BOOT, &now, NULL, &today), 0);
                        assert_int_equal(index_dose_of(r, subjects[k], 0, INT64_MAX, &d), 0);
                        assert_int_equal(d.treatment_at_most, today.treatment);
                        assert_int_equal(d.measuring_at_most, today.measuring);
                }
                index_reader_free(r);
        }
        index_free(x);
        history_free(b.history);
        index_is_right(b.log, index_records(b.log));
}

/* --- Without one --------------------------------------------------------------------------------- */

static void test_none(void **state)
{
        char text[INDEX_STATE_SIZE];
        struct index_reader *r = NULL;

        index_durable(NULL, 5);
        assert_non_null(strstr(index_state(NULL, text), "cannot be used"));
        assert_int_equal(index_read(NULL, &r), -EAGAIN);
        assert_null(r);
        assert_null(index_free(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_sessions_of, index_setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_a_session, index_setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_dose, index_setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_odometer, index_setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_moment, index_setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_each_record, index_setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_as_history, index_setup, index_teardown),
                        cmocka_unit_test(test_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
