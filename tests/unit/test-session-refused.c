/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is refused: with an answer, a record, and every reason in whole words;
 * what nobody can do too often; and what a refusal leaves as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "auditlog-internal.h"
#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "scratch.h"
#include "session-fixture.h"

/* --- Words --------------------------------------------------------------------------------------- */

/* size bytes, of which the last two are one character, and then more. */
static char *cut_at(size_t size)
{
        char *text = malloc(size + 8);

        memset(text, 'x', size - 2);
        strcpy(text + size - 2, "\u00e9 more");
        return text;
}

/* A text that is quoted only in part may be cut in the middle of a character, and D-Bus takes no half ones. */
static void test_half_characters(void **state)
{
        struct fixture *f = *state;
        char *key = cut_at(129), *name = cut_at(129), *reason = cut_at(258), *kind = cut_at(8);
        char *large = calloc(1, TMS_PROTOCOL_SIZE_MAX + 2);
        sd_bus *prescriber = connect_as(f, 65534);
        sd_bus_message *m;

        m = new_call(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "CreateSession");
        (void)sd_bus_message_append(m, "oa{sv}", "/", 1, key, "s", "S-1");
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "Unknown option 'xxx");
        assert_true(create_with(f, prescriber, "S-1"));
        m = new_call(prescriber, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "x", f->protocol, 1, key, "u", 520);
        assert_false(finish(f, prescriber, m, NULL));
        refused(f, "InvalidArgument", "Unknown parameter 'xxx");
        m = new_call(prescriber, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "x", f->protocol, 1, "threshold_kind", "s", kind);
        assert_false(finish(f, prescriber, m, NULL));
        refused(f, "InvalidArgument", "threshold_kind");
        m = new_call(prescriber, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "x", f->protocol, 1, "override_reason", "s", reason);
        assert_false(finish(f, prescriber, m, NULL));
        refused(f, "InvalidArgument", "override_reason");
        refused(f, "InvalidArgument", "263 bytes");
        refused(f, "InvalidArgument", "256");
        memset(large, '#', TMS_PROTOCOL_SIZE_MAX + 1);
        m = new_call(prescriber, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", name, large, 0);
        assert_false(finish(f, prescriber, m, NULL));
        refused(f, "InvalidProtocol", "the file is larger than");
        /* What a caller calls the file is quoted in one line; what the file hides is refused where it is. */
        m = new_call(prescriber, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "evil\n\x1b[31m.yaml", "format: 1\n# 90 %\u2028id: x\n", 2,
                                    "threshold_permille", "u", 520, "threshold_coil", "s", "figure-8");
        assert_false(finish(f, prescriber, m, NULL));
        refused(f, "InvalidProtocol", "evil??[31m.yaml:2:7: there is U+2028 (LINE SEPARATOR) here");
        sd_bus_flush_close_unref(prescriber);
        stop_daemon(f);
        /* And each is on record, with its sentence. */
        assert_int_equal(logged(f, "\"type\":\"request.refused\""), 6);
        assert_int_equal(logged(f, "\"message\":\""), 6);
        assert_int_equal(logged(f, "Unknown parameter 'xxx"), 1);
        check_log(f, 1, 0);
        free(large);
        free(kind);
        free(reason);
        free(name);
        free(key);
}

static void append_given(sd_bus_message *m, const char *key, const char *type, unsigned again)
{
        static const char *const words[] = {"visual", "EMG"};
        const uint32_t number = 520 + again;
        int r;

        assert_true(sd_bus_message_open_container(m, 'e', "sv") >= 0);
        assert_true(sd_bus_message_append(m, "s", key) >= 0);
        if (STREQ(type, "u"))
                r = sd_bus_message_append(m, "v", "u", number);
        else if (STREQ(type, "s"))
                r = sd_bus_message_append(m, "v", "s", words[again]);
        else
                r = sd_bus_message_append(m, "v", "au", 1, number);
        assert_true(r >= 0);
        assert_true(sd_bus_message_close_container(m) >= 0);
}

