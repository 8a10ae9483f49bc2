// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files with one mistake each, of the kind that people make, and the exact
 * message that each must give: place, key, what is wrong, what was expected.
 */
#include "tms.h"

#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FOLDER SOURCE_DIR "/tests/unit/bad-protocols"

static void test_messages(void **state)
{
        unsigned checked = 0, wrong = 0;
        FILE *f = fopen(FOLDER "/expected", "re");
        char line[1200];
        glob_t g;

        assert_non_null(f);
        assert_int_equal(chdir(FOLDER), 0);
        assert_int_equal(glob("*.yaml", 0, NULL, &g), 0);
        assert_true(g.gl_pathc >= 100);

        /* Both are sorted, so a file without its line or a line without its file shows. */
        for (size_t i = 0; i < g.gl_pathc; i++) {
                struct tms_protocol *p = NULL;
                struct tms_error e = {};
                char buf[1200];
                int r;

                assert_non_null(fgets(line, sizeof(line), f));
                line[strcspn(line, "\n")] = 0;
                r = tms_protocol_load(g.gl_pathv[i], &p, &e);
                if (r >= 0) {
                        print_error("%s was accepted\n", g.gl_pathv[i]);
                        tms_protocol_free(p);
                        wrong++;
                        continue;
                }
                assert_null(p);
                if (strcmp(tms_error_format(&e, buf, sizeof(buf)), line) != 0) {
                        print_error("expected: %s\n     got: %s\n", line, buf);
                        wrong++;
                }
                /* What was expected is part of every message, or how to mend it. */
                assert_true(strstr(e.message, "expected") || strstr(e.message, "mend") ||
                            strstr(e.message, "did you mean"));
                checked++;
        }
        assert_null(fgets(line, sizeof(line), f));
        fclose(f);
        globfree(&g);
        assert_int_equal(wrong, 0);
        assert_true(checked >= 100);
}

/* Cut anywhere, a file is refused or is whole again, but never crashes anything. */
static void test_every_prefix(void **state)
{
        static const char *const files[] = {"mdd-seq-bilateral", "sici", "mdd-dtms-h1"};

        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
                struct tms_protocol *p = NULL, *part = NULL;
                const char *text;
                char path[512], *copy;
                size_t size;

                snprintf(path, sizeof(path), SOURCE_DIR "/lib/protocols/%s.yaml", files[i]);
                assert_int_equal(tms_protocol_load(path, &p, NULL), 0);
                text = tms_protocol_text(p, &size);
                for (size_t n = 0; n < size; n++) {
                        /* In memory of its own, so that a read behind its end is seen. */
                        copy = malloc(n ? n : 1);
                        memcpy(copy, text, n);
                        if (tms_protocol_parse("part", copy, n, &part, NULL) >= 0)
                                part = tms_protocol_free(part);
                        free(copy);
                }
                tms_protocol_free(p);
        }
}

static void test_error_format(void **state)
{
        struct tms_error e = {.message = "no"};
        char buf[64];

        assert_string_equal(tms_error_format(&e, buf, sizeof(buf)), "no");
        strcpy(e.file, "f");
        assert_string_equal(tms_error_format(&e, buf, sizeof(buf)), "f: no");
        strcpy(e.key, "a.b");
        assert_string_equal(tms_error_format(&e, buf, sizeof(buf)), "f: a.b: no");
        e.line = 3;
        e.column = 7;
        assert_string_equal(tms_error_format(&e, buf, sizeof(buf)), "f:3:7: a.b: no");
        assert_string_equal(tms_error_format(&e, buf, 5), "f:3:");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_messages),
                        cmocka_unit_test(test_every_prefix),
                        cmocka_unit_test(test_error_format),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
