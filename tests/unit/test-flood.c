/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bystanders who ask a lot: who is served, and when, who is refused, and that
 * nobody else feels it. Calls and answers are counted; no clock decides.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "flood.h"
#include "flood-counts.h"
#include "manager.h"
#include "scratch.h"
#include "session-fixture.h"

/* --- Who is served, and when -------------------------------------------------------------------- */

static sd_bus_message *objects(sd_bus *bus)
{
        return new_call(bus, MANAGER_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
}

static int note_order(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct flood *flood = userdata;

        assert_false(sd_bus_message_is_method_error(m, NULL));
        /* Never 0 once it is here. */
        flood->order = flood->answered + flood->refused + 1;
        return 0;
}

/* n calls of one client, then its Stop, all of them there when the daemon looks; how many come before the Stop's answer? */
static unsigned before_stop(struct fixture *f, struct flood *flood, unsigned n)
{
        struct flood_client *c = flood->clients;
        sd_bus_message *m;
        unsigned i, before = flood->answered + flood->refused;

        assert_true(fake_freeze(f->daemon));
        for (i = 0; i < n; i++)
                flood_send(c, objects(c->bus));
        m = new_call(c->bus, STIMULATOR, "org.tmsd1.Stimulator", "Stop");
        flood->order = 0;
        assert_true(sd_bus_call_async(c->bus, NULL, m, note_order, flood, 0) >= 0);
        sd_bus_message_unref(m);
        flood_push(c);
        assert_int_equal(kill(f->daemon, SIGCONT), 0);
        flood_wait(flood);
        while (flood->order == 0)
                flood_take(flood);
        return flood->order - 1 - before;
}

static void test_a_stop_is_first(void **state)
{
        struct fixture *f = *state;
        struct flood *flood = flood_new(f, bystander(0), 1);
        unsigned i;

        must_run(f);
        flood_greet(flood->clients);
        assert_int_equal(before_stop(f, flood, 80), 0);
        assert_int_equal(flood->answered, 80);
        check_end(f, "stopped", 0);
        /* And so when the calls before it are refused. */
        for (i = 0; i < 100; i++)
                flood_send(flood->clients, objects(flood->clients->bus));
        flood_wait(flood);
        assert_true(flood->refused > 0);
        assert_int_equal(before_stop(f, flood, 80), 0);
        assert_int_equal(flood->wrong, 0);
        flood_free(flood);
}

/* Whom the daemon knows as one with rights comes first, then one of each user in turn. */
static void test_users_take_turns(void **state)
{
        struct fixture *f = *state;
        struct flood *many = flood_new(f, bystander(0), 1), *few = flood_new(f, bystander(1), 1);
        struct flood owner = {.clients = &(struct flood_client){.flood = &owner, .bus = f->bus}, .n = 1};
        const char *name[3], *order = geteuid() == 0 ? "oMFMFMMM" : "oMMMMM";
        unsigned i;

        must_create(f);
        flood_greet(many->clients);
        flood_greet(few->clients);
        assert_true(fake_freeze(f->daemon));
        atomic_store(&counts->served, 0);
        for (i = 0; i < 50; i++)
                flood_send(many->clients, objects(many->clients->bus));
        flood_push(many->clients);
        for (i = 0; i < 2; i++)
                flood_send(few->clients, objects(few->clients->bus));
        flood_push(few->clients);
        flood_send(owner.clients, objects(f->bus));
        flood_push(owner.clients);
        assert_int_equal(kill(f->daemon, SIGCONT), 0);
        flood_wait(many);
        flood_wait(few);
        flood_wait(&owner);
        assert_int_equal(many->answered, 50);
        assert_int_equal(few->answered, 2);
        assert_int_equal(owner.answered, 1);
        assert_true(sd_bus_get_unique_name(f->bus, &name[0]) >= 0);
        assert_true(sd_bus_get_unique_name(many->clients->bus, &name[1]) >= 0);
        assert_true(sd_bus_get_unique_name(few->clients->bus, &name[2]) >= 0);
        for (i = 0; order[i]; i++)
                assert_string_equal(counts->senders[i], name[order[i] == 'o' ? 0 : order[i] == 'M' ? 1 : 2]);
        flood_free(many);
        flood_free(few);
}

/* --- Quotas ---------------------------------------------------------------------------------------- */

static const struct {
        const char *path, *interface, *method, *types;
        bool always; /* never refused for its number */
} floods[] = {
                {MANAGER_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "", false},
                {MANAGER_PATH, "org.freedesktop.DBus.Introspectable", "Introspect", "", false},
                {MANAGER_PATH, "org.freedesktop.DBus.Properties", "GetAll", "i", false},
                {STIMULATOR, "org.tmsd1.Stimulator", "GetLatency", "", false},
                {MANAGER_PATH, "org.tmsd1.Manager", "ListProtocols", "", false},
                {MANAGER_PATH, "org.tmsd1.Manager", "SealAudit", "s", false},
                {MANAGER_PATH, "org.tmsd1.Manager", "OpenAudit", "", false},
                {MANAGER_PATH, "org.tmsd1.Manager", "CloseSegment", "", false},
                {NULL, "org.tmsd1.Session", "Arm", "", false},
                {NULL, "org.tmsd1.Session", "Start", "", false},
                {NULL, "org.tmsd1.Session", "Go", "u", false},
                {NULL, "org.tmsd1.Session", "Resume", "", false},
                {NULL, "org.tmsd1.Session", "ConfirmNotices", "", false},
                {NULL, "org.tmsd1.Session", "Close", "", false},
                {STIMULATOR, "org.tmsd1.Stimulator", "ClearFault", "", false},
                {NULL, "org.tmsd1.Session", "Pause", "b", true},
                {STIMULATOR, "org.tmsd1.Stimulator", "Stop", "", true},
                {NULL, "org.tmsd1.Session", "Stop", "", true},
};

static void send_nth(struct fixture *f, struct flood_client *c, size_t i)
{
        sd_bus_message *m = new_call(c->bus, floods[i].path ? floods[i].path : f->session, floods[i].interface,
                                     floods[i].method);
        const char *t;

        for (t = floods[i].types; *t; t++) {
                if (*t == 's')
                        (void)sd_bus_message_append(m, "s", "nonce");
                else if (*t == 'i')
                        (void)sd_bus_message_append(m, "s", "org.tmsd1.Manager");
                else
                        (void)sd_bus_message_append(m, *t == 'b' ? "b" : "u", 0);
        }
        flood_send(c, m);
}

static void test_everything_has_a_quota_but_stopping(void **state)
{
        struct fixture *f = *state;
        size_t i;
        unsigned n;

        must_create(f);
        for (i = 0; i < ELEMENTS(floods); i++) {
                /* The first answer may be that the bystander has no right to it. */
                struct flood *flood = flood_new(f, bystander((unsigned)i), 1);

                for (n = 0; n < 1000; n++) {
                        send_nth(f, flood->clients, i);
                        if (n % 50 == 49)
                                flood_wait(flood);
                }
                flood_wait(flood);
                if (floods[i].always ? flood->refused > 0 : flood->refused < 300)
                        fail_msg("%s: %u of 1000 refused", floods[i].method, flood->refused);
                flood_free(flood);
        }
        assert_true(fake->stops >= 1000);
        check_end(f, "stopped", 0);
}

/* What a user interface does, and more, goes unnoticed. */
static void test_who_asks_little_is_never_refused(void **state)
{
        struct fixture *f = *state;
        struct flood *flood = flood_new(f, bystander(0), 1);
        sd_bus *bus = flood->clients->bus;
        unsigned i;

        flood_send(flood->clients, objects(bus));
        flood_send(flood->clients, new_call(bus, MANAGER_PATH, "org.tmsd1.Manager", "ListProtocols"));
        flood_send(flood->clients, new_call(bus, STIMULATOR, "org.freedesktop.DBus.Introspectable", "Introspect"));
        for (i = 0; i < 50; i++) {
                sd_bus_message *m = new_call(bus, STIMULATOR, "org.freedesktop.DBus.Properties", "Get");

                (void)sd_bus_message_append(m, "ss", "org.tmsd1.Stimulator", "State");
                flood_send(flood->clients, m);
        }
        flood_wait(flood);
        assert_int_equal(flood->answered, flood->sent);
        flood_free(flood);
}

/* The log knows of each, in few records. */
static void test_refusals_are_counted(void **state)
{
        struct fixture *f = *state;
        struct flood *flood = flood_new(f, bystander(0), 1);
        unsigned i, unrecorded;
        char *log, *p;

        for (i = 0; i < 2000; i++) {
                flood_send(flood->clients, objects(flood->clients->bus));
                if (i % 50 == 49)
                        flood_wait(flood);
        }
        flood_wait(flood);
        assert_true(flood->refused > 1000);
        /* A refusal of another kind carries the rest. */
        assert_false(create_with(f, f->bus, "Jane Doe"));
        stop_daemon(f);
        i = logged(f, "TooManyRequests");
        assert_in_range(i, 1, 10);
        log = scratch_read(f->audit, "log.jsonl", NULL);
        for (p = log, unrecorded = 0; (p = strstr(p, "\"unrecorded\":")); p++)
                unrecorded += (unsigned)strtoul(p + strlen("\"unrecorded\":"), NULL, 10);
        free(log);
        assert_int_equal(i + unrecorded, flood->refused);
        flood_free(flood);
}

/* A name of a megabyte is not sent back, and who sends such has the less for other things. */
static void test_names_without_end(void **state)
{
        struct fixture *f = *state;
        struct flood *flood = flood_new(f, bystander(0), 1);
        sd_bus *bus = flood->clients->bus;
        size_t size = 8 << 20;
        char *name = malloc(size + 1);
        sd_bus_message *m;
        unsigned i;

        memset(name, 'n', size);
        name[size] = '\0';
        for (i = 0; i < 8; i++) {
                m = new_call(bus, MANAGER_PATH, "org.freedesktop.DBus.Properties", i % 2 ? "GetAll" : "Get");
                (void)sd_bus_message_append(m, i % 2 ? "s" : "ss", i % 2 ? name : "org.tmsd1.Manager", name);
                assert_false(finish(f, bus, m, NULL));
                if (STREQ(f->error, "TooManyRequests"))
                        break;
                refused(f, "InvalidArgument", "a name on the bus has 255 at most");
        }
        assert_in_range(i, 1, 7);
        assert_false(finish(f, bus, objects(bus), NULL));
        refused(f, "TooManyRequests", "wait");
        free(name);
        flood_free(flood);
}

/* --- Questions at polkit ----------------------------------------------------------------------------- */

static void test_a_slow_polkit_is_not_used_up(void **state)
{
        struct fixture *f = *state;
        struct flood *floods_of[6], owner = {.clients = &(struct flood_client){.flood = &owner, .bus = f->bus}, .n = 1};
        unsigned i, k, n, before, keepalives, sent = 0, refused_all;

        must_run(f);
        before = atomic_load(&counts->questions);
        fake_polkit_say(POLKIT_SILENT);
        for (i = 0; i < ELEMENTS(floods_of); i++) {
                floods_of[i] = flood_new(f, bystander(i), 10);
                for (n = 0; n < 500; n++)
                        flood_send(&floods_of[i]->clients[n % 10], new_call(floods_of[i]->clients[n % 10].bus,
                                                                            f->session, "org.tmsd1.Session", "Resume"));
                /* Each has its answer, or is one of those that polkit has been asked about and is silent on. */
                sent += floods_of[i]->sent;
                do {
                        flood_take(floods_of[i]);
                        n = atomic_load(&counts->questions) - before;
                        for (k = 0, refused_all = 0; k <= i; k++)
                                refused_all += floods_of[k]->refused;
                } while (refused_all + n < sent);
        }
        /* How many of a flood a purse lets through hangs on how fast it comes; that polkit's questions end at 16 does not. */
        assert_in_range(n, 1, 16);
        /* The operator's own is asked, and the treatment goes on. */
        flood_send(owner.clients, new_call(f->bus, f->session, "org.tmsd1.Session", "Resume"));
        flood_push(owner.clients);
        keepalives = fake->keepalives;
        while (atomic_load(&counts->questions) - before < n + 1 || fake->keepalives < keepalives + 3)
                flood_take(&owner);
        assert_int_equal(owner.refused, 0);
        assert_true(call_on(f, floods_of[0]->clients[0].bus, f->session, "org.tmsd1.Session", "Stop"));
        check_end(f, "stopped", 0);
        /* The session lets go of those that wait; then there is room again. */
        fake_polkit_say(POLKIT_YES);
        flood_wait(&owner);
        for (i = 0; i < ELEMENTS(floods_of); i++) {
                flood_wait(floods_of[i]);
                flood_free(floods_of[i]);
        }
        must_create(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_shipped, teardown_flood)
        const struct CMUnitTest tests[] = {
                        TEST(test_a_stop_is_first),
                        TEST(test_users_take_turns),
                        TEST(test_everything_has_a_quota_but_stopping),
                        TEST(test_who_asks_little_is_never_refused),
                        TEST(test_refusals_are_counted),
                        TEST(test_names_without_end),
                        TEST(test_a_slow_polkit_is_not_used_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
