/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration: drop-ins in order, and every wrong line is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "config.h"
#include "scratch.h"
#include "util.h"

static int setup(void **state)
{
        struct scratch *f;

        scratch_setup(state);
        f = *state;
        assert_int_equal(mkdirat(f->fd, "tmsd.conf.d", 0755), 0);
        return 0;
}

static void put(struct scratch *f, const char *name, const char *text)
{
        scratch_write(f->path, name, text, strlen(text));
}

/* From one directory alone. */
static int load(const char *dir, struct config *ret)
{
        const char *const dirs[] = {dir, NULL};

        return config_load(dirs, ret);
}

static void test_defaults(void **state)
{
        struct scratch *f = *state;
        struct config c;

        assert_int_equal(load(f->path, &c), 0);
        assert_int_equal(c.audit_free_min, 16 << 20);
        assert_int_equal(load("/nonexistent", &c), 0);
        assert_int_equal(c.audit_free_min, 16 << 20);
}

static void test_shipped_file(void **state)
{
        struct scratch *f = *state;
        struct config c;
        size_t size;
        char *text = scratch_read(SOURCE_DIR "/daemon", "tmsd.conf", &size);

        put(f, "tmsd.conf", text);
        assert_int_equal(load(f->path, &c), 0);
        assert_int_equal(c.audit_free_min, 16 << 20);
        free(text);
}

/* Each default stands in the file that is installed, commented out below its section, and in the manual page. */
static void test_every_key_is_documented(void **state)
{
        char *conf = scratch_read(SOURCE_DIR "/daemon", "tmsd.conf", NULL);
        char *page = scratch_read(SOURCE_DIR "/daemon", "tmsd.8", NULL), *at, *rest;
        size_t i;

        for (i = 0; i < CONFIG_KEYS; i++) {
                const struct config_key *k = config_keys + i;
                char text[128];

                (void)snprintf(text, sizeof(text), "\n[%s]\n", k->section);
                at = strstr(conf, text);
                (void)snprintf(text, sizeof(text), "\n#%s=%s\n", k->key, k->standard);
                rest = at ? strstr(at, text) : NULL;
                at = at ? strstr(at + 1, "\n[") : NULL;
                if (!rest || (at && at < rest))
                        fail_msg("tmsd.conf lacks, in section [%s]: %s", k->section, text + 1);
                (void)snprintf(text, sizeof(text), "\n.B [%s] %s=\n", k->section, k->key);
                at = strstr(page, text);
                (void)snprintf(text, sizeof(text), "Default %s.\n", k->standard);
                rest = at ? strstr(at, text) : NULL;
                at = at ? strstr(at + 1, "\n.TP\n") : NULL;
                if (!rest || (at && at < rest))
                        fail_msg("tmsd.8 lacks, of [%s] %s=: %s", k->section, k->key, text);
        }
        free(conf);
        free(page);
}

static void test_drop_ins_in_order(void **state)
{
        struct scratch *f = *state;
        struct config c;

        put(f, "tmsd.conf", "[Audit]\nMinimumFree=1G\n");
        assert_int_equal(load(f->path, &c), 0);
        assert_int_equal(c.audit_free_min, 1ULL << 30);
        put(f, "tmsd.conf.d/20.conf", "; comment\n\n [Audit] \n MinimumFree = 2K \n");
        put(f, "tmsd.conf.d/10.conf", "[Audit]\nMinimumFree=5M\n");
        put(f, "tmsd.conf.d/99.conf.bak", "nonsense\n");
        assert_int_equal(load(f->path, &c), 0);
        assert_int_equal(c.audit_free_min, 2048);
}

static void test_max_off(void **state)
{
        const uint64_t hour_ns = 3600 * NS_PER_S;
        struct scratch *f = *state;
        struct config c;

        assert_int_equal(load(f->path, &c), 0);
        assert_int_equal(c.max_off_ns, 31 * 24 * hour_ns);
        put(f, "tmsd.conf", "[Clock]\nMaxOff=72h\n");
        assert_int_equal(load(f->path, &c), 0);
        assert_int_equal(c.max_off_ns, 72 * hour_ns);
        put(f, "tmsd.conf", "[Clock]\nMaxOff=3660d\n");
        assert_int_equal(load(f->path, &c), 0);
        assert_int_equal(c.max_off_ns, 3660 * 24 * hour_ns);
}