/* Of two values of one name only one could count, and nobody knows which was meant. */
static void test_given_twice(void **state)
{
        static const struct {
                const char *key, *type;
        } known[] = {
                        {"threshold_permille", "u"},
                        {"percent_permille", "u"},
                        {"other_threshold_permille", "u"},
                        {"threshold_kind", "s"},
                        {"threshold_coil", "s"},
                        {"adjusted_threshold_permille", "u"},
                        {"adjustment", "s"},
                        {"threshold_method", "s"},
                        {"override_reason", "s"},
                        {"leg_thresholds_permille", "au"},
                        {"leg_adjusted_thresholds_permille", "au"},
        };
        struct fixture *f = *state;
        sd_bus *prescriber = connect_as(f, 65534);
        sd_bus_message *m;
        char words[80];
        size_t i;

        m = new_call(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "CreateSession");
        (void)sd_bus_message_append(m, "oa{sv}", "/", 2, "subject", "s", "S-1", "subject", "s", "S-2");
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "Option subject is given twice");
        assert_true(create_with(f, prescriber, "S-1"));
        for (i = 0; i < 2 * ELEMENTS(known); i++) {
                const char *key = known[i / 2].key, *type = known[i / 2].type;

                m = new_call(prescriber, f->session, "org.tmsd1.Session", "Prepare");
                (void)sd_bus_message_append(m, "ss", "x", f->protocol);
                (void)sd_bus_message_open_container(m, 'a', "{sv}");
                append_given(m, key, type, 0);
                /* Next to it, or with another one in between. */
                if (i % 2)
                        append_given(m, STREQ(key, "threshold_kind") ? "threshold_coil" : "threshold_kind", "s", 0);
                append_given(m, key, type, 1);
                (void)sd_bus_message_close_container(m);
                assert_false(finish(f, prescriber, m, NULL));
                (void)snprintf(words, sizeof(words), "Parameter %s is given twice; expected is each name once", key);
                refused(f, "InvalidArgument", words);
        }
        m = new_call(prescriber, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "x", f->protocol, 3, "threshold_permille", "u", 520, "threshold_kind",
                                    "s", "rMT", "threshold_coil", "s", "figure-8");
        if (!finish(f, prescriber, m, NULL))
                fail_msg("each given once: %s: %s", f->error, f->message);
        sd_bus_flush_close_unref(prescriber);
        stop_daemon(f);
        assert_int_equal(logged(f, "is given twice"), 1 + 2 * ELEMENTS(known));
        check_log(f, 1, 0);
}

/* What goes into the log in a prescriber's words is shown there in one line and as it is. */
static void test_a_reason_is_what_it_looks_like(void **state)
{
        static const char *const bad[] = {
                        "",
                        "  ",
                        "a\nb",
                        "a\x1b[2J",
                        "a\x7f",
                        "a\xc2\x9b"
                        "2J",
                        "a\u2028b",
                        "a\u202eb",
                        "a\u200bb",
                        "a\ue000",
        };
        struct fixture *f = *state;
        sd_bus *prescriber = connect_as(f, 65534);
        sd_bus_message *m;
        size_t i;

        assert_true(create_with(f, prescriber, "S-1"));
        for (i = 0; i <= ELEMENTS(bad); i++) {
                m = new_call(prescriber, f->session, "org.tmsd1.Session", "Prepare");
                (void)sd_bus_message_append(m, "ssa{sv}", "x", f->protocol, 1, "override_reason", "s",
                                            i < ELEMENTS(bad) ? bad[i] : "Étude 17, vote 4711 – 50 µs");
                assert_false(finish(f, prescriber, m, NULL));
                if (i < ELEMENTS(bad))
                        refused(f, "InvalidArgument", "wants its reason in words, in one line");
                else
                        assert_null(strstr(f->message, "in one line"));
        }
        sd_bus_flush_close_unref(prescriber);
        stop_daemon(f);
}

