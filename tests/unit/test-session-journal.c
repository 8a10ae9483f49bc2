/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What whole sessions send to the journal: the events with their fields, from the true place in the code, and in none of
 * it the code of the person who is treated. After each test all that was sent is looked at, line by line.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <strings.h>
#include <sys/mman.h>
#include <cmocka.h>
#include <openssl/sha.h>

#include "fake-bus.h"
#include "fake-clock.h"
#include "fake-device.h"
#include "fake-journal.h"
#include "gates.h"
#include "journal-words.h"
#include "manager.h"
#include "scratch.h"
#include "session-fixture.h"

#define CODE "KOLIBRI-7"
#define SERIAL "1001"
#define ID(event) (journal_events[EVENT_##event].id)

/* So many pulses were given to that person behind the daemon's back. */
static atomic_int *more;

int __real_history_today(const struct history *h, const char *subject, const char *boot, const struct clock_now *now,
                         const char *except, struct tms_today *ret);
int __wrap_history_today(const struct history *h, const char *subject, const char *boot, const struct clock_now *now,
                         const char *except, struct tms_today *ret);

int __wrap_history_today(const struct history *h, const char *subject, const char *boot, const struct clock_now *now,
                         const char *except, struct tms_today *ret)
{
        int r = __real_history_today(h, subject, boot, now, except, ret), n = atomic_load(more);

        if (n > 0) {
                ret->treatment += (uint32_t)n;
                (void)snprintf(ret->whose, sizeof(ret->whose), "to %s: %d until now", subject, n);
        }
        return r;
}

/* --- Every line --------------------------------------------------------------------------------- */

static const char *looked_at;

static void check_has(const char *word, const struct event_words *event)
{
        if (!fake_journal_has(looked_at, word))
                fail_msg("%s is without %s: %s", event->name, word, looked_at);
}

/* The line of the source has the call, and the file has the function. */
static void check_place(const char *line)
{
        char file[256], function[128], number[32];
        char *text, *p;
        int n;

        (void)fake_journal_field(line, "CODE_FILE", file, sizeof(file));
        (void)fake_journal_field(line, "CODE_FUNC", function, sizeof(function));
        n = atoi(fake_journal_field(line, "CODE_LINE", number, sizeof(number)));
        assert_true(strncmp(file, "daemon/", 7) == 0 && *function && n > 0);
        assert_string_not_equal(file, "daemon/base/log.c");
        text = scratch_read(SOURCE_DIR, file, NULL);
        assert_non_null(strstr(text, function));
        for (p = text; n > 1; n--)
                p = strchr(p, '\n') + 1;
        *strchr(p, '\n') = '\0';
        if (!strstr(p, "log_"))
                fail_msg("no call at that place: %s: %s", line, p);
        free(text);
}

static void check_line(const char *line)
{
        static const char *const own[] = {"MESSAGE", "MESSAGE_ID", "PRIORITY", "CODE_FILE", "CODE_LINE", "CODE_FUNC"};
        const struct event_words *e = NULL;
        char id[64], name[64];
        const char *p;

        if (strcasestr(line, CODE) || strcasestr(line, "kolibri_7") || strcasestr(line, "SUBJECT="))
                fail_msg("the journal names the person: %s", line);
        looked_at = line;
        if (fake_journal_has(line, "MESSAGE_ID")) {
                e = find_event(fake_journal_field(line, "MESSAGE_ID", id, sizeof(id)));
                assert_non_null(e);
                for_each_word(e->always, check_has, e);
                assert_int_equal(atoi(fake_journal_field(line, "PRIORITY", name, sizeof(name))), e->priority);
        }
        for (p = line; *p; p = strchr(p, '\n') + 1) {
                bool known = false;
                size_t i;

                (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(p, "="), p);
                for (i = 0; i < ELEMENTS(own); i++)
                        known = known || STREQ(own[i], name);
                known = known || (e ? has_word(e->always, name) || has_word(e->sometimes, name) : is_field(name));
                if (!known)
                        fail_msg("%s has %s: %s", e ? e->name : "a line", name, line);
        }
        check_place(line);
}

/* --- The daemon that the tests have ------------------------------------------------------------- */