static void test_wrong_lines(void **state)
{
        static const char *const wrong[] = {
                        "MinimumFree=1M\n",
                        "[Audit]\nMinimumFree=\n",
                        "[Audit]\nMinimumFree=-1\n",
                        "[Audit]\nMinimumFree=1X\n",
                        "[Audit]\nMinimumFree=1MB\n",
                        "[Audit]\nMinFree=1\n",
                        "[Audit]\nMaxOff=31d\n",
                        "[Clock]\nMaxOff=\n",
                        "[Clock]\nMaxOff=31\n",
                        "[Clock]\nMaxOff=0d\n",
                        "[Clock]\nMaxOff=-1d\n",
                        "[Clock]\nMaxOff=1.5d\n",
                        "[Clock]\nMaxOff=3661d\n",
                        "[Clock]\nMaxOff=99999999999999999999h\n",
                        "[Audit\nMinimumFree=1\n",
                        "[Audit]\nMinimumFree\n",
                        "[Audit]\nMinimumFree=99999999999999999999\n",
                        "[Audit]\nMinimumFree=99999999999T\n",
                        "[AVeryLongSectionNameThatNobodyWouldEverWrite]\nMinimumFree=1\n",
        };
        struct scratch *f = *state;
        struct config c = {.audit_free_min = 7};
        size_t i;

        for (i = 0; i < ELEMENTS(wrong); i++) {
                put(f, "tmsd.conf.d/10.conf", wrong[i]);
                if (load(f->path, &c) != -EINVAL)
                        fail_msg("accepted: %s", wrong[i]);
                assert_int_equal(c.audit_free_min, 7);
        }
}

/* What nobody sees sets nothing: the same characters are refused as in a protocol file. */
static void test_hidden_characters(void **state)
{
        static const char *const texts[] = {
                        "[Clock]\n#\xe2\x80\xa8MaxOff=300d\n", /* a line end for some programs */
                        "[Clock]\nMaxOff=3\xe2\x80\x8b"
                        "1d\n",                                    /* of no width */
                        "[Clock]\nMaxOff=31d # \xe2\x80\xae 5d\n", /* right to left */
                        "[Clock]\n# harmless\rMaxOff=300d\n",      /* shown over what stands before */
                        "\xef\xbb\xbf[Clock]\nMaxOff=31d\n",       /* a byte order mark */
                        "[Clock]\nMaxOff=\xc2\xa0"
                        "31d\n",                /* a blank that is none */
                        "[Clock]\n# caf\xe9\n", /* no UTF-8 */
        };
        struct scratch *f = *state;
        struct config c;
        size_t i;

        for (i = 0; i < ELEMENTS(texts); i++) {
                put(f, "tmsd.conf", texts[i]);
                if (load(f->path, &c) != -EINVAL)
                        fail_msg("text %zu was taken", i);
        }
        put(f, "tmsd.conf", "");
        put(f, "tmsd.conf.d/a.conf", texts[0]);
        assert_int_equal(load(f->path, &c), -EINVAL);
        /* What can be seen is in order. */
        put(f, "tmsd.conf.d/a.conf", "# für die Klinik\r\n[Clock]\r\nMaxOff=30d\r\n");
        assert_int_equal(load(f->path, &c), 0);
        scratch_write(f->path, "tmsd.conf", "# a\0b\n", 6);
        assert_int_equal(load(f->path, &c), -EINVAL);
}

/* --- Several directories --------------------------------------------------------------------------- */

static char etc[512], run[512], lib[512];

static int setup_dirs(void **state)
{
        static const char *const names[] = {"etc", "run", "lib", "etc/tmsd.conf.d", "lib/tmsd.conf.d"};
        struct scratch *f;
        size_t i;

        scratch_setup(state);
        f = *state;
        for (i = 0; i < ELEMENTS(names); i++)
                assert_int_equal(mkdirat(f->fd, names[i], 0755), 0);
        (void)snprintf(etc, sizeof(etc), "%s/etc", f->path);
        (void)snprintf(run, sizeof(run), "%s/run", f->path);
        (void)snprintf(lib, sizeof(lib), "%s/lib", f->path);
        return 0;
}

static const char *const dirs[] = {etc, run, lib, NULL};

static void free_is(uint64_t wanted)
{
        struct config c;

        assert_int_equal(config_load(dirs, &c), 0);
        assert_int_equal(c.audit_free_min, wanted);
}

/* The strongest directory's main file counts alone; drop-ins of all, by their names. */
static void test_precedence(void **state)
{
        struct scratch *f = *state;

        put(f, "lib/tmsd.conf", "[Audit]\nMinimumFree=1K\n[Clock]\nMaxOff=2d\n");
        free_is(1 << 10);
        put(f, "run/tmsd.conf", "[Audit]\nMinimumFree=2K\n");
        free_is(2 << 10);
        put(f, "etc/tmsd.conf", "");
        free_is(16 << 20);
        put(f, "lib/tmsd.conf.d/20.conf", "[Audit]\nMinimumFree=3K\n");
        put(f, "etc/tmsd.conf.d/10.conf", "[Audit]\nMinimumFree=4K\n");
        free_is(3 << 10);
        /* One name, two directories: the stronger one's takes the other's place. */
        put(f, "etc/tmsd.conf.d/20.conf", "# nothing is set\n");
        free_is(4 << 10);
        put(f, "etc/tmsd.conf.d/20.conf", "[Audit]\nMinimumFree=5K\n");
        free_is(5 << 10);
}