/* A file that cannot be read hides none of the others, whatever is in it. */
static void test_listing_with_a_wrong_file(void **state)
{
        struct fixture *f = *state;
        char *head = cut_at(49), *text, *dir;
        sd_bus_message *m, *reply;
        unsigned good = 0, bad = 0;

        assert_true(asprintf(&text, "format: 1\nid: x\ncoil: %s\n", head) > 0);
        scratch_write(f->path, "wrong.yaml", text, strlen(text));
        scratch_write(f->path, "mdd-itbs-600.yaml", f->protocol, strlen(f->protocol));
        dir = getenv("TMS_PROTOCOL_PATH") ? strdup(getenv("TMS_PROTOCOL_PATH")) : NULL;
        assert_int_equal(setenv("TMS_PROTOCOL_PATH", f->path, 1), 0);
        stop_daemon(f);
        start_daemon(f, BOOT_A);
        m = new_call(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "ListProtocols");
        if (!finish(f, f->bus, m, &reply))
                fail_msg("ListProtocols: %s: %s", f->error, f->message);
        assert_true(sd_bus_message_enter_container(reply, 'a', "a{sv}") >= 0);
        while (sd_bus_message_enter_container(reply, 'a', "{sv}") > 0) {
                bool error = false;

                while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
                        const char *key;

                        assert_true(sd_bus_message_read(reply, "s", &key) >= 0);
                        error = error || STREQ(key, "error");
                        assert_true(sd_bus_message_skip(reply, "v") >= 0);
                        assert_true(sd_bus_message_exit_container(reply) >= 0);
                }
                assert_true(sd_bus_message_exit_container(reply) >= 0);
                good += !error;
                bad += error;
        }
        assert_int_equal(good, 1);
        assert_int_equal(bad, 1);
        sd_bus_message_unref(reply);
        if (dir)
                (void)setenv("TMS_PROTOCOL_PATH", dir, 1);
        else
                (void)unsetenv("TMS_PROTOCOL_PATH");
        free(dir);
        free(text);
        free(head);
}

/* Four legs, each outside of three tables. */
static const char four_legs[] =
                "format: 1\nid: four-legs\ntitle: t\nindication: i\ntarget: many\ncoil: figure-8\nwaveform: biphasic\n"
                "status: research\nintensity: {reference: rMT, percent: 120 %}\nlegs:\n"
                "  - {name: right dorsolateral, target: a, pattern: {train: {pulses: 40, interval: 50 ms}, "
                "series: {trains: 2, interval: 3 s}}}\n"
                "  - {name: left dorsolateral, target: b, pattern: {train: {pulses: 40, interval: 50 ms}, "
                "series: {trains: 2, interval: 3 s}}}\n"
                "  - {name: dorsomedial, target: c, pattern: {train: {pulses: 40, interval: 50 ms}, "
                "series: {trains: 2, interval: 3 s}}}\n"
                "  - {name: orbitofrontal, target: d, pattern: {train: {pulses: 40, interval: 50 ms}, "
                "series: {trains: 2, interval: 3 s}}}\n"
                "totals: {pulses: 320, trains: 8, first_to_last: 22.95 s}\n";

static unsigned count(const char *text, const char *part)
{
        unsigned n = 0;

        for (; (text = strstr(text, part)); text++)
                n++;
        return n;
}

/* The last call's sentence has all twelve reasons, the last of them to its end, and so has the record. */
static void check_reasons(struct fixture *f)
{
        static const char last[] =
                        "Leg 4 (orbitofrontal): trains are 1 s apart; less than 5 s is not known to be safe.";
        char record[160];

        assert_int_equal(count(f->message, "Leg "), 12);
        assert_int_equal(count(f->message, "Leg 3 (dorsomedial): a train of 2 s is longer than the 0.8 s"), 1);
        assert_true(strlen(f->message) > strlen(last));
        assert_string_equal(f->message + strlen(f->message) - strlen(last), last);
        stop_daemon(f);
        (void)snprintf(record, sizeof(record), "%s\",\"boottime_ns\":", last);
        assert_int_equal(logged(f, record), 1);
}

static void test_every_reason_is_told(void **state)
{
        struct fixture *f = *state;

        must_create(f);
        assert_false(prepare_text(f, "mine.yaml", four_legs, 520));
        refused(f, "NeedsOverride", "four-legs needs a prescriber's override, with a reason: Leg 1 (right");
        check_reasons(f);
}

