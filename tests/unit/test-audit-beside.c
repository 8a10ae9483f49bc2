/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What else may lie beside the audit log: whatever somebody has put there, the
 * daemon writes no record that its auditor rejects, and what keeps it from
 * opening the log is named.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "auditlog.h"
#include "scratch.h"
#include "scratch-log.h"
#include "tms.h"
#include "util.h"

#define BOOT SCRATCH_BOOT
#define N10 "0123456789"
#define N180 N10 N10 N10 N10 N10 N10 N10 N10 N10 N10 N10 N10 N10 N10 N10 N10 N10 N10

/* As a daemon that starts and ends does it: with a seal. *ret_records: how many there are then. */
static void run_once(struct scratch *f, uint64_t *ret_records)
{
        struct auditlog *l = scratch_log_open(f->fd);

        assert_int_equal(auditlog_seal(l, NULL, "", now_ns(CLOCK_REALTIME), 1, NULL), 0);
        *ret_records = auditlog_records(l);
        auditlog_free(l);
}

static int refuse_once(struct scratch *f, const char *part)
{
        struct auditlog *l = NULL;
        char *problem = NULL;
        int r = auditlog_open(f->fd, BOOT, NULL, &l, &problem);

        assert_true(r < 0);
        if (!problem || !strstr(problem, part))
                fail_msg("expected a sentence with '%s', not '%s' (%s)", part, problem ? problem : "-", strerror(-r));
        free(problem);
        return r;
}

/* --- Pieces ------------------------------------------------------------------------- */

/* What only looks like a piece that a restart has cut off is nobody's, and no record names it. */
static void test_what_looks_like_a_piece(void **state)
{
        static const char *const names[] = {"cut-1 (copy).part",       "cut-ä.part", "cut-.part", "cut-a\nb.part",
                                            "cut-" N180 N10 "-1.part", "cut-a.part~"};
        struct scratch *f = *state;
        uint64_t records, again;
        size_t i;

        run_once(f, &records);
        for (i = 0; i < ELEMENTS(names); i++)
                scratch_write(f->audit, names[i], "abc", 3);
        run_once(f, &again);
        assert_int_equal(again, records + 1);
        scratch_log_holds(f->audit, again);
        for (i = 0; i < ELEMENTS(names); i++)
                assert_true(scratch_exists(f->audit, names[i]));
        run_once(f, &records);
        scratch_log_holds(f->audit, records);
}

