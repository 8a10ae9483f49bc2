/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon makes of its log's past. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "history.h"

/* Nobody's session. */
#define NOBODY NULL

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

static uint64_t at(const char *utc)
{
        struct tm tm = {0};
        const char *rest = strptime(utc, "%Y-%m-%dT%H:%M:%S", &tm);

        assert_non_null(rest);
        return (uint64_t)timegm(&tm) * NS_PER_S + (*rest == '.' ? strtoull(rest + 1, NULL, 10) * 1000 : 0);
}

/* The first boot lasts for years, the second begins on a morning; the clock was never set. */
static uint64_t boottime(const char *boot, const char *utc)
{
        return at(utc) - (STREQ(boot, "b1") ? at("2009-12-31T00:00:00") : at("2026-01-01T09:15:00"));
}

/* Takes over data. */
static void see_boot(struct history *h, const char *boot, const char *utc, const char *type, json_t *data)
{
        json_t *record = json_pack("{s:s, s:s, s:s, s:o}", "boot", boot, "utc", utc, "type", type, "data", data);

        assert_non_null(record);
        if (json_is_object(data) && strptime(utc, "%Y", &(struct tm){0}))
                (void)json_object_set_new(data, "boottime_ns", json_integer((json_int_t)boottime(boot, utc)));
        history_see(record, h);
        json_decref(record);
}