static int setup_journal(void **state)
{
        more = mmap(NULL, sizeof(*more), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(more != MAP_FAILED);
        fake_clock_reset();
        fake_journal_clear();
        daemon_begins = fake_journal_on;
        return setup(state);
}

static int teardown_journal(void **state)
{
        int r = teardown(state);
        const char *line;
        unsigned n;

        for (n = 0; (line = fake_journal_line(n)); n++)
                check_line(line);
        assert_true(n > 3);
        fake_clock_reset();
        (void)munmap((void *)more, sizeof(*more));
        return r;
}

static const char *session_id(const struct fixture *f)
{
        return strrchr(f->session, '/') + 1;
}

static bool prepare(struct fixture *f)
{
        return prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520);
}

static void run(struct fixture *f)
{
        if (!create_with(f, f->bus, CODE) || !prepare(f))
                fail_msg("%s: %s", f->error, f->message);
        must(f, "ConfirmNotices");
        must(f, "Arm");
        must(f, "Start");
}

static void field_is(const char *line, const char *name, const char *value)
{
        char buf[256];

        assert_non_null(line);
        if (!STREQ(fake_journal_field(line, name, buf, sizeof(buf)), value))
                fail_msg("%s is '%s', expected '%s': %s", name, buf, value, line);
}

/* --- Tests ---------------------------------------------------------------------------------------- */

/* The last line of log.jsonl with that number has that hash. */
static void check_seal(struct fixture *f, const char *line)
{
        char *text = scratch_read(f->audit, "log.jsonl", NULL), *record, *save = NULL, hash[65], hex[65], head[64],
             seq[32];
        unsigned char digest[SHA256_DIGEST_LENGTH], *leaf;
        bool found = false;

        assert_non_null(line);
        (void)snprintf(head, sizeof(head), "{\"seq\":%s,", fake_journal_field(line, "SEAL_SEQ", seq, sizeof(seq)));
        (void)fake_journal_field(line, "SEAL_HASH", hash, sizeof(hash));
        for (record = strtok_r(text, "\n", &save); record; record = strtok_r(NULL, "\n", &save)) {
                if (strncmp(record, head, strlen(head)) != 0)
                        continue;
                found = true;
                assert_non_null(strstr(record, "\"type\":\"seal\""));
                /* Its leaf hash: over a byte 0 and the record. */
                leaf = calloc(1, strlen(record) + 2);
                assert_non_null(leaf);
                strcpy((char *)leaf + 1, record);
                (void)SHA256(leaf, strlen(record) + 1, digest);
                free(leaf);
                hex_encode(digest, sizeof(digest), hex);
                assert_string_equal(hash, hex);
        }
        assert_true(found);
        free(text);
}

static void test_begin_and_stop(void **state)
{
        struct fixture *f = *state;
        const char *line;

        field_is(fake_journal_find(ID(DAEMON_READY), NULL), "VERSION", TMS_VERSION);
        line = fake_journal_find(ID(STIMULATOR_HERE), NULL);
        field_is(line, "CARD_SERIAL", SERIAL);
        field_is(line, "DEVICE_NODE", "/dev/tms0");
        check_seal(f, fake_journal_wait(ID(AUDIT_SEALED), NULL));
        run(f);
        field_is(fake_journal_wait(ID(SESSION_BEGUN), session_id(f)), "CARD_SERIAL", SERIAL);
        fake_play(10);
        fake_miss(2);
        assert_null(fake_journal_find(ID(SESSION_STOP), NULL));
        must(f, "Stop");
        check_end(f, "stopped", 10);
        line = fake_journal_find(ID(SESSION_STOP), session_id(f));
        field_is(line, "REASON", "stopped");
        field_is(line, "CODE_FUNC", "session_end");
        field_is(line, "CODE_FILE", "daemon/treat/session-end.c");
        line = fake_journal_wait(ID(SESSION_ENDED), session_id(f));
        field_is(line, "CARD_SERIAL", SERIAL);
        field_is(line, "REASON", "stopped");
        field_is(line, "PULSES_DELIVERED", "10");
        field_is(line, "PULSES_MISSED", "2");
        stop_daemon(f);
        field_is(fake_journal_find(ID(DAEMON_STOPPING), NULL), "REASON", "shutdown");
        check_seal(f, fake_journal_find(ID(AUDIT_SEALED), NULL));
        /* The code is in the records: it was said, and the journal has left it out. */
        assert_true(logged(f, CODE) > 0);
}

