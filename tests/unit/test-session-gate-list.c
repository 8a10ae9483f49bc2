/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gates as the bus shows them: what is shown as open is what refuses, in the same words, and a change is signalled. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-clock.h"
#include "fake-device.h"
#include "gates.h"
#include "next-step.h"
#include "session-fixture.h"

struct shown {
        char name[64], state[16], priority[16], sentence[1024], remedy[1024];
        bool binds;
        uint64_t since_ns;
};

struct list {
        struct shown gates[GATES];
        unsigned n;
};

static int setup_gates(void **state)
{
        fake_clock_reset();
        return setup(state);
}

static int teardown_gates(void **state)
{
        int r = teardown(state);

        fake_clock_reset();
        return r;
}

static void read_gate(sd_bus_message *m, struct shown *g)
{
        assert_true(sd_bus_message_enter_container(m, 'a', "{sv}") > 0);
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                const char *key, *text;
                int flag;

                assert_true(sd_bus_message_read(m, "s", &key) > 0);
                if (STREQ(key, "binds")) {
                        assert_true(sd_bus_message_read(m, "v", "b", &flag) > 0);
                        g->binds = flag;
                } else if (STREQ(key, "since_ns")) {
                        assert_true(sd_bus_message_read(m, "v", "t", &g->since_ns) > 0);
                } else {
                        char *to = STREQ(key, "name")       ? g->name
                                   : STREQ(key, "state")    ? g->state
                                   : STREQ(key, "priority") ? g->priority
                                   : STREQ(key, "sentence") ? g->sentence
                                                            : g->remedy;

                        assert_true(sd_bus_message_read(m, "v", "s", &text) > 0);
                        assert_true(strlen(text) < (to == g->sentence || to == g->remedy ? 1024 : 16) || to == g->name);
                        strcpy(to, text);
                }
                assert_true(sd_bus_message_exit_container(m) >= 0);
        }
        assert_true(sd_bus_message_exit_container(m) >= 0);
}

static void read_gates(struct fixture *f, const char *path, const char *interface, struct list *ret)
{
        sd_bus_message *m = new_call(f->bus, path, "org.freedesktop.DBus.Properties", "Get"), *reply;

        *ret = (struct list){0};
        assert_true(sd_bus_message_append(m, "ss", interface, "Gates") >= 0);
        assert_true(finish(f, f->bus, m, &reply));
        assert_true(sd_bus_message_enter_container(reply, 'v', "aa{sv}") > 0);
        assert_true(sd_bus_message_enter_container(reply, 'a', "a{sv}") > 0);
        while (sd_bus_message_at_end(reply, false) == 0) {
                assert_true(ret->n < GATES);
                read_gate(reply, ret->gates + ret->n++);
        }
        sd_bus_message_unref(reply);
}

static const struct shown *find(const struct list *l, const char *name)
{
        unsigned i;

        for (i = 0; i < l->n; i++)
                if (STREQ(l->gates[i].name, name))
                        return l->gates + i;
        fail_msg("no gate %s", name);
        return NULL;
}

/* All but the given one, which may be NULL, are closed, and it binds. */
static void only(const struct list *l, const char *name)
{
        unsigned i;

        for (i = 0; i < l->n; i++) {
                const struct shown *g = l->gates + i;
                const bool wanted = name && STREQ(g->name, name);

                if (STREQ(g->state, "closed") == wanted || g->binds != wanted)
                        fail_msg("%s is %s", g->name, g->state);
                if (wanted) {
                        assert_true(isupper((unsigned char)g->sentence[0]));
                        assert_int_equal(g->sentence[strlen(g->sentence) - 1], '.');
                        assert_true(*g->remedy != '\0');
                } else {
                        assert_string_equal(g->sentence, "");
                        assert_string_equal(g->remedy, "");
                }
                assert_true(g->since_ns > 0);
        }
}

static void session_gates(struct fixture *f, struct list *ret)
{
        read_gates(f, f->session, "org.tmsd1.Session", ret);
        assert_int_equal(ret->n, GATES);
}

static void card_gates(struct fixture *f, struct list *ret)
{
        read_gates(f, STIMULATOR, "org.tmsd1.Stimulator", ret);
        assert_int_equal(ret->n, CARD_GATES);
}

/* Arm is refused with what the binding gate says. */
static void arm_says(struct fixture *f, const char *error, const struct shown *g)
{
        char end[1024];

        assert_false(call(f, "Arm"));
        /* Behind the method's name the sentence goes on in lower case. */
        (void)snprintf(end, sizeof(end), "%s", g->sentence + 1);
        refused(f, error, end);
        refused(f, error, g->remedy);
        assert_int_equal(fake->arms, 0);
}