static void test_piece_that_is_no_file(void **state)
{
        struct scratch *f = *state;
        uint64_t records;
        int fd;

        run_once(f, &records);
        fd = open(f->audit, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(symlinkat("nowhere", fd, "cut-a-link.part"), 0);
        assert_int_equal(mkdirat(fd, "cut-a-directory.part", 0700), 0);
        assert_int_equal(mkfifoat(fd, "cut-a-fifo.part", 0600), 0);
        close(fd);
        run_once(f, &records);
        scratch_log_holds(f->audit, 3);
}

/* The longest name that a record may have. */
static void test_piece_with_a_long_name(void **state)
{
        struct scratch *f = *state;
        uint64_t records;

        run_once(f, &records);
        scratch_write(f->audit, "cut-" N180 N10 ".part", "abc", 3);
        run_once(f, &records);
        assert_int_equal(records, 4);
        scratch_log_holds(f->audit, records);
        run_once(f, &records);
        assert_int_equal(records, 5);
        scratch_log_holds(f->audit, records);
}

/* --- What keeps the log from being opened ------------------------------------------------ */

static void swap_for_a_link(struct scratch *f, const char *name)
{
        char away[64];

        (void)snprintf(away, sizeof(away), "%s.away", name);
        assert_int_equal(renameat(f->fd, name, f->fd, away), 0);
        assert_int_equal(symlinkat(away + (strrchr(name, '/') ? strrchr(name, '/') + 1 - name : 0), f->fd, name), 0);
}

static void swap_back(struct scratch *f, const char *name)
{
        char away[64];

        (void)snprintf(away, sizeof(away), "%s.away", name);
        assert_int_equal(unlinkat(f->fd, name, 0), 0);
        assert_int_equal(renameat(f->fd, away, f->fd, name), 0);
}

static void test_what_is_in_the_way_is_named(void **state)
{
        static const struct {
                const char *name, *part;
        } links[] = {
                        {"audit", "audit/"},
                        {"keys", "keys/"},
                        {"audit/pulses", "pulses/"},
                        {"audit/protocols", "protocols/"},
                        {"audit/log.jsonl", "log.jsonl"},
        };
        struct scratch *f = *state;
        uint64_t records;
        size_t i;

        run_once(f, &records);
        for (i = 0; i < ELEMENTS(links); i++) {
                swap_for_a_link(f, links[i].name);
                (void)refuse_once(f, links[i].part);
                swap_back(f, links[i].name);
        }
        run_once(f, &records);
        scratch_log_holds(f->audit, 3);
        assert_int_equal(mkdirat(f->fd, "keys/0.pem", 0700), 0);
        (void)refuse_once(f, "signing key 0 in keys/");
        assert_int_equal(unlinkat(f->fd, "keys/0.pem", AT_REMOVEDIR), 0);
        run_once(f, &records);
        scratch_log_holds(f->audit, 4);
}

/* Who can read a key can sign in the daemon's name; who can write where it lies can put his own there. */
static void test_keys_of_others(void **state)
{
        static const mode_t keys[] = {0640, 0604, 0620, 0602, 0610, 0644}, directories[] = {0750, 0705, 0711, 0777};
        struct scratch *f = *state;
        char part[PATH_MAX + 200], *next;
        size_t i, size;
        uint64_t records;

        run_once(f, &records);
        for (i = 0; i < ELEMENTS(keys); i++) {
                assert_int_equal(fchmodat(f->fd, "keys/1.pem", keys[i], 0), 0);
                (void)snprintf(part, sizeof(part),
                               "keys/1.pem has mode %04o, so that others may read or change it; expected is 0600: "
                               "chmod "
                               "0600 %s/keys/1.pem, then systemctl restart tmsd",
                               keys[i], f->path);
                assert_int_equal(refuse_once(f, part), -EPERM);
        }
        assert_int_equal(fchmodat(f->fd, "keys/1.pem", 0600, 0), 0);
        for (i = 0; i < ELEMENTS(directories); i++) {
                assert_int_equal(fchmodat(f->fd, "keys", directories[i], 0), 0);
                (void)snprintf(part, sizeof(part),
                               "keys/ has mode %04o, so that others may read or change it; expected is 0700: chmod "
                               "0700 "
                               "%s/keys, then",
                               directories[i], f->path);
                assert_int_equal(refuse_once(f, part), -EPERM);
        }
        assert_int_equal(fchmodat(f->fd, "keys", 0700, 0), 0);
        /* One that no seal has announced yet will sign, too. */
        next = scratch_read(f->path, "keys/1.pem", &size);
        scratch_write(f->path, "keys/2.pem", next, size);
        free(next);
        assert_int_equal(fchmodat(f->fd, "keys/2.pem", 0644, 0), 0);
        assert_int_equal(refuse_once(f, "keys/2.pem has mode 0644"), -EPERM);
        assert_int_equal(unlinkat(f->fd, "keys/2.pem", 0), 0);
        run_once(f, &records);
        scratch_log_holds(f->audit, 3);
}

/* Its owner can have it read by anybody. */
static void test_keys_with_another_owner(void **state)
{
        struct scratch *f = *state;
        char part[PATH_MAX + 200];
        uint64_t records;

        if (geteuid() != 0)
                skip();
        run_once(f, &records);
        assert_int_equal(fchownat(f->fd, "keys/1.pem", 65534, 65534, 0), 0);
        (void)snprintf(part, sizeof(part),
                       "keys/1.pem belongs to user 65534; expected is user 0, who tmsd is: chown 0 %s/keys/1.pem, then "
                       "systemctl restart tmsd",
                       f->path);
        assert_int_equal(refuse_once(f, part), -EPERM);
        assert_int_equal(fchownat(f->fd, "keys/1.pem", 0, 0, 0), 0);
        assert_int_equal(fchownat(f->fd, "keys", 65534, 65534, 0), 0);
        assert_int_equal(refuse_once(f, "keys/ belongs to user 65534"), -EPERM);
        assert_int_equal(fchownat(f->fd, "keys", 0, 0, 0), 0);
        run_once(f, &records);
        scratch_log_holds(f->audit, 3);
}

/* The auditor of a copy may do without the keys; the daemon cannot go on, and makes no keys/ as if there were a first start. */
static void test_keys_gone(void **state)
{
        struct scratch *f = *state;
        uint64_t records;

        run_once(f, &records);
        assert_int_equal(renameat(f->fd, "keys", f->fd, "away"), 0);
        assert_int_equal(refuse_once(f, "keys/"), -EBADMSG);
        assert_false(scratch_exists(f->path, "keys"));
        assert_int_equal(renameat(f->fd, "away", f->fd, "keys"), 0);
        run_once(f, &records);
        scratch_log_holds(f->audit, 3);
}

/* --- What is done to the log while it is written ------------------------------------------- */

enum deed { TAKEN_AWAY, REPLACED, EMPTIED, ADDED_TO };

static void do_to_log(struct scratch *f, enum deed deed)
{
        size_t size;
        char *text = scratch_read(f->audit, "log.jsonl", &size);

        if (deed == TAKEN_AWAY || deed == REPLACED)
                assert_int_equal(unlinkat(f->fd, "audit/log.jsonl", 0), 0);
        if (deed == REPLACED)
                scratch_write(f->audit, "log.jsonl", text, size);
        if (deed == EMPTIED)
                scratch_write(f->audit, "log.jsonl", "", 0);
        if (deed == ADDED_TO) {
                text = realloc(text, size + 1);
                text[size] = '\n';
                scratch_write(f->audit, "log.jsonl", text, size + 1);
        }
        free(text);
}

static void append(struct auditlog *l)
{
        json_t *data = scratch_data("daemon.start");

        assert_int_equal(auditlog_append(l, "daemon.start", NULL, "", data, now_ns(CLOCK_REALTIME), 1), 0);
        json_decref(data);
}

/* Records that go into a file that is the log no more would be lost while everybody is told that they are kept. */
static void test_log_changed_under_the_writer(void **state)
{
        static const struct {
                enum deed deed;
                int error;
        } deeds[] = {{TAKEN_AWAY, -ENOENT}, {REPLACED, -EBADMSG}, {EMPTIED, -EBADMSG}, {ADDED_TO, -EBADMSG}};
        size_t i;

        for (i = 0; i < ELEMENTS(deeds); i++) {
                struct auditlog *l = NULL;
                struct scratch *f;
                char *problem = NULL;
                void *own;

                assert_int_equal(scratch_setup(&own), 0);
                f = own;
                assert_int_equal(auditlog_open(f->fd, BOOT, NULL, &l, &problem), 0);
                append(l);
                assert_int_equal(auditlog_sync(l), 0);
                assert_int_equal(auditlog_check_disk(l), 0);
                do_to_log(f, deeds[i].deed);
                append(l);
                assert_int_equal(auditlog_sync(l), 0);
                assert_int_equal(auditlog_check_disk(l), deeds[i].error);
                assert_false(auditlog_is_sound(l));
                auditlog_free(l);
                scratch_teardown(&own);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_what_looks_like_a_piece, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_piece_that_is_no_file, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_piece_with_a_long_name, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_what_is_in_the_way_is_named, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_keys_of_others, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_keys_with_another_owner, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_keys_gone, scratch_setup, scratch_teardown),
                        cmocka_unit_test(test_log_changed_under_the_writer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
