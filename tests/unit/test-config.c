/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration: drop-ins in order, and every wrong line is refused. */
#include <setjmp.h>
#include <stdarg.h>
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

static void test_defaults(void **state)
{
        struct scratch *f = *state;
        struct config c;

        assert_int_equal(config_load(f->path, &c), 0);
        assert_int_equal(c.audit_free_min, 16 << 20);
        assert_int_equal(config_load("/nonexistent", &c), 0);
        assert_int_equal(c.audit_free_min, 16 << 20);
}

static void test_shipped_file(void **state)
{
        struct scratch *f = *state;
        struct config c;
        size_t size;
        char *text = scratch_read(SOURCE_DIR "/daemon", "tmsd.conf", &size);

        put(f, "tmsd.conf", text);
        assert_int_equal(config_load(f->path, &c), 0);
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
        assert_int_equal(config_load(f->path, &c), 0);
        assert_int_equal(c.audit_free_min, 1ULL << 30);
        put(f, "tmsd.conf.d/20.conf", "; comment\n\n [Audit] \n MinimumFree = 2K \n");
        put(f, "tmsd.conf.d/10.conf", "[Audit]\nMinimumFree=5M\n");
        put(f, "tmsd.conf.d/99.conf.bak", "nonsense\n");
        assert_int_equal(config_load(f->path, &c), 0);
        assert_int_equal(c.audit_free_min, 2048);
}

static void test_max_off(void **state)
{
        const uint64_t hour_ns = 3600 * NS_PER_S;
        struct scratch *f = *state;
        struct config c;

        assert_int_equal(config_load(f->path, &c), 0);
        assert_int_equal(c.max_off_ns, 31 * 24 * hour_ns);
        put(f, "tmsd.conf", "[Clock]\nMaxOff=72h\n");
        assert_int_equal(config_load(f->path, &c), 0);
        assert_int_equal(c.max_off_ns, 72 * hour_ns);
        put(f, "tmsd.conf", "[Clock]\nMaxOff=3660d\n");
        assert_int_equal(config_load(f->path, &c), 0);
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
                if (config_load(f->path, &c) != -EINVAL)
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
                if (config_load(f->path, &c) != -EINVAL)
                        fail_msg("text %zu was taken", i);
        }
        put(f, "tmsd.conf", "");
        put(f, "tmsd.conf.d/a.conf", texts[0]);
        assert_int_equal(config_load(f->path, &c), -EINVAL);
        /* What can be seen is in order. */
        put(f, "tmsd.conf.d/a.conf", "# für die Klinik\r\n[Clock]\r\nMaxOff=30d\r\n");
        assert_int_equal(config_load(f->path, &c), 0);
        scratch_write(f->path, "tmsd.conf", "# a\0b\n", 6);
        assert_int_equal(config_load(f->path, &c), -EINVAL);
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
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
