/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What comes from outside has a longest length in the audit log. A client that sends more, or a number that is out of
 * all range, is refused or has its text cut; it never makes the log fail, which would end somebody's treatment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-device.h"
#include "manager.h"
#include "schema.h"
#include "scratch.h"
#include "session-arguments.h"
#include "session-fixture.h"
#include "subject.h"

#define LONG_PATH (60 * 1000) /* sd-bus takes 64 KiB at most */
/* A user may call less often than this; see call/quota.c. */
#define CALLS_MAX 5000

static const char dots[] = "...";

/* "/aaaa…" */
static char *long_path(void)
{
        char *path = malloc(LONG_PATH + 1);

        memset(path, 'a', LONG_PATH);
        path[0] = '/';
        path[LONG_PATH] = '\0';
        return path;
}

static void check_treated(struct fixture *f)
{
        char *state = get_text(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "AuditState");

        assert_string_equal(state, "ok");
        free(state);
}

static void test_stimulator_without_end(void **state)
{
        struct fixture *f = *state;
        char *path = long_path();

        must_run(f);
        assert_false(create_on(f, f->bus, path, "S-2"));
        refused(f, "NoStimulator", "There is no stimulator /aaa");
        assert_in_range(strlen(f->message), 128, 300);
        wait_state(f, "running");
        check_treated(f);
        must(f, "Stop");
        check_end(f, "stopped", 0);
        stop_daemon(f);
        assert_int_equal(logged(f, "There is no stimulator /aaa"), 1);
        check_log(f, 1, 0);
        free(path);
}

/* Who calls too often is on record with what he called, and he may have called anything. */
static void test_object_without_end(void **state)
{
        struct fixture *f = *state;
        sd_bus *other = connect_as(f, 65534);
        char *path = long_path();
        char record[64];
        unsigned i;

        must_run(f);
        /* Who has asked before is a user by name. */
        assert_false(call_on(f, other, f->session, "org.tmsd1.Session", "Arm"));
        for (i = 0; i < CALLS_MAX; i++) {
                (void)call_on(f, other, path, "org.tmsd1.Session", "Arm");
                if (STREQ(f->error, "TooManyRequests"))
                        break;
        }
        assert_in_range(i, 1, CALLS_MAX - 1);
        wait_state(f, "running");
        check_treated(f);
        must(f, "Stop");
        check_end(f, "stopped", 0);
        sd_bus_flush_close_unref(other);
        stop_daemon(f);
        (void)snprintf(record, sizeof(record), "aaa%s\",\"data\":{\"method\":\"Arm\"", dots);
        assert_int_equal(logged(f, record), 1);
        check_log(f, 1, 0);
        free(path);
}