static void test_masked(void **state)
{
        struct scratch *f = *state;
        struct config c;

        put(f, "lib/tmsd.conf", "[Audit]\nMinimumFree=1K\n");
        put(f, "lib/tmsd.conf.d/20.conf", "[Audit]\nMinimumFree=3K\n");
        assert_int_equal(symlinkat("/dev/null", f->fd, "etc/tmsd.conf.d/20.conf"), 0);
        free_is(1 << 10);
        assert_int_equal(symlinkat("/dev/null", f->fd, "run/tmsd.conf"), 0);
        free_is(16 << 20);
        /* Who links to what is not there wanted something to count. */
        assert_int_equal(symlinkat("/nonexistent/x.conf", f->fd, "etc/tmsd.conf.d/30.conf"), 0);
        assert_int_equal(config_load(dirs, &c), -ENOENT);
}

/* What stands on standard error while f runs. */
static char *stderr_of(struct scratch *s, int (*check)(FILE *out), FILE *out, int *ret_r)
{
        int saved = dup(STDERR_FILENO), fd;
        char *text;

        (void)fflush(stderr);
        fd = openat(s->fd, "stderr", O_CREAT | O_TRUNC | O_WRONLY, 0600);
        assert_true(saved >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
        *ret_r = check(out);
        (void)fflush(stderr);
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        (void)close(fd);
        (void)close(saved);
        text = scratch_read(s->path, "stderr", NULL);
        return text;
}

static int check_dirs(FILE *out)
{
        return config_check(dirs, out);
}

static char *said;
static size_t said_size;

static int check(struct scratch *f, char **ret_errors)
{
        FILE *out = open_memstream(&said, &said_size);
        int r;

        *ret_errors = stderr_of(f, check_dirs, out, &r);
        (void)fclose(out);
        return r;
}

/* The files that count, in their order. */
static void test_check_says_what_was_read(void **state)
{
        struct scratch *f = *state;
        char *errors, wanted[2048];

        assert_int_equal(check(f, &errors), 0);
        assert_non_null(strstr(said, "no file, and the defaults hold"));
        assert_string_equal(errors, "");
        free(errors);
        free(said);
        put(f, "lib/tmsd.conf", "[Audit]\nMinimumFree=1K\n");
        put(f, "etc/tmsd.conf.d/20.conf", "");
        put(f, "lib/tmsd.conf.d/10.conf", "");
        put(f, "lib/tmsd.conf.d/20.conf", "nonsense that does not count\n");
        assert_int_equal(check(f, &errors), 0);
        (void)snprintf(wanted, sizeof(wanted),
                       "%s/tmsd.conf\n%s/tmsd.conf.d/10.conf\n%s/tmsd.conf.d/20.conf\nNothing is wrong.", lib, lib,
                       etc);
        assert_int_equal(strncmp(said, wanted, strlen(wanted)), 0);
        assert_string_equal(errors, "");
        free(errors);
        free(said);
}

/* Every wrong line of every file, one sentence each, with file and line, and nothing is said to be right. */
static void test_check_tells_all(void **state)
{
        struct scratch *f = *state;
        char *errors, known[1024] = "", wanted[8192];
        size_t i;

        put(f, "etc/tmsd.conf", "[Audit]\nMinimumFree=nonsense\nMaxOff=1d\n[Clock\nMaxOff=1d\n");
        put(f, "lib/tmsd.conf.d/20.conf", "\n\nMinimumFree\n");
        put(f, "lib/tmsd.conf.d/30.conf", "[Clock]\nMaxOff=1d\n");
        assert_int_equal(check(f, &errors), -EINVAL);
        assert_string_equal(said, "");
        for (i = 0; i < CONFIG_KEYS; i++)
                (void)snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s %s= in section [%s]",
                               i > 0 ? "," : "", config_keys[i].key, config_keys[i].section);
        (void)snprintf(wanted, sizeof(wanted),
                       "%s/tmsd.conf:2: MinimumFree= wants bytes, or a number with K, M, G or T behind it\n"
                       "%s/tmsd.conf:3: unknown key; known are%s\n"
                       "%s/tmsd.conf:4: not a section head such as [Audit]\n"
                       "%s/tmsd.conf:5: unknown key; known are%s\n"
                       "%s/tmsd.conf.d/20.conf:3: expected Key=Value\n",
                       etc, etc, known, etc, etc, known, lib);
        assert_string_equal(errors, wanted);
        free(errors);
        free(said);
}

/* A directory in the place of a file, and a file in the place of the directory. */
static void test_no_files(void **state)
{
        struct scratch *f = *state;
        struct config c;

        assert_int_equal(mkdirat(f->fd, "etc/tmsd.conf.d/10.conf", 0755), 0);
        assert_true(config_load(dirs, &c) < 0);
        assert_int_equal(unlinkat(f->fd, "etc/tmsd.conf.d/10.conf", AT_REMOVEDIR), 0);
        put(f, "run/tmsd.conf.d", "");
        assert_int_equal(config_load(dirs, &c), -ENOTDIR);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_defaults, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_shipped_file, setup, scratch_teardown),
                        cmocka_unit_test(test_every_key_is_documented),
                        cmocka_unit_test_setup_teardown(test_drop_ins_in_order, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_max_off, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_wrong_lines, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_hidden_characters, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_precedence, setup_dirs, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_masked, setup_dirs, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_check_says_what_was_read, setup_dirs, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_check_tells_all, setup_dirs, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_no_files, setup_dirs, scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
