/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ListProtocols: however many ask, one thread and one look; and what it says is true. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "fake-device.h"
#include "flood.h"
#include "flood-counts.h"
#include "manager.h"
#include "scratch.h"
#include "session-fixture.h"

static unsigned shipped(void)
{
        DIR *d = opendir(SHIPPED);
        struct dirent *e;
        unsigned n = 0;

        while ((e = readdir(d)))
                n += strstr(e->d_name, ".yaml") ? 1 : 0;
        closedir(d);
        return n;
}

static void list_once(struct flood_client *c)
{
        flood_send(c, new_call(c->bus, MANAGER_PATH, "org.tmsd1.Manager", "ListProtocols"));
}

static void test_many_ask_for_the_protocols(void **state)
{
        struct fixture *f = *state;
        struct flood *flood = flood_new(f, bystander(0), 40);
        unsigned keepalives, round, i;

        must_run(f);
        wait_state(f, "running");
        atomic_store(&counts->jobs_most, 0);
        atomic_store(&counts->parses, 0);
        keepalives = fake->keepalives;
        /* Until the treatment has gone on for a while. */
        for (round = 0; round < 1000 && fake->keepalives < keepalives + 5; round++) {
                for (i = 0; i < 800; i++)
                        list_once(&flood->clients[i % flood->n]);
                flood_wait(flood);
        }
        assert_true(fake->keepalives >= keepalives + 5);
        /* Whoever got no list was told why. */
        assert_int_equal(flood->wrong, 0);
        assert_true(flood->answered > 0);
        assert_int_equal(flood->answered + flood->refused, flood->sent);
        assert_int_equal(atomic_load(&counts->jobs_most), 1);
        assert_int_equal(atomic_load(&counts->parses), shipped());
        assert_int_equal(get_number(f, "Delivered"), 0);
        wait_state(f, "running");
        flood_free(flood);
}

/* The title of the protocol x, or what its file is accused of; "" without that file. To be freed. */
static char *listed(struct fixture *f)
{
        sd_bus_message *m = new_call(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "ListProtocols"), *reply;
        char *title = strdup("");

        if (!finish(f, f->bus, m, &reply))
                fail_msg("ListProtocols: %s: %s", f->error, f->message);
        assert_true(sd_bus_message_enter_container(reply, 'a', "a{sv}") >= 0);
        while (sd_bus_message_enter_container(reply, 'a', "{sv}") > 0) {
                while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
                        const char *key, *value;

                        assert_true(sd_bus_message_read(reply, "s", &key) >= 0);
                        if (STREQ(key, "title") || STREQ(key, "error")) {
                                assert_true(sd_bus_message_read(reply, "v", "s", &value) >= 0);
                                free(title);
                                title = strdup(value);
                        } else {
                                assert_true(sd_bus_message_skip(reply, "v") >= 0);
                        }
                        assert_true(sd_bus_message_exit_container(reply) >= 0);
                }
                assert_true(sd_bus_message_exit_container(reply) >= 0);
        }
        sd_bus_message_unref(reply);
        return title;
}

static void is_listed(struct fixture *f, const char *title)
{
        char *now = listed(f);

        if (!strstr(now, title) || (!*title && *now))
                fail_msg("the list says '%s', expected '%s'", now, title);
        free(now);
}

#define X(title)                                                                                           \
        "format: 1\nid: x\ntitle: " title "\nindication: i\ntarget: left\ncoil: any\nwaveform: biphasic\n" \
        "status: research\nintensity: {reference: rMT, percent: 90 %}\n"                                   \
        "pattern: {series: {trains: 5, interval: 5 s}}\ntotals: {pulses: 5, trains: 5, first_to_last: 20 s}\n"

static char folder[] = "/tmp/tms-flood-XXXXXX";

static void write_x(const char *text)
{
        scratch_write(folder, "x.yaml", text, strlen(text));
}

static int setup_own(void **state)
{
        strcpy(folder + strlen(folder) - 6, "XXXXXX");
        assert_non_null(mkdtemp(folder));
        return setup_in(state, folder);
}

static int teardown_own(void **state)
{
        char path[64];

        (void)snprintf(path, sizeof(path), "%s/x.yaml", folder);
        (void)unlink(path);
        assert_int_equal(rmdir(folder), 0);
        return teardown_flood(state);
}

static void test_list_follows_the_files(void **state)
{
        struct fixture *f = *state;
        char path[64];

        (void)snprintf(path, sizeof(path), "%s/x.yaml", folder);
        is_listed(f, "");
        write_x(X("first"));
        is_listed(f, "first");
        is_listed(f, "first");
        /* Edited in place, of the same size. */
        write_x(X("other"));
        is_listed(f, "other");
        write_x("format: 2\n");
        is_listed(f, "format");
        assert_int_equal(unlink(path), 0);
        is_listed(f, "");
}

/* The lowest that the daemon does not use. */
static unsigned free_descriptor(pid_t pid)
{
        char path[64], name[16];
        unsigned fd = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
        do
                (void)snprintf(name, sizeof(name), "%u", fd++);
        while (scratch_exists(path, name));
        return fd - 1;
}

static void allow_descriptors(pid_t pid, rlim_t n, struct rlimit *old)
{
        struct rlimit limit;

        assert_int_equal(prlimit(pid, RLIMIT_NOFILE, NULL, &limit), 0);
        if (old)
                *old = limit;
        limit.rlim_cur = n;
        assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* Not knowing what is installed is no list of nothing, nor is it remembered. */
static void test_list_without_descriptors(void **state)
{
        struct fixture *f = *state;
        struct rlimit old;
        unsigned more;

        write_x(X("first"));
        for (more = 0; more < 2; more++) {
                sd_bus_message *m = new_call(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "ListProtocols");

                allow_descriptors(f->daemon, free_descriptor(f->daemon) + more, &old);
                assert_false(finish(f, f->bus, m, NULL));
                refused(f, "Failed", "Too many open files. Try again");
                allow_descriptors(f->daemon, old.rlim_cur, NULL);
                is_listed(f, "first");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_many_ask_for_the_protocols, setup_shipped, teardown_flood),
                        cmocka_unit_test_setup_teardown(test_list_follows_the_files, setup_own, teardown_own),
                        cmocka_unit_test_setup_teardown(test_list_without_descriptors, setup_own, teardown_own),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