static void see(struct history *h, const char *utc, const char *type, json_t *data)
{
        see_boot(h, "b1", utc, type, data);
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

static struct tms_today today_in(struct history *h, const char *boot, const char *subject, const char *utc)
{
        struct clock_now now = {.utc_ns = at(utc), .boottime_ns = boottime(boot, utc)};
        struct tms_today t;

        assert_int_equal(history_today(h, subject, boot, &now, NOBODY, &t), 0);
        return t;
}

static struct tms_today today(struct history *h, const char *subject, const char *utc)
{
        return today_in(h, "b1", subject, utc);
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
        assert_int_equal(today(h, "A", "2026-01-01T13:00:00Z").treatment, 3100);
        assert_int_equal(today(h, "B", "2026-01-01T13:00:00Z").treatment, 600);
        assert_int_equal(today(h, "", "2026-01-01T13:00:00Z").treatment, 7);
        assert_int_equal(today(h, "C", "2026-01-01T13:00:00Z").treatment, 0);
        assert_int_equal(today(h, "A", "2026-01-02T09:30:00Z").treatment, 3100);
        assert_int_equal(today(h, "A", "2026-01-02T09:30:01Z").treatment, 100);
        assert_int_equal(today(h, "A", "2026-01-02T11:30:00Z").treatment, 0);
}

/* A code that is typed in another way is the same person's. */
static void test_one_person_in_two_spellings(void **state)
{
        struct history *h = *state;

        create(h, "2026-01-01T09:00:00.000000Z", "one", 1, 0, "A-017");
        end(h, "2026-01-01T09:30:00.000000Z", "one", 600);
        create(h, "2026-01-01T10:00:00.000000Z", "two", 1, 600, "1-11");
        end(h, "2026-01-01T10:30:00.000000Z", "two", 50);
        assert_int_equal(today(h, "a-017", "2026-01-01T13:00:00Z").treatment, 600);
        assert_int_equal(today(h, "A.017", "2026-01-01T13:00:00Z").treatment, 600);
        assert_int_equal(today(h, "a_017", "2026-01-01T13:00:00Z").treatment, 600);
        assert_non_null(strstr(today(h, "a_017", "2026-01-01T13:00:00Z").whose, "(session one) as A-017"));
        assert_null(strstr(today(h, "A-017", "2026-01-01T13:00:00Z").whose, " as "));
        /* Others are others. */
        assert_int_equal(today(h, "A017", "2026-01-01T13:00:00Z").treatment, 0);
        assert_int_equal(today(h, "A-0171", "2026-01-01T13:00:00Z").treatment, 0);
        assert_int_equal(today(h, "A-01", "2026-01-01T13:00:00Z").treatment, 0);
        assert_int_equal(today(h, "11-1", "2026-01-01T13:00:00Z").treatment, 0);
        assert_int_equal(today(h, "", "2026-01-01T13:00:00Z").treatment, 0);
}

/* One that goes on, or was cut off and waits for its card, has delivered what it has. */
static void test_pulses_today_of_open_sessions(void **state)
{
        struct history *h = *state;

        create(h, "2026-01-01T09:00:00.000000Z", "one", 1, 0, "A");
        assert_int_equal(today(h, "A", "2026-01-01T09:00:01Z").treatment, 0);
        pulses(h, "2026-01-01T09:10:00.000000Z", "one", 1000);
        pulses(h, "2026-01-01T09:20:00.000000Z", "one", 3000);
        assert_int_equal(today(h, "A", "2026-01-01T09:21:00Z").treatment, 3000);
        assert_int_equal(today(h, "B", "2026-01-01T09:21:00Z").treatment, 0);
        create(h, "2026-01-01T10:00:00.000000Z", "two", 2, 0, "A");
        end(h, "2026-01-01T10:30:00.000000Z", "two", 600);
        assert_int_equal(today(h, "A", "2026-01-01T11:00:00Z").treatment, 3600);
        /* Its day is over a day after its last pulses, though it never ended. */
        assert_int_equal(today(h, "A", "2026-01-02T09:19:59Z").treatment, 3600);
        assert_int_equal(today(h, "A", "2026-01-02T09:20:01Z").treatment, 600);
        see(h, "2026-01-02T12:00:00.000000Z", "recovery.pulses",
            json_pack("{s:s, s:i}", "session", "one", "delivered", 3010));
        end(h, "2026-01-02T12:00:00.000000Z", "one", 3010);
        assert_int_equal(today(h, "A", "2026-01-02T12:00:01Z").treatment, 3010);
}

/* What is prepared is reserved until the session has ended, whatever of it is on record by then. */
static void test_what_is_prepared_is_reserved(void **state)
{
        struct history *h = *state;
        struct clock_now now = {.utc_ns = at("2026-01-01T09:30:00"),
                                .boottime_ns = boottime("b1", "2026-01-01T09:30:00")};
        struct tms_today t;

        create(h, "2026-01-01T09:00:00.000000Z", "one", 1, 0, "A");
        see(h, "2026-01-01T09:00:01.000000Z", "session.prepare",
            json_pack("{s:s, s:i}", "session", "one", "pulses", 600));
        assert_int_equal(today(h, "A", "2026-01-01T09:30:00").treatment, 600);
        assert_non_null(strstr(today(h, "A", "2026-01-01T09:30:00").whose, "to A: up to 600 until"));
        /* Not against the one that is prepared itself. */
        assert_int_equal(history_today(h, "A", "b1", &now, "one", &t), 0);
        assert_int_equal(t.treatment, 0);
        assert_string_equal(t.whose, "");
        pulses(h, "2026-01-01T09:05:00.000000Z", "one", 300);
        assert_int_equal(today(h, "A", "2026-01-01T09:30:00").treatment, 600);
        end(h, "2026-01-01T09:10:00.000000Z", "one", 300);
        assert_int_equal(today(h, "A", "2026-01-01T09:30:00").treatment, 300);
        assert_non_null(strstr(today(h, "A", "2026-01-01T09:30:00").whose, "to A: 300 until 2026-01-01 "));
        assert_non_null(strstr(today(h, "A", "2026-01-01T09:30:00").whose, "(session one)"));
}

/* Cut off, or its card pulled: all of it counts, until the card's odometer is seen. */
static void test_what_nobody_knows_counts(void **state)
{
        struct history *h = *state;

        create(h, "2026-01-01T09:00:00.000000Z", "one", 1, 50, "A");
        see(h, "2026-01-01T09:00:01.000000Z", "session.prepare",
            json_pack("{s:s, s:i}", "session", "one", "pulses", 600));
        see(h, "2026-01-01T09:00:02.000000Z", "session.start.intent", json_pack("{s:s}", "session", "one"));
        pulses(h, "2026-01-01T09:05:00.000000Z", "one", 300);
        see_boot(h, "b2", "2026-01-01T09:20:00.000000Z", "session.end",
                 json_pack("{s:s, s:s, s:i}", "session", "one", "reason", "crashed", "delivered", 300));
        assert_int_equal(today_in(h, "b2", "A", "2026-01-01T09:20:30").treatment, 600);
        /* A count that went back, or that does not reach what is known to have been given, tells nothing. */
        see_boot(h, "b2", "2026-01-01T09:20:40.000000Z", "stimulator.odometer",
                 json_pack("{s:i, s:i, s:i}", "card_serial", 1, "expected", 350, "found", 3));
        assert_int_equal(today_in(h, "b2", "A", "2026-01-01T09:20:50").treatment, 600);
        see_boot(h, "b2", "2026-01-01T09:20:51.000000Z", "stimulator.odometer",
                 json_pack("{s:i, s:i, s:i}", "card_serial", 1, "expected", 350, "found", 349));
        assert_int_equal(today_in(h, "b2", "A", "2026-01-01T09:20:55").treatment, 600);
        see_boot(h, "b2", "2026-01-01T09:21:00.000000Z", "stimulator.odometer",
                 json_pack("{s:i, s:i, s:i}", "card_serial", 1, "expected", 350, "found", 362));
        assert_int_equal(today_in(h, "b2", "A", "2026-01-01T09:30:00").treatment, 312);
        see_boot(h, "b2", "2026-01-01T09:40:00.000000Z", "session.create",
                 json_pack("{s:s, s:i, s:i, s:s}", "session", "pulled", "card_serial", 1, "odometer", 362, "subject",
                           "P"));
        see_boot(h, "b2", "2026-01-01T09:40:01.000000Z", "session.prepare",
                 json_pack("{s:s, s:i}", "session", "pulled", "pulses", 600));
        see_boot(h, "b2", "2026-01-01T09:40:02.000000Z", "session.start.intent",
                 json_pack("{s:s}", "session", "pulled"));
        see_boot(h, "b2", "2026-01-01T09:41:00.000000Z", "session.end",
                 json_pack("{s:s, s:s, s:i}", "session", "pulled", "reason", "gone", "delivered", 30));
        assert_int_equal(today_in(h, "b2", "P", "2026-01-01T09:42:00").treatment, 600);
        see_boot(h, "b2", "2026-01-01T09:43:00.000000Z", "stimulator.add",
                 json_pack("{s:i, s:i}", "card_serial", 1, "odometer", 393));
        assert_int_equal(today_in(h, "b2", "P", "2026-01-01T09:44:00").treatment, 31);
        /* An answer that was lost at the end: the card has counted the pulse. */
        see_boot(h, "b2", "2026-01-01T10:00:00.000000Z", "session.create",
                 json_pack("{s:s, s:i, s:i, s:s}", "session", "two", "card_serial", 1, "odometer", 393, "subject",
                           "B"));
        see_boot(h, "b2", "2026-01-01T10:01:00.000000Z", "session.end",
                 json_pack("{s:s, s:s, s:i, s:i}", "session", "two", "reason", "card_no_answer", "delivered", 7,
                           "odometer", 401));
        assert_int_equal(today_in(h, "b2", "B", "2026-01-01T10:30:00").treatment, 8);
}

/* The card was asked at the session's end, but what it says cannot be: as if it had said nothing. */
static void test_an_odometer_that_went_back_by_the_end(void **state)
{
        struct history *h = *state;

        create(h, "2026-01-01T09:00:00.000000Z", "one", 1, 393, "A");
        see(h, "2026-01-01T09:00:01.000000Z", "session.prepare",
            json_pack("{s:s, s:i}", "session", "one", "pulses", 600));
        see(h, "2026-01-01T09:00:02.000000Z", "session.start.intent", json_pack("{s:s}", "session", "one"));
        see(h, "2026-01-01T09:05:00.000000Z", "session.end",
            json_pack("{s:s, s:i, s:i}", "session", "one", "delivered", 300, "odometer", 7));
        assert_int_equal(today(h, "A", "2026-01-01T09:30:00").treatment, 600);
        see(h, "2026-01-01T09:31:00.000000Z", "stimulator.add",
            json_pack("{s:i, s:i}", "card_serial", 1, "odometer", 694));
        assert_int_equal(today(h, "A", "2026-01-01T09:32:00").treatment, 301);
        /* One that never started has fired nothing, whatever the card says. */
        create(h, "2026-01-01T10:00:00.000000Z", "two", 1, 694, "B");
        see(h, "2026-01-01T10:00:01.000000Z", "session.prepare",
            json_pack("{s:s, s:i}", "session", "two", "pulses", 600));
        see(h, "2026-01-01T10:05:00.000000Z", "session.end",
            json_pack("{s:s, s:i, s:i}", "session", "two", "delivered", 0, "odometer", 7));
        assert_int_equal(today(h, "B", "2026-01-01T10:30:00").treatment, 0);
}

static void test_measuring_is_counted_for_itself(void **state)
{
        struct history *h = *state;
        struct tms_today t;
        char id[8];
        unsigned char i;

        for (i = 0; i < 5; i++) {
                (void)snprintf(id, sizeof(id), "s%d", i);
                create(h, "2026-01-01T09:00:00.000000Z", id, 1, 0, "");
                see(h, "2026-01-01T09:00:01.000000Z", "session.prepare",
                    json_pack("{s:s, s:i, s:b}", "session", id, "pulses", 75, "measuring", i > 0));
                end(h, "2026-01-01T09:05:00.000000Z", id, 20);
        }
        t = today(h, "", "2026-01-01T09:30:00");
        assert_int_equal(t.treatment, 20);
        assert_int_equal(t.measuring, 80);
        assert_non_null(strstr(t.whose, "without a subject"));
        assert_non_null(strstr(t.whose, "--subject CODE"));
        assert_non_null(strstr(t.whose, "(session s4), 20 until"));
        assert_non_null(strstr(t.whose, "(session s2) and 2 more"));
}

/* There was no memory for a record: then nobody knows, and nothing is said to be nothing. */
static void test_no_memory_is_not_nothing(void **state)
{
        struct clock_now now = {.utc_ns = at("2026-01-01T13:00:00"),
                                .boottime_ns = boottime("b1", "2026-01-01T13:00:00")};
        struct tms_today t;
        int n;

        for (n = 0; n < 5; n++) {
                struct history *h;
                json_t *record, *add;

                assert_int_equal(history_new(31 * DAY_NS, &h), 0);
                record = json_pack("{s:s, s:s, s:s, s:{s:s, s:i, s:s}}", "boot", "b1", "utc",
                                   "2026-01-01T09:00:00.000000Z", "type", "session.create", "data", "session", "one",
                                   "card_serial", 1, "subject", "A");
                add = json_pack("{s:s, s:s, s:s, s:{s:i, s:i}}", "boot", "b1", "utc", "2026-01-01T09:00:00.000000Z",
                                "type", "stimulator.add", "data", "card_serial", 1, "odometer", 5);
                memory_left = n;
                history_see(record, h);
                history_see(add, h);
                memory_left = -1;
                assert_int_equal(history_today(h, "A", "b1", &now, NOBODY, &t), -ENODATA);
                json_decref(record);
                json_decref(add);
                history_free(h);
        }
        history_see(NULL, *state);
        assert_int_equal(history_today(*state, "A", "b1", &now, NOBODY, &t), -ENODATA);
}

static void test_odometer(void **state)
{
        struct history *h = *state;
        uint64_t n, unknown;

        assert_false(history_odometer(h, 1, &n, &unknown));
        see(h, "2026-01-01T08:00:00.000000Z", "stimulator.add",
            json_pack("{s:i, s:i}", "card_serial", 1, "odometer", 50));
        assert_true(history_odometer(h, 1, &n, &unknown));
        assert_int_equal(n, 50);
        /* Crashed: what was recorded is what it should show. */
        create(h, "2026-01-01T09:00:00.000000Z", "one", 1, 50, "");
        end(h, "2026-01-01T09:10:00.000000Z", "one", 20);
        (void)history_odometer(h, 1, &n, &unknown);
        assert_int_equal(n, 70);
        /* Five more of that session were in the kernel still. */
        see(h, "2026-01-01T09:11:00.000000Z", "recovery.pulses",
            json_pack("{s:s, s:i}", "session", "one", "delivered", 25));
        (void)history_odometer(h, 1, &n, &unknown);
        assert_int_equal(n, 75);
        assert_int_equal(history_last_session(h, 1)->delivered, 25);
        /* A reading at the end is what it is. */
        create(h, "2026-01-01T10:00:00.000000Z", "two", 1, 75, "");
        see(h, "2026-01-01T10:10:00.000000Z", "session.end",
            json_pack("{s:s, s:i, s:i}", "session", "two", "delivered", 10, "odometer", 86));
        (void)history_odometer(h, 1, &n, &unknown);
        assert_int_equal(n, 86);
        see(h, "2026-01-01T10:11:00.000000Z", "stimulator.odometer",
            json_pack("{s:i, s:i, s:i}", "card_serial", 1, "expected", 86, "found", 99));
        (void)history_odometer(h, 1, &n, &unknown);
        assert_int_equal(n, 99);
}

/* A pulse of unknown outcome counts as given until the card has been asked, whatever it says then. */
static void test_unknown_counts_as_given(void **state)
{
        struct history *h = *state;
        uint64_t n, unknown;

        create(h, "2026-01-01T09:00:00.000000Z", "one", 1, 50, "A");
        see(h, "2026-01-01T09:10:00.000000Z", "session.end",
            json_pack("{s:s, s:i, s:i}", "session", "one", "delivered", 20, "unknown", 2));
        assert_int_equal(today(h, "A", "2026-01-01T09:30:00").treatment, 22);
        assert_non_null(strstr(today(h, "A", "2026-01-01T09:30:00").whose, "to A: up to 22 until"));
        assert_true(history_odometer(h, 1, &n, &unknown));
        assert_int_equal(n, 70);
        assert_int_equal(unknown, 2);
        assert_false(history_settles(n, unknown, 69));
        assert_true(history_settles(n, unknown, 70));
        assert_true(history_settles(n, unknown, 72));
        assert_false(history_settles(n, unknown, 73));
        assert_false(history_settles(n, 0, 70));
        /* One more had waited in the kernel. */
        see(h, "2026-01-01T09:11:00.000000Z", "recovery.pulses",
            json_pack("{s:s, s:i, s:i}", "session", "one", "delivered", 20, "unknown", 3));
        assert_int_equal(today(h, "A", "2026-01-01T09:30:00").treatment, 23);
        assert_true(history_odometer(h, 1, &n, &unknown));
        assert_int_equal(n, 70);
        assert_int_equal(unknown, 3);
}

/* n of the three pulses of unknown outcome were given. */
static void check_settled(struct history *h, const char *id, unsigned given, bool at_end)
{
        uint64_t n, unknown;

        create(h, "2026-01-01T09:00:00.000000Z", id, 1, 50, id);
        see(h, "2026-01-01T09:00:01.000000Z", "session.prepare", json_pack("{s:s, s:i}", "session", id, "pulses", 600));
        see(h, "2026-01-01T09:00:02.000000Z", "session.start.intent", json_pack("{s:s}", "session", id));
        if (at_end) {
                see(h, "2026-01-01T09:10:00.000000Z", "session.end",
                    json_pack("{s:s, s:i, s:i, s:i}", "session", id, "delivered", 20, "unknown", 3, "odometer",
                              70 + given));
        } else {
                see(h, "2026-01-01T09:10:00.000000Z", "session.end",
                    json_pack("{s:s, s:i, s:i}", "session", id, "delivered", 20, "unknown", 3));
                /* Started, and the card could not be asked: all of it counts. */
                assert_int_equal(today(h, id, "2026-01-01T09:30:00").treatment, 600);
                see(h, "2026-01-01T09:11:00.000000Z", "stimulator.odometer",
                    json_pack("{s:i, s:i, s:i, s:i}", "card_serial", 1, "expected", 70, "found", 70 + given, "settled",
                              given));
        }
        assert_int_equal(today(h, id, "2026-01-01T09:30:00").treatment, 20 + given);
        assert_true(history_odometer(h, 1, &n, &unknown));
        assert_int_equal(n, 70 + given);
        assert_int_equal(unknown, 0);
}

static void test_unknown_is_settled(void **state)
{
        check_settled(*state, "none", 0, false);
        check_settled(*state, "two", 2, false);
        check_settled(*state, "all", 3, false);
        check_settled(*state, "none-at-end", 0, true);
        check_settled(*state, "all-at-end", 3, true);
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
        assert_int_equal(today(h, "A", "2034-12-01T09:00:00").treatment, 10);
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

/* The longest that there can be still ends with what to do, and whole. */
static void test_the_longest_sentence(void **state)
{
        struct history *h = *state;
        char subject[65] = "", id[40];
        struct tms_today t;
        unsigned i;

        memset(subject, 'x', sizeof(subject) - 1);
        memset(subject, '.', 12);
        for (i = 0; i < 12; i++) {
                subject[i] = '-';
                (void)snprintf(id, sizeof(id), "20260101T090000Z_%08x", i);
                create(h, "2026-01-01T09:00:00.000000Z", id, i, 0, subject);
                see(h, "2026-01-01T09:00:00.000000Z", "session.prepare",
                    json_pack("{s:s, s:I}", "session", id, "pulses", (json_int_t)UINT32_MAX));
                see(h, "2026-01-01T09:00:00.000000Z", "session.start.intent", json_pack("{s:s}", "session", id));
                end(h, "2026-01-01T09:00:00.000000Z", id, 0);
                subject[i] = '.';
        }
        subject[0] = '_';
        t = today_in(h, "b2", subject, "2026-01-02T09:14:30Z");
        assert_int_equal(t.treatment, UINT32_MAX);
        assert_non_null(strstr(t.whose, " and 9 more; 4294967295 of these may be over 24 hours ago"));
        assert_string_equal(t.whose + strlen(t.whose) - strlen("if you know when it was"), "if you know when it was");
}

static void cut_off(struct history *h, const char *id, uint64_t card, uint64_t odometer, uint64_t known)
{
        create(h, "2026-01-01T09:00:00.000000Z", id, card, odometer, "A");
        see(h, "2026-01-01T09:00:00.000000Z", "session.prepare", json_pack("{s:s, s:i}", "session", id, "pulses", 600));
        see(h, "2026-01-01T09:00:00.000000Z", "session.start.intent", json_pack("{s:s}", "session", id));
        end(h, "2026-01-01T09:00:00.000000Z", id, known);
}

static void see_odometer(struct history *h, uint64_t card, uint64_t odometer)
{
        see(h, "2026-01-01T09:30:00.000000Z", "stimulator.add",
            json_pack("{s:I, s:I}", "card_serial", (json_int_t)card, "odometer", (json_int_t)odometer));
}

/* What a card has counted settles all of its sessions: one goes from its beginning to the next one's. */
static void test_two_that_were_cut_off(void **state)
{
        struct history *h = *state;

        cut_off(h, "one", 1, 50, 10);
        assert_int_equal(today(h, "A", "2026-01-01T10:00:00Z").treatment, 600);
        /* The next one on that card, and one on another, whose card says nothing of these. */
        cut_off(h, "two", 1, 70, 10);
        cut_off(h, "three", 2, 7, 10);
        assert_int_equal(today(h, "A", "2026-01-01T10:00:00Z").treatment, 20 + 600 + 600);
        see_odometer(h, 1, 110);
        assert_int_equal(today(h, "A", "2026-01-01T10:00:00Z").treatment, 20 + 40 + 600);
        see_odometer(h, 2, 18);
        assert_int_equal(today(h, "A", "2026-01-01T10:00:00Z").treatment, 20 + 40 + 11);
}

/* Two whose ends are told late, as when the card comes back, and of which the newer one is settled. */
static void test_an_older_one_than_the_newest(void **state)
{
        struct history *h = *state;

        create(h, "2026-01-01T09:00:00.000000Z", "one", 1, 50, "A");
        see(h, "2026-01-01T09:00:00.000000Z", "session.prepare",
            json_pack("{s:s, s:i}", "session", "one", "pulses", 600));
        see(h, "2026-01-01T09:00:00.000000Z", "session.start.intent", json_pack("{s:s}", "session", "one"));
        cut_off(h, "two", 1, 80, 5);
        see_odometer(h, 1, 90);
        end(h, "2026-01-01T09:40:00.000000Z", "one", 10);
        assert_int_equal(today(h, "A", "2026-01-01T10:00:00Z").treatment, 600 + 10);
        see_odometer(h, 1, 95);
        assert_int_equal(today(h, "A", "2026-01-01T10:00:00Z").treatment, 30 + 10);
        /* A count that has gone back settles none. */
        cut_off(h, "three", 1, 95, 5);
        cut_off(h, "four", 1, 0, 5);
        see_odometer(h, 1, 8);
        assert_int_equal(today(h, "A", "2026-01-01T10:00:00Z").treatment, 30 + 10 + 600 + 8);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_open_sessions, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_pulses_today, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_one_person_in_two_spellings, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_pulses_today_of_open_sessions, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_what_is_prepared_is_reserved, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_what_nobody_knows_counts, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_measuring_is_counted_for_itself, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_no_memory_is_not_nothing, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_odometer, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_unknown_counts_as_given, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_unknown_is_settled, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_an_odometer_that_went_back_by_the_end, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_years_are_forgotten, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_odd_records_do_no_harm, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_the_longest_sentence, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_two_that_were_cut_off, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_an_older_one_than_the_newest, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