static sd_bus_message *new_prepare(sd_bus *bus, const char *session, const char *text)
{
        sd_bus_message *m = new_call(bus, session, "org.tmsd1.Session", "Prepare");

        assert_true(sd_bus_message_append(m, "ss", "x.yaml", text) >= 0);
        assert_true(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
        return m;
}

static void append_number(sd_bus_message *m, const char *key, bool list, uint32_t number)
{
        int r;

        assert_true(sd_bus_message_open_container(m, 'e', "sv") >= 0);
        assert_true(sd_bus_message_append(m, "s", key) >= 0);
        if (list)
                r = sd_bus_message_append(m, "v", "au", TMS_LEGS_MAX, number, number, number, number);
        else
                r = sd_bus_message_append(m, "v", "u", number);
        assert_true(r >= 0);
        assert_true(sd_bus_message_close_container(m) >= 0);
}

/* Whether such a number is refused or not: what is taken is on record, and the log is whole. */
static void try_number(struct fixture *f, const char *text, const char *key, bool list, uint32_t number)
{
        sd_bus_message *m = new_prepare(f->bus, f->session, text);
        bool worked;

        append_number(m, key, list, number);
        if (!STREQ(key, "threshold_permille"))
                append_number(m, "threshold_permille", false, 520);
        assert_true(sd_bus_message_append(m, "{sv}{sv}", "threshold_kind", "s", "rMT", "threshold_coil", "s",
                                          "figure-8") >= 0);
        if (strstr(key, "adjusted"))
                assert_true(sd_bus_message_append(m, "{sv}", "adjustment", "s", "by Dr A.") >= 0);
        assert_true(sd_bus_message_close_container(m) >= 0);
        worked = finish(f, f->bus, m, NULL);
        if (worked && number > 3000)
                fail_msg("%s: %u is taken", key, number);
        check_treated(f);
}

static void test_numbers(void **state)
{
        static const struct {
                const char *key;
                bool list;
        } known[] = {
                        {"threshold_permille", false},       {"percent_permille", false},
                        {"other_threshold_permille", false}, {"adjusted_threshold_permille", false},
                        {"leg_thresholds_permille", true},   {"leg_adjusted_thresholds_permille", true},
        };
        static const uint32_t numbers[] = {0,         1, 1000, 1001, 3000, 3001, INT32_MAX, (uint32_t)INT32_MAX + 1,
                                           UINT32_MAX};
        struct fixture *f = *state;
        /* In percent of a threshold, and of the stimulator's output, where no threshold counts. */
        char *mso = scratch_read(SOURCE_DIR "/lib/protocols", "single-pulse.yaml", NULL);
        size_t i, k;

        must_create(f);
        for (i = 0; i < ELEMENTS(known); i++) {
                for (k = 0; k < ELEMENTS(numbers); k++) {
                        try_number(f, f->protocol, known[i].key, known[i].list, numbers[k]);
                        try_number(f, mso, known[i].key, known[i].list, numbers[k]);
                }
        }
        must(f, "Close");
        stop_daemon(f);
        check_log(f, 1, 0);
        free(mso);
}

/* The longest of every text that a client gives is taken, and one byte more is not. */
static void test_longest_texts(void **state)
{
        char subject[SUBJECT_MAX + 2], reason[OVERRIDE_REASON_MAX + 2];
        struct fixture *f = *state;
        sd_bus *prescriber = connect_as(f, 65534);
        sd_bus_message *m;
        size_t extra;
        char how[129];

        for (extra = 0; extra < 2; extra++) {
                const size_t n_how = sizeof(((struct tms_dose *)0)->adjustment) - 1 + extra;

                memset(subject, 's', sizeof(subject));
                subject[SUBJECT_MAX + extra] = '\0';
                assert_int_equal(create_with(f, prescriber, subject), extra == 0);
                if (extra > 0) {
                        refused(f, "InvalidArgument", "Option subject");
                        assert_true(create_with(f, prescriber, "S-1"));
                }
                memset(how, 'h', sizeof(how));
                how[n_how] = '\0';
                memset(reason, 'r', sizeof(reason));
                reason[OVERRIDE_REASON_MAX + extra] = '\0';
                m = new_prepare(prescriber, f->session, f->protocol);
                append_number(m, "threshold_permille", false, 500);
                append_number(m, "adjusted_threshold_permille", false, 510);
                append_number(m, "percent_permille", false, 1000);
                assert_true(sd_bus_message_append(m, "{sv}{sv}{sv}{sv}", "threshold_kind", "s", "rMT", "threshold_coil",
                                                  "s", "figure-8", "adjustment", "s", how, "threshold_method", "s",
                                                  "visual") >= 0);
                assert_true(sd_bus_message_close_container(m) >= 0);
                if (finish(f, prescriber, m, NULL) != (extra == 0))
                        fail_msg("adjustment of %zu bytes: %s: %s", n_how, f->error, f->message);
                m = new_prepare(prescriber, f->session, f->protocol);
                append_number(m, "threshold_permille", false, 500);
                append_number(m, "percent_permille", false, 1300);
                assert_true(sd_bus_message_append(m, "{sv}{sv}{sv}", "threshold_kind", "s", "rMT", "threshold_coil",
                                                  "s", "figure-8", "override_reason", "s", reason) >= 0);
                assert_true(sd_bus_message_close_container(m) >= 0);
                if (finish(f, prescriber, m, NULL) != (extra == 0))
                        fail_msg("a reason of %zu bytes: %s: %s", strlen(reason), f->error, f->message);
                check_treated(f);
                if (!call_on(f, prescriber, f->session, "org.tmsd1.Session", "Close"))
                        fail_msg("Close: %s: %s", f->error, f->message);
        }
        sd_bus_flush_close_unref(prescriber);
        stop_daemon(f);
        check_log(f, 2, 0);
}

/* A card says of itself what it likes, and so does a coil. */
static void test_card_with_large_numbers(void **state)
{
        struct fixture *f = *state;

        stop_daemon(f);
        fake->info.card_serial = UINT64_MAX;
        fake->info.coil_serial = (uint64_t)INT64_MAX + 1;
        fake->info.odometer = UINT64_MAX;
        fake->info.card_version = fake->info.firmware = UINT32_MAX;
        start_daemon(f, BOOT_A);
        must_run(f);
        check_treated(f);
        must(f, "Stop");
        check_end(f, "stopped", 0);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"card_version\":4294967295,\"firmware\":4294967295,"), 1);
        check_log(f, 1, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_card_with_large_numbers, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_stimulator_without_end, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_object_without_end, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_longest_texts, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