static void test_every_notice_is_told(void **state)
{
        struct fixture *f = *state;
        char sha256[65], *line, *path;

        assert_int_equal(auditlog_hash(four_legs, strlen(four_legs), sha256), 0);
        assert_true(asprintf(&line, "%s four-legs\n", sha256) > 0);
        assert_true(asprintf(&path, "%s/approved", f->path) > 0);
        scratch_write(f->path, "approved", line, strlen(line));
        assert_int_equal(setenv("TMS_APPROVED", path, 1), 0);
        stop_daemon(f);
        start_daemon(f, BOOT_A);
        (void)unsetenv("TMS_APPROVED");
        must_create(f);
        if (!prepare_text(f, "mine.yaml", four_legs, 520))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        assert_false(call(f, "Arm"));
        refused(f, "NoticeNotConfirmed",
                "four-legs is allowed with a notice; ConfirmNotices comes first: Leg 1 (right");
        check_reasons(f);
        free(path);
        free(line);
}

/* Those of a newer driver as well, which have no name here. */
static void test_every_interlock_is_told(void **state)
{
        struct fixture *f = *state;
        unsigned i;

        must_prepare(f);
        fake_open_interlocks(UINT32_MAX & ~TMS_INTERLOCK_COIL_ABSENT);
        assert_false(call(f, "Arm"));
        refused(f, "InterlockOpen", tms_interlock_sentence(0));
        for (i = 1; i < 31; i++) {
                if (i != 2)
                        refused(f, "InterlockOpen", tms_interlock_sentence(i));
        }
        assert_int_equal(count(f->message, tms_interlock_sentence(31)), 23);
        assert_true(strlen(f->message) > strlen(" serviced."));
        assert_string_equal(f->message + strlen(f->message) - strlen(" serviced."), " serviced.");
}

/* --- Who may ---------------------------------------------------------------------------------------- */

/* The sentence names the group that may, and no other. */
static void names(struct fixture *f, const char *action, bool operator, bool prescriber)
{
        refused(f, "NotAuthorized", action);
        assert_true(operator== !!strstr(f->message, "tms-operator"));
        assert_true(prescriber == !!strstr(f->message, "tms-prescriber"));
}

static bool prepare_override(struct fixture *f, sd_bus *bus)
{
        sd_bus_message *m = new_call(bus, f->session, "org.tmsd1.Session", "Prepare");

        (void)sd_bus_message_append(m, "ssa{sv}", "mine.yaml", four_legs, 4, "threshold_permille", "u", 520,
                                    "threshold_kind", "s", "rMT", "threshold_coil", "s", "figure-8", "override_reason",
                                    "s", "Study 17.");
        return finish(f, bus, m, NULL);
}

static void test_who_may_is_told(void **state)
{
        static const enum fake_polkit no[] = {POLKIT_NO, POLKIT_CHALLENGE};
        struct fixture *f = *state;
        sd_bus *other = connect_as(f, 65534);
        sd_bus_message *m;
        size_t i;

        assert_true(create_with(f, other, "S-1"));
        for (i = 0; i < ELEMENTS(no); i++) {
                fake_polkit_say(no[i]);
                assert_false(create_with(f, f->bus, NULL));
                names(f, "org.tmsd1.treat", true, false);
                m = new_call(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "SealAudit");
                (void)sd_bus_message_append(m, "s", "nonce");
                assert_false(finish(f, f->bus, m, NULL));
                names(f, "org.tmsd1.read", false, true);
                assert_non_null(strstr(f->message, "tms-auditor"));
                assert_false(prepare_override(f, other));
                names(f, "org.tmsd1.override", false, true);
                assert_null(strstr(f->message, "root"));
        }
        fake_polkit_say(POLKIT_YES);
        assert_true(call_on(f, other, f->session, "org.tmsd1.Session", "Close"));
        sd_bus_flush_close_unref(other);
        /* Polkit was not asked about root, and is not named. */
        if (geteuid() == 0) {
                must_create(f);
                assert_false(prepare_override(f, f->bus));
                names(f, "org.tmsd1.override", false, true);
                refused(f, "NotAuthorized", "root");
                assert_null(strstr(f->message, "polkit"));
        }
}

