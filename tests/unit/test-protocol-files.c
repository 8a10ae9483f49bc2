/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is installed: that lacking memory or descriptors is not "nothing", and that no change goes unseen. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "tms.h"

#define TEXT(id) "format: 1\nid: " id "\n"

static char folder[] = "/tmp/tms-files-XXXXXX";

static void write_in(const char *name, const char *text)
{
        char path[128];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
        strcpy(folder + strlen(folder) - 6, "XXXXXX");
        assert_non_null(mkdtemp(folder));
        assert_int_equal(setenv("TMS_PROTOCOL_PATH", folder, 1), 0);
        write_in("a.yaml", TEXT("a"));
        write_in("b.yaml", TEXT("b"));
        return 0;
}

static int teardown(void **state)
{
        char command[128];

        snprintf(command, sizeof(command), "rm -r %s", folder);
        assert_int_equal(system(command), 0);
        assert_int_equal(unsetenv("TMS_PROTOCOL_PATH"), 0);
        return 0;
}

/* --- Lacking ------------------------------------------------------------------------------ */

/* Returns what was allowed before. */
static rlim_t allow_descriptors(rlim_t n)
{
        struct rlimit limit;
        rlim_t before;

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        before = limit.rlim_cur;
        limit.rlim_cur = n;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        return before;
}

static int count(const char *path, struct tms_protocol *p, const struct tms_error *error, void *userdata)
{
        ++*(unsigned *)userdata;
        return 0;
}

static void test_no_descriptor_is_not_no_protocol(void **state)
{
        struct tms_protocol *p = NULL;
        struct tms_error error = {0};
        char stamp[65];
        unsigned n = 0;
        rlim_t before = allow_descriptors(0);
        int listed = tms_protocol_foreach(count, &n), stamped = tms_protocol_stamp(stamp);
        int found = tms_protocol_find("a", &p, &error);

        allow_descriptors(before);
        assert_int_equal(listed, -EMFILE);
        assert_int_equal(n, 0);
        assert_int_equal(stamped, -EMFILE);
        assert_int_equal(found, -EMFILE);
}

static int count_and_take_descriptors(const char *path, struct tms_protocol *p, const struct tms_error *error,
                                      void *userdata)
{
        ++*(unsigned *)userdata;
        allow_descriptors(0);
        return 0;
}

/* The second file is not wrong: it could not be looked at. */
static void test_no_descriptor_in_the_middle(void **state)
{
        unsigned n = 0;
        rlim_t before = allow_descriptors(64);
        int r = tms_protocol_foreach(count_and_take_descriptors, &n);

        allow_descriptors(before);
        assert_int_equal(r, -EMFILE);
        assert_int_equal(n, 1);
}

/* A file in the place of a folder holds none; a folder that loops is one that cannot be known. */
static void test_folders_that_are_none(void **state)
{
        char list[512], loop[128];
        unsigned n = 0;

        snprintf(loop, sizeof(loop), "%s/loop", folder);
        assert_int_equal(symlink("loop", loop), 0);
        snprintf(list, sizeof(list), "%s/a.yaml:/nowhere:%s", folder, folder);
        assert_int_equal(setenv("TMS_PROTOCOL_PATH", list, 1), 0);
        assert_int_equal(tms_protocol_foreach(count, &n), 0);
        assert_int_equal(n, 2);
        snprintf(list, sizeof(list), "%s:%s", loop, folder);
        assert_int_equal(setenv("TMS_PROTOCOL_PATH", list, 1), 0);
        assert_int_equal(tms_protocol_foreach(count, &n), -ELOOP);
}

/* --- Changes ------------------------------------------------------------------------------- */

static void stamp(char *ret, const char *other)
{
        assert_true(tms_protocol_stamp(ret) >= 0);
        if (other)
                assert_string_not_equal(ret, other);
        /* The file system's clock goes on. */
        usleep(50000);
}

static void test_every_change_is_seen(void **state)
{
        char s[6][65], path[128], elsewhere[128];

        stamp(s[0], NULL);
        /* In place, of the same size. */
        write_in("a.yaml", TEXT("x"));
        stamp(s[1], s[0]);
        write_in("c.yaml", TEXT("c"));
        stamp(s[2], s[1]);
        snprintf(path, sizeof(path), "%s/c.yaml", folder);
        assert_int_equal(unlink(path), 0);
        stamp(s[3], s[2]);
        /* What a link leads to. */
        write_in("elsewhere", TEXT("c"));
        snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", folder);
        assert_int_equal(symlink(elsewhere, path), 0);
        stamp(s[4], s[3]);
        write_in("elsewhere", TEXT("d"));
        stamp(s[5], s[4]);
        /* So lately changed, it could change once more unseen. */
        assert_int_equal(tms_protocol_stamp(s[0]), 0);
        /* What is no protocol file does not count. */
        write_in("notes.txt", "nothing");
        stamp(s[0], NULL);
        assert_string_equal(s[0], s[5]);
}

static void test_what_stays_is_settled(void **state)
{
        char first[65], second[65];

        assert_int_equal(setenv("TMS_PROTOCOL_PATH", SOURCE_DIR "/lib/protocols", 1), 0);
        assert_int_equal(tms_protocol_stamp(first), 1);
        assert_int_equal(tms_protocol_stamp(second), 1);
        assert_string_equal(first, second);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_no_descriptor_is_not_no_protocol),
                        TEST(test_no_descriptor_in_the_middle),
                        TEST(test_folders_that_are_none),
                        TEST(test_every_change_is_seen),
                        TEST(test_what_stays_is_settled),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
