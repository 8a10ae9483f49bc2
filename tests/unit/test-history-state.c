/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A history that goes on from a state is as one that has read the whole log: for histories made at random, with boots,
 * clocks that are set, cards that come and go, and records that are odd.
 */
#include "computer.h"
#include "subject.h"
#include "jsonline.h"

#define RECORDS 400
#define ROUNDS 60
#define MAX_OFF_NS (31 * DAY_NS)

static uint64_t seed;

static unsigned below(unsigned n)
{
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        return (unsigned)(seed >> 33) % n;
}

static const char *subject(void)
{
        static const char *const all[] = {"A", "B", "", "a"};

        return all[below(4)];
}

static void any_id(char ret[16])
{
        (void)snprintf(ret, 16, below(20) == 0 ? "outside_%u" : "s%u", below(25));
}

static json_t *counts(const char *id)
{
        return json_pack("{s:s, s:i, s:i, s:i, s:i}", "session", id, "delivered", below(100), "missed", below(3),
                         "unknown", below(4) ? 0 : below(5), below(9) ? "next_pulse" : "no_such_count", below(200));
}

static void move_clock(struct computer *c)
{
        pass(c, below(4) ? below(100) * NS_PER_S : below(20) * HOUR_NS);
        if (below(30) == 0)
                boot_after(c, below(5) ? below(40) * HOUR_NS : 40 * DAY_NS);
        if (c->boot[1] > 'z') {
                c->boot[0]++;
                c->boot[1] = '1';
        }
        if (below(40) == 0)
                c->wall_ns += (int64_t)(below(5) * HOUR_NS) - (int64_t)(2 * HOUR_NS);
        if (below(25) == 0)
                c->unsynchronised = !c->unsynchronised;
        if (below(25) == 0)
                c->old_format = !c->old_format;
}

static void random_record(struct computer *c)
{
        const int card = 1 + (int)below(3);
        json_t *data;
        char id[16];

        move_clock(c);
        any_id(id);
        switch (below(11)) {
        case 0:
                data = json_pack("{s:s, s:i, s:i, s:s, s:i}", "session", id, "card_serial", card, "odometer",
                                 below(500), "subject", subject(), "records_since_ns", below(1000));
                (void)json_object_set_new(data, "coil_serial", json_integer(below(9)));
                if (below(3) == 0) {
                        any_id(id);
                        (void)json_object_set_new(data, "rest_of", json_string(id));
                }
                if (below(4) == 0)
                        (void)json_object_set_new(data, "card_serial", json_u64(UINT64_MAX - below(3)));
                record(c, "session.create", data);
                return;
        case 1:
                record(c, "session.prepare",
                       json_pack("{s:s, s:i, s:b, s:s, s:[i, i], s:i}", "session", id, "pulses", below(600),
                                 "measuring", below(2), "sha256", "0123", "leg_thresholds_permille", below(9), below(9),
                                 "first_pulse", below(50)));
                return;
        case 2:
                record(c, "session.start.intent", json_pack("{s:s}", "session", id));
                return;
        case 3:
                record(c, "session.pulses", counts(id));
                return;
        case 4:
        case 5:
                data = counts(id);
                if (below(2))
                        (void)json_object_set_new(data, "odometer", json_integer((json_int_t)below(600)));
                record(c, "session.end", data);
                return;
        case 6:
                record(c, "recovery.pulses.intent", json_pack("{s:s, s:i}", "session", id, "card_serial", card));
                return;
        case 7:
                data = counts(id);
                (void)json_object_set_new(data, "cut_file", json_sprintf("cut-%u.part", below(4)));
                record(c, "recovery.pulses", data);
                return;
        case 8:
                record(c, "stimulator.add", json_pack("{s:i, s:i}", "card_serial", card, "odometer", below(700)));
                return;
        case 9:
                record(c, "stimulator.odometer",
                       json_pack("{s:i, s:i, s:i}", "card_serial", card, "expected", below(700), "found", below(700)));
                return;
        default:
                record(c, below(2) ? "seal" : "daemon.start", NULL);
        }
}

static char *text_of(const struct history *h)
{
        json_t *state = history_state(h);
        char *text = NULL;

        assert_non_null(state);
        assert_int_equal(json_line(state, &text), 0);
        json_decref(state);
        return text;
}

/* Through its text, as a checkpoint has it. */
static struct history *restored(const struct history *h)
{
        char *text = text_of(h);
        json_t *state = json_loads(text, 0, NULL);
        struct history *new = NULL;

        assert_non_null(state);
        assert_int_equal(history_restore(MAX_OFF_NS, state, &new), 0);
        json_decref(state);
        free(text);
        return new;
}

static void same_text(const struct history *a, const struct history *b)
{
        char *x = text_of(a), *y = text_of(b);

        assert_string_equal(x, y);
        free(x);
        free(y);
}

static void same_session(const struct past_session *a, const struct past_session *b)
{
        assert_int_equal(!a, !b);
        if (!a)
                return;
        assert_string_equal(a->id, b->id);
        assert_string_equal(a->boot, b->boot);
        assert_int_equal(a->delivered, b->delivered);
        assert_int_equal(a->unknown, b->unknown);
        assert_int_equal(a->settled, b->settled);
        assert_int_equal(a->records_since_ns, b->records_since_ns);
}