/* --- What anybody may do, but not fill the disk with ------------------------------------------------------ */

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        unsigned *left = userdata;

        --*left;
        return 0;
}

/* As fast as it goes, without the bus thinking that it is too many at once. */
static void call_often(sd_bus *bus, const char *path, const char *interface, const char *method, int argument,
                       unsigned n)
{
        unsigned left = 0;

        while (n > 0 || left > 0) {
                for (; n > 0 && left < 50; n--, left++) {
                        sd_bus_message *m = new_call(bus, path, interface, method);

                        if (argument >= 0)
                                (void)sd_bus_message_append(m, "b", argument);
                        assert_true(sd_bus_call_async(bus, NULL, m, on_reply, &left, 30 * USEC_PER_S) >= 0);
                        sd_bus_message_unref(m);
                }
                assert_true(sd_bus_process(bus, NULL) >= 0);
                (void)sd_bus_wait(bus, 1000);
        }
}

static void test_stops_of_nothing_are_limited(void **state)
{
        struct fixture *f = *state;
        sd_bus *other = connect_as(f, 65534);

        call_often(other, STIMULATOR, "org.tmsd1.Stimulator", "Stop", -1, 300);
        /* Each of them has stopped. */
        assert_int_equal(fake->stops, 300);
        usleep(700000);
        call_often(other, STIMULATOR, "org.tmsd1.Stimulator", "Stop", -1, 1);
        sd_bus_flush_close_unref(other);
        stop_daemon(f);
        assert_in_range(logged(f, "\"type\":\"stimulator.stop\""), 10, 100);
        assert_in_range(logged(f, "\"unrecorded\":"), 1, 10);
        check_log(f, 0, 0);
}

/* A stop that ends something is on record, however many were asked for before it and after. */
static void test_stops_of_a_session_are_limited(void **state)
{
        struct fixture *f = *state;
        sd_bus *other = connect_as(f, 65534);

        must_run(f);
        call_often(other, f->session, "org.tmsd1.Session", "Resume", -1, 300);
        call_often(other, f->session, "org.tmsd1.Session", "Stop", -1, 300);
        assert_true(fake->stops >= 300);
        check_end(f, "stopped", 0);
        call_often(other, f->session, "org.tmsd1.Session", "Stop", -1, 1);
        sd_bus_flush_close_unref(other);
        stop_daemon(f);
        assert_in_range(logged(f, "\"type\":\"session.stop\""), 1, 100);
        assert_int_equal(logged(f, "\"reason\":\"stopped\",\"text\""), 1);
        check_log(f, 1, 0);
}

/* A pause that waits for the train's end may be asked for again and again until then. */
static void test_pauses_are_limited(void **state)
{
        struct fixture *f = *state;
        sd_bus *other = connect_as(f, 65534);

        fake->pause_waits = true;
        must_run(f);
        call_often(other, f->session, "org.tmsd1.Session", "Resume", -1, 300);
        call_often(other, f->session, "org.tmsd1.Session", "Pause", 0, 300);
        assert_int_equal(fake->pauses, 300);
        /* One that asks for more is news, and so is the first of another run's pauses. */
        call_often(other, f->session, "org.tmsd1.Session", "Pause", 1, 1);
        wait_state(f, "paused");
        assert_int_equal(fake->pauses, 301);
        must(f, "Resume");
        wait_state(f, "running");
        call_often(other, f->session, "org.tmsd1.Session", "Pause", 0, 1);
        sd_bus_flush_close_unref(other);
        stop_daemon(f);
        assert_in_range(logged(f, "\"type\":\"session.pause\""), 3, 100);
        assert_true(logged(f, "\"now\":true") >= 1);
        check_log(f, 1, 0);
}

/* --- The coil of a threshold ---------------------------------------------------------------------------------- */

static const char any_coil[] = "format: 1\nid: any-coil\ntitle: t\nindication: i\ntarget: left\ncoil: any\n"
                               "waveform: biphasic\nstatus: research\nintensity: {reference: rMT, percent: 90 %}\n"
                               "pattern: {series: {trains: 5, interval: 5 s}}\n"
                               "totals: {pulses: 5, trains: 5, first_to_last: 20 s}\n";