static void test_fault(void **state)
{
        struct fixture *f = *state;
        const char *line;

        run(f);
        fake_play(4);
        fake_open_interlocks(TMS_INTERLOCK_EMERGENCY_STOP | TMS_INTERLOCK_COVER_OPEN);
        check_end(f, "emergency_stop", 4);
        line = fake_journal_wait(ID(INTERLOCK_OPENED), session_id(f));
        field_is(line, "CARD_SERIAL", SERIAL);
        field_is(line, "INTERLOCKS", "emergency_stop cover_open");
        line = fake_journal_wait(ID(STIMULATOR_FAULT), session_id(f));
        field_is(line, "CARD_SERIAL", SERIAL);
        field_is(line, "REASON", "emergency_stop");
        field_is(fake_journal_wait(ID(SESSION_ENDED), session_id(f)), "REASON", "emergency_stop");
        /* The stimulator ended it: nobody has asked for a stop. */
        assert_null(fake_journal_find(ID(SESSION_STOP), NULL));
        must(f, "Close");
        fake_open_interlocks(0);
        fake_set_state(TMS_STATE_FAULT, TMS_CAUSE_CARD_LOST_PULSE);
        wait_text(f, STIMULATOR, "org.tmsd1.Stimulator", "Cause", "card_lost_pulse");
        field_is(fake_journal_find(ID(STIMULATOR_FAULT), NULL), "REASON", "card_lost_pulse");
        assert_true(call_on(f, f->bus, STIMULATOR, "org.tmsd1.Stimulator", "ClearFault"));
        field_is(fake_journal_wait(ID(STIMULATOR_FAULT_CLEARED), NULL), "CARD_SERIAL", SERIAL);
}

static void test_disk_fails(void **state)
{
        struct fixture *f = *state;

        run(f);
        fake_play_kept(10);
        atomic_store(fail_sync, 1);
        fake_play(10);
        check_end(f, "audit_failed", 10);
        field_is(fake_journal_wait(ID(AUDIT_FAILED), NULL), "ERRNO", "5");
        field_is(fake_journal_wait(ID(SESSION_STOP), session_id(f)), "REASON", "audit_failed");
        field_is(fake_journal_wait(ID(SESSION_ENDED), session_id(f)), "PULSES_DELIVERED", "10");
        atomic_store(fail_sync, 0);
}

static void test_unplugged_and_back(void **state)
{
        struct fixture *f = *state;
        const char *first = fake_journal_find(ID(STIMULATOR_HERE), NULL);
        int i;

        run(f);
        fake_play_kept(5);
        fake_unplug();
        check_end(f, "gone", 5);
        field_is(fake_journal_wait(ID(STIMULATOR_GONE), session_id(f)), "CARD_SERIAL", SERIAL);
        fake_plug();
        assert_int_equal(kill(f->daemon, UDEV_ADD), 0);
        for (i = 0; i < 500 && fake_journal_find(ID(STIMULATOR_HERE), NULL) == first; i++)
                usleep(10000);
        assert_ptr_not_equal(fake_journal_find(ID(STIMULATOR_HERE), NULL), first);
}

static void test_crash(void **state)
{
        struct fixture *f = *state;
        const char *line;
        int records;
        char buf[32];

        run(f);
        fake_play_kept(100);
        fake_play(20);
        kill_daemon(f, SIGKILL);
        /* Somebody fires it while there is no daemon. */
        fake->info.odometer += 3;
        start_daemon(f, BOOT_A);
        field_is(fake_journal_wait(ID(SESSION_CUT_OFF), session_id(f)), "CARD_SERIAL", SERIAL);
        line = fake_journal_wait(ID(RECORDS_LEFT), session_id(f));
        records = atoi(fake_journal_field(line, "RECORDS", buf, sizeof(buf)));
        assert_true(records >= 40);
        line = fake_journal_wait(ID(ODOMETER_DIFFERS), NULL);
        field_is(line, "CARD_SERIAL", SERIAL);
        assert_int_equal(atoi(fake_journal_field(line, "ODOMETER_FOUND", buf, sizeof(buf))), fake->info.odometer);
        assert_int_equal(atoi(fake_journal_field(line, "ODOMETER_EXPECTED", buf, sizeof(buf))),
                         fake->info.odometer - 3);
}