/* Each interlock: open on both objects, in Arm's words, since now; and closed again. */
static void test_each_interlock(void **state)
{
        struct fixture *f = *state;
        struct list before, l, card;
        unsigned bit;

        must_prepare(f);
        session_gates(f, &before);
        only(&before, NULL);
        for (bit = 0; bit < 10; bit++) {
                const char *name = bit < 9 ? tms_interlock_name(bit) : "other_interlock";

                fake_open_interlocks(1U << bit);
                while (card_gates(f, &card), STREQ(find(&card, name)->state, "closed"))
                        usleep(10000);
                only(&card, name);
                session_gates(f, &l);
                only(&l, name);
                assert_true(find(&l, name)->since_ns > find(&before, name)->since_ns);
                assert_int_equal(find(&l, name)->since_ns, find(&card, name)->since_ns);
                arm_says(f, "InterlockOpen", find(&l, name));
                fake_open_interlocks(0);
                while (card_gates(f, &card), !STREQ(find(&card, name)->state, "closed"))
                        usleep(10000);
                session_gates(f, &l);
                only(&l, NULL);
        }
}

/* Of several the first in the order binds, and refuses. */
static void test_which_one_binds(void **state)
{
        struct fixture *f = *state;
        struct list l;

        must_create(f);
        assert_true(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        session_gates(f, &l);
        only(&l, "notices_confirmed");
        assert_non_null(strstr(find(&l, "notices_confirmed")->sentence, "mdd-itbs-600"));
        assert_string_equal(find(&l, "notices_confirmed")->priority, "info");
        fake_open_interlocks(TMS_INTERLOCK_COIL_HOT | TMS_INTERLOCK_PATIENT_STOP);
        while (session_gates(f, &l), STREQ(find(&l, "coil_hot")->state, "closed"))
                usleep(10000);
        assert_true(find(&l, "notices_confirmed")->binds);
        assert_false(find(&l, "patient_stop")->binds);
        assert_false(call(f, "Arm"));
        refused(f, "NoticeNotConfirmed", "ConfirmNotices comes first");
        must(f, "ConfirmNotices");
        session_gates(f, &l);
        assert_true(find(&l, "patient_stop")->binds);
        assert_false(find(&l, "coil_hot")->binds);
        assert_string_equal(find(&l, "patient_stop")->priority, "high");
        assert_string_equal(find(&l, "coil_hot")->priority, "medium");
}

static void test_clock(void **state)
{
        struct fixture *f = *state;
        struct list l;

        must_prepare(f);
        fake_clock->wall_ns += 3600 * (long long)NS_PER_S;
        fake_clock->unsynchronised = true;
        session_gates(f, &l);
        assert_string_equal(find(&l, "clock_sane")->state, "open");
        assert_true(find(&l, "clock_sane")->binds);
        /* What was done to the clock was not known to Prepare either. */
        assert_string_equal(find(&l, "clock_as_prepared")->state, "open");
        assert_false(find(&l, "clock_as_prepared")->binds);
        arm_says(f, "ClockNotSane", find(&l, "clock_sane"));
}

static unsigned changes;

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *interface, *property;

        assert_true(sd_bus_message_read(m, "s", &interface) > 0);
        assert_true(sd_bus_message_enter_container(m, 'a', "{sv}") > 0);
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                assert_true(sd_bus_message_read(m, "s", &property) > 0 && sd_bus_message_skip(m, "v") >= 0);
                changes += STREQ(property, "Gates");
                assert_true(sd_bus_message_exit_container(m) >= 0);
        }
        return 0;
}

static void wait_changes(struct fixture *f, unsigned wanted)
{
        int i;

        for (i = 0; i < 1000 && changes < wanted; i++) {
                answer(f->bus);
                usleep(10000);
        }
        assert_int_equal(changes, wanted);
}

/* Nobody reads, and whoever listens hears of it all the same: from both objects, and not of what stays as it is. */
static void test_signalled(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        assert_true(sd_bus_match_signal(f->bus, NULL, NULL, NULL, "org.freedesktop.DBus.Properties",
                                        "PropertiesChanged", on_changed, NULL) >= 0);
        changes = 0;
        fake_open_interlocks(TMS_INTERLOCK_COVER_OPEN);
        wait_changes(f, 2);
        fake_open_interlocks(0);
        wait_changes(f, 4);
        must(f, "Arm");
        usleep(1500000);
        wait_changes(f, 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_gates, teardown_gates)
        const struct CMUnitTest tests[] = {
                        TEST(test_each_interlock),
                        TEST(test_which_one_binds),
                        TEST(test_clock),
                        TEST(test_signalled),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