/* Whichever threshold it is: without its coil, or with another one, it counts for nothing. */
static void test_a_threshold_has_a_coil(void **state)
{
        struct fixture *f = *state;
        char *single = scratch_read(SOURCE_DIR "/lib/protocols", "single-pulse.yaml", NULL);
        sd_bus_message *m;

        must_create(f);
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "x", any_coil, 2, "threshold_permille", "u", 520, "threshold_kind",
                                    "s", "rMT");
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "threshold_coil");
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "x", any_coil, 3, "threshold_permille", "u", 520, "threshold_kind",
                                    "s", "rMT", "threshold_coil", "s", "");
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "threshold_coil");
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "x", any_coil, 2, "leg_thresholds_permille", "au", 1, 520,
                                    "threshold_kind", "s", "rMT");
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "threshold_coil");
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "x", single, 2, "other_threshold_permille", "u", 520,
                                    "threshold_kind", "s", "rMT");
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "threshold_coil");
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "x", any_coil, 3, "threshold_permille", "u", 520, "threshold_kind",
                                    "s", "rMT", "threshold_coil", "s", "H1");
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "measured with a H1 coil, but a figure-8 coil is connected");
        assert_int_equal(fake->loads, 0);
        if (!prepare_text(f, "x", any_coil, 520))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "x", single, 0);
        if (!finish(f, f->bus, m, NULL))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        assert_int_equal(fake->loads, 2);
        free(single);
}

/* --- A preparation that fails ------------------------------------------------------------------------------------ */

struct changes {
        unsigned notices;     /* how often Notices was signalled */
        unsigned texts;       /* in it, the last time */
        char protocol[64];    /* ProtocolId, the last time */
        unsigned confirmed_n; /* how often NoticesConfirmed */
        int confirmed;
};

static int on_changes(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct changes *c = userdata;
        const char *interface, *key, *text;

        if (sd_bus_message_read(m, "s", &interface) < 0 || sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
                return 0;
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                assert_true(sd_bus_message_read(m, "s", &key) >= 0);
                if (STREQ(key, "Notices")) {
                        c->notices++;
                        c->texts = 0;
                        assert_true(sd_bus_message_enter_container(m, 'v', "as") >= 0);
                        assert_true(sd_bus_message_enter_container(m, 'a', "s") >= 0);
                        while (sd_bus_message_read(m, "s", &text) > 0)
                                c->texts++;
                        (void)sd_bus_message_exit_container(m);
                        (void)sd_bus_message_exit_container(m);
                } else if (STREQ(key, "NoticesConfirmed")) {
                        c->confirmed_n++;
                        assert_true(sd_bus_message_read(m, "v", "b", &c->confirmed) >= 0);
                } else if (STREQ(key, "ProtocolId")) {
                        assert_true(sd_bus_message_read(m, "v", "s", &text) >= 0);
                        (void)snprintf(c->protocol, sizeof(c->protocol), "%s", text);
                } else {
                        (void)sd_bus_message_skip(m, "v");
                }
                (void)sd_bus_message_exit_container(m);
        }
        return 0;
}

static void take_signals(sd_bus *bus)
{
        unsigned i;

        for (i = 0; i < 30; i++) {
                while (sd_bus_process(bus, NULL) > 0)
                        ;
                (void)sd_bus_wait(bus, 10000);
        }
}

static bool get_confirmed(struct fixture *f)
{
        int confirmed = -1;

        assert_true(sd_bus_get_property_trivial(f->bus, BUS_NAME, f->session, "org.tmsd1.Session", "NoticesConfirmed",
                                                NULL, 'b', &confirmed) >= 0);
        return confirmed;
}

static unsigned get_notices(struct fixture *f)
{
        char **texts = NULL, **p;
        unsigned n = 0;

        assert_true(sd_bus_get_property_strv(f->bus, BUS_NAME, f->session, "org.tmsd1.Session", "Notices", NULL,
                                             &texts) >= 0);
        for (p = texts; p && *p; p++, n++)
                free(*p);
        free(texts);
        return n;
}