/* Neither file of the driver takes a stop: nobody but a person can help, and the journal says so at its highest. */
static void test_cannot_be_stopped(void **state)
{
        struct fixture *f = *state;
        const char *line;

        run(f);
        fake_play(3);
        fake->stop_error = -EIO;
        must(f, "Stop");
        line = fake_journal_wait(ID(STIMULATOR_NOT_STOPPED), session_id(f));
        field_is(line, "CARD_SERIAL", SERIAL);
        field_is(line, "DEVICE_NODE", "/dev/tms0");
        assert_true(fake_journal_has(line, "ERRNO"));
        /* The end closes the controller's file, which stops it in another way. */
        check_end(f, "stopped", 3);
        assert_int_equal(fake->status.state, TMS_STATE_IDLE);
        fake->stop_error = 0;
}

static void test_gives_no_information(void **state)
{
        struct fixture *f = *state;

        stop_daemon(f);
        fake->info_error = -ENOTTY;
        start_daemon(f, BOOT_A);
        field_is(fake_journal_wait(ID(STIMULATOR_UNUSABLE), NULL), "DEVICE_NODE", "/dev/tms0");
        fake->info_error = 0;
}

static void test_refused(void **state)
{
        struct fixture *f = *state;
        char uid[32];
        const char *line;

        fake_polkit_say(POLKIT_NO);
        assert_false(create_with(f, f->bus, CODE));
        fake_polkit_say(POLKIT_YES);
        line = fake_journal_wait(ID(CALL_NOT_AUTHORIZED), NULL);
        field_is(line, "METHOD", "CreateSession");
        field_is(line, "POLKIT_ACTION", "org.tmsd1.treat");
        field_is(line, "POLKIT_ANSWER", "no");
        (void)snprintf(uid, sizeof(uid), "%u", (unsigned)geteuid());
        field_is(line, "CALLER_UID", uid);
        assert_null(fake_journal_find(ID(POLKIT_SILENT), NULL));
        fake_polkit_say(POLKIT_ERROR);
        assert_false(create_with(f, f->bus, CODE));
        fake_polkit_say(POLKIT_YES);
        (void)fake_journal_wait(ID(POLKIT_SILENT), NULL);
        assert_true(create_with(f, f->bus, CODE));
        atomic_store(&fake_clock->unsynchronised, true);
        atomic_store(&fake_clock->wall_ns, 25 * 3600 * (long long)NS_PER_S);
        assert_false(prepare(f));
        line = fake_journal_wait(ID(CLOCK_NOT_SANE), session_id(f));
        field_is(line, "REASON", "clock_stepped");
        field_is(line, "METHOD", "Prepare");
        atomic_store(&fake_clock->wall_ns, 0);
}

/* Anybody may be refused as often as he likes. */
static void test_refused_again_and_again(void **state)
{
        struct fixture *f = *state;
        unsigned i, n, logs = 0;
        const char *line;
        char id[64];

        fake_polkit_say(POLKIT_NO);
        for (i = 0; i < 300; i++)
                assert_false(create_with(f, f->bus, CODE));
        for (n = 0; (line = fake_journal_line(n)); n++)
                logs += STREQ(fake_journal_field(line, "MESSAGE_ID", id, sizeof(id)), ID(CALL_NOT_AUTHORIZED));
        assert_true(logs > 0 && logs < 150);
}

/* The gate's sentence names the person. It is on record and on the bus; the journal has only why. */
static void test_a_gate_that_names_the_person(void **state)
{
        struct fixture *f = *state;
        const char *line;

        run(f);
        fake_play(1);
        atomic_store(more, 300);
        fake->status.due_ns = now_ns(CLOCK_MONOTONIC) + 10300 * NS_PER_MS;
        fake_set_state(TMS_STATE_BREAK, TMS_CAUSE_GAP);
        line = fake_journal_wait(ID(SESSION_PAUSED), session_id(f));
        field_is(line, "REASON", "not_charged");
        field_is(line, "CARD_SERIAL", SERIAL);
        must(f, "Stop");
        check_end(f, "stopped", 1);
        atomic_store(more, 0);
        stop_daemon(f);
        assert_true(logged(f, "to " CODE ": 300 until now") > 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup_journal, teardown_journal)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(test_begin_and_stop),
                        TEST(test_fault),
                        TEST(test_disk_fails),
                        TEST(test_unplugged_and_back),
                        TEST(test_crash),
                        TEST(test_cannot_be_stopped),
                        TEST(test_gives_no_information),
                        TEST(test_refused),
                        TEST(test_refused_again_and_again),
                        TEST(test_a_gate_that_names_the_person),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