static void same_card(const struct history *a, const struct history *b, uint64_t serial)
{
        uint64_t n[2] = {0}, unknown[2] = {0};

        assert_int_equal(history_odometer(a, serial, &n[0], &unknown[0]),
                         history_odometer(b, serial, &n[1], &unknown[1]));
        assert_int_equal(n[0], n[1]);
        assert_int_equal(unknown[0], unknown[1]);
        same_session(history_last_session(a, serial), history_last_session(b, serial));
}

/* What every gate asks. */
static void same_answers(const struct computer *c, const struct history *a, const struct history *b)
{
        static const char *const all[] = {"A", "B", "", "nobody"};
        const struct past_session *s = NULL, *t = NULL;
        const struct past_recovery *p = NULL, *q = NULL;
        struct clock_now now = {.utc_ns = c->true_ns + (uint64_t)c->wall_ns + below(30) * HOUR_NS,
                                .boottime_ns = c->true_ns - c->booted_ns + below(30) * HOUR_NS,
                                .synchronised = below(2)};
        struct elapsed x, y;
        size_t i;

        for (i = 0; i < ELEMENTS(all); i++) {
                struct tms_today today[2];

                assert_int_equal(history_today(a, all[i], c->boot, &now, NULL, &today[0]), 0);
                assert_int_equal(history_today(b, all[i], c->boot, &now, NULL, &today[1]), 0);
                assert_memory_equal(&today[0].treatment, &today[1].treatment, sizeof(today[0].treatment));
                assert_int_equal(today[0].measuring, today[1].measuring);
                assert_string_equal(today[0].whose, today[1].whose);
        }
        for (i = 1; i <= 3; i++)
                same_card(a, b, i);
        do {
                s = history_open_session(a, s);
                t = history_open_session(b, t);
                same_session(s, t);
        } while (s);
        do {
                p = history_interrupted(a, p);
                q = history_interrupted(b, q);
                assert_int_equal(!p, !q);
                if (p)
                        assert_string_equal(p->session, q->session);
        } while (p);
        history_elapsed(a, c->boot, &now, &x);
        history_elapsed(b, c->boot, &now, &y);
        for (i = 0; i < CLOCK_TROUBLES; i++)
                assert_int_equal(x.trouble[i].active, y.trouble[i].active);
        assert_int_equal(x.now.up_ns, y.now.up_ns);
        assert_int_equal(x.now.latest_ns, y.now.latest_ns);
        assert_int_equal(history_names_cut(a, "cut-1.part"), history_names_cut(b, "cut-1.part"));
}

static void test_random(void **state)
{
        struct computer *c = *state;
        unsigned round, i;

        for (round = 0; round < ROUNDS; round++) {
                struct history *other = NULL;
                unsigned from = below(RECORDS);

                for (i = 0; i < RECORDS; i++) {
                        const json_t *last;

                        if (i == from) {
                                history_free(other);
                                other = restored(c->h);
                                from = i + 1 + below(60);
                                same_text(c->h, other);
                                same_answers(c, c->h, other);
                        }
                        random_record(c);
                        last = json_array_get(c->log, json_array_size(c->log) - 1);
                        if (other)
                                history_see(last, other);
                }
                assert_non_null(other);
                same_text(c->h, other);
                same_answers(c, c->h, other);
                history_free(other);
        }
}

/* Numbers that no signed integer holds, and texts that JSON writes with escapes. */
static void test_extremes(void **state)
{
        struct computer *c = *state;
        struct history *other;

        record(c, "session.create",
               json_pack("{s:s, s:o, s:o, s:s, s:o}", "session", "one", "card_serial", json_u64(UINT64_MAX), "odometer",
                         json_u64(UINT64_MAX - 1), "subject", "\"\\\x01\xc3\xa4", "records_since_ns",
                         json_u64(UINT64_MAX - 2)));
        other = restored(c->h);
        same_text(c->h, other);
        assert_int_equal(history_last_session(other, UINT64_MAX)->records_since_ns, UINT64_MAX - 2);
        assert_string_equal(history_last_session(other, UINT64_MAX)->subject, "\"\\\x01\xc3\xa4");
        history_free(other);
}

static void test_refused(void **state)
{
        static const char *const members[] = {"rules", "version", "elapsed", "sessions", "cards", "recoveries", "cuts"};
        struct computer *c = *state;
        struct history *h = NULL;
        json_t *told, *copy;
        size_t i;

        treat(c, "A", 10);
        told = history_state(c->h);
        assert_int_equal(history_restore(MAX_OFF_NS + 1, told, &h), -EINVAL);
        assert_int_equal(history_restore(MAX_OFF_NS, NULL, &h), -EINVAL);
        for (i = 0; i < ELEMENTS(members); i++) {
                copy = json_deep_copy(told);
                (void)json_object_del(copy, members[i]);
                assert_int_equal(history_restore(MAX_OFF_NS, copy, &h), -EINVAL);
                (void)json_object_set_new(copy, members[i], json_string("7"));
                assert_int_equal(history_restore(MAX_OFF_NS, copy, &h), -EINVAL);
                json_decref(copy);
        }
        copy = json_deep_copy(told);
        (void)json_object_set_new(copy, "more", json_true());
        assert_int_equal(history_restore(MAX_OFF_NS, copy, &h), -EINVAL);
        json_decref(copy);
        json_decref(told);
        assert_null(h);
        history_see(NULL, c->h);
        assert_null(history_state(c->h));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_random, computer_setup, computer_teardown),
                        cmocka_unit_test_setup_teardown(test_extremes, computer_setup, computer_teardown),
                        cmocka_unit_test_setup_teardown(test_refused, computer_setup, computer_teardown),
        };

        seed = 20260131;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