static void is_text(struct fixture *f, const char *property, const char *value)
{
        char *text = get_text(f->bus, f->session, "org.tmsd1.Session", property);

        assert_string_equal(text, value);
        free(text);
}

/* The kernel has dropped what was prepared before: nothing may speak of it any more, and whoever listens is told. */
static void test_a_load_that_fails(void **state)
{
        struct fixture *f = *state;
        struct changes changes = {.confirmed = -1};
        sd_bus *other = fake_bus_connect();

        assert_true(sd_bus_match_signal(other, NULL, BUS_NAME, NULL, "org.freedesktop.DBus.Properties",
                                        "PropertiesChanged", on_changes, &changes) >= 0);
        must_prepare(f);
        take_signals(other);
        assert_true(changes.notices > 0 && changes.texts > 0);
        assert_int_equal(changes.confirmed, 1);
        changes = (struct changes){.confirmed = -1};
        fake->load_error = -ERANGE;
        assert_false(prepare_text(f, "x.yaml", any_coil, 520));
        refused(f, "LimitExceeded", "3");
        fake->load_error = 0;
        is_text(f, "State", "new");
        is_text(f, "ProtocolId", "");
        is_text(f, "ProtocolSha256", "");
        assert_int_equal(get_notices(f), 0);
        assert_false(get_confirmed(f));
        assert_int_equal(get_number(f, "Pulses"), 0);
        assert_int_equal(get_number(f, "Trains"), 0);
        assert_int_equal(get_number(f, "IntensityMax"), 0);
        take_signals(other);
        assert_int_equal(changes.notices, 1);
        assert_int_equal(changes.texts, 0);
        assert_int_equal(changes.confirmed_n, 1);
        assert_int_equal(changes.confirmed, 0);
        assert_string_equal(changes.protocol, "");
        assert_false(call(f, "Arm"));
        refused(f, "OutOfOrder", "Prepare comes first");
        if (!prepare_text(f, "x.yaml", any_coil, 520))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        is_text(f, "ProtocolId", "any-coil");
        must(f, "Arm");
        sd_bus_flush_close_unref(other);
}

/* Whatever fails before the kernel has dropped anything leaves all as it was, confirmed and ready to arm. */
static void test_limits_that_fail(void **state)
{
        struct fixture *f = *state;
        struct changes changes = {.confirmed = -1};
        sd_bus *other = fake_bus_connect();
        unsigned n;

        must_prepare(f);
        n = get_notices(f);
        assert_true(n > 0);
        assert_true(sd_bus_match_signal(other, NULL, BUS_NAME, NULL, "org.freedesktop.DBus.Properties",
                                        "PropertiesChanged", on_changes, &changes) >= 0);
        fake->limits_error = -EINVAL;
        assert_false(prepare_text(f, "x.yaml", any_coil, 520));
        refused(f, "Failed", "Prepare");
        assert_false(prepare_text(f, "x.yaml", four_legs, 520));
        refused(f, "NeedsOverride", "four-legs");
        is_text(f, "State", "prepared");
        is_text(f, "ProtocolId", "mdd-itbs-600");
        assert_int_equal(get_number(f, "Pulses"), 600);
        assert_int_equal(get_notices(f), n);
        assert_true(get_confirmed(f));
        take_signals(other);
        assert_int_equal(changes.notices, 0);
        assert_int_equal(changes.confirmed_n, 0);
        must(f, "Arm");
        sd_bus_flush_close_unref(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_half_characters),
                        TEST(test_given_twice),
                        TEST(test_a_reason_is_what_it_looks_like),
                        TEST(test_listing_with_a_wrong_file),
                        TEST(test_every_reason_is_told),
                        TEST(test_every_notice_is_told),
                        TEST(test_every_interlock_is_told),
                        TEST(test_who_may_is_told),
                        TEST(test_stops_of_nothing_are_limited),
                        TEST(test_stops_of_a_session_are_limited),
                        TEST(test_pauses_are_limited),
                        TEST(test_a_threshold_has_a_coil),
                        TEST(test_a_load_that_fails),
                        TEST(test_limits_that_fail),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
