/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line is whole or there is none, whichever allocation of jansson's or ours fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "jsonline.h"

static long left = -1;

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool fails(void)
{
        return left >= 0 && left-- == 0;
}

static void *fail_malloc(size_t size)
{
        return fails() ? NULL : malloc(size);
}

void *__wrap_realloc(void *p, size_t size)
{
        return fails() ? NULL : __real_realloc(p, size);
}

static json_t *make(void)
{
        json_t *record = json_object();
        char key[32], value[64];
        int i;

        /* Of many lengths, so that growing falls on keys, values and signs between them. */
        for (i = 0; i < 60; i++) {
                (void)snprintf(key, sizeof(key), "key%0*d", 1 + i % 17, i);
                (void)snprintf(value, sizeof(value), "%0*d", 1 + i % 29, i);
                assert_int_equal(json_object_set_new(record, key, json_string(value)), 0);
        }
        return record;
}

static void test_whole_or_not_at_all(void **state)
{
        json_t *record = make(), *again;
        unsigned refused = 0;
        char *line;
        long n;
        int r = -ENOMEM;

        json_set_alloc_funcs(fail_malloc, free);
        for (n = 0; r < 0; n++) {
                line = NULL;
                left = n;
                r = json_line(record, &line);
                left = -1;
                assert_true(n < 10000);
                refused += r < 0;
                if (r < 0) {
                        assert_int_equal(r, -ENOMEM);
                        assert_null(line);
                        continue;
                }
                again = json_loads(line, 0, NULL);
                assert_true(again && json_equal(again, record));
                json_decref(again);
                free(line);
        }
        assert_true(refused > 3);
        json_decref(record);
}

static void check_clipped(const char *text, size_t most, const char *expected)
{
        json_t *v = json_clipped(text, most);

        assert_non_null(v);
        assert_string_equal(json_string_value(v), expected);
        assert_true(json_string_length(v) <= most);
        json_decref(v);
}

/* What is too long ends with dots, and never with a part of a character. */
static void test_clipped(void **state)
{
        check_clipped("", 8, "");
        check_clipped("abcdefgh", 8, "abcdefgh");
        check_clipped("abcdefghi", 8, "abcde...");
        check_clipped("abcd\u00e9ghi", 8, "abcd...");
        check_clipped("abc\u00e9fghi", 8, "abc\u00e9...");
        check_clipped("ab\U0001d11efgh", 9, "ab\U0001d11efgh");
        check_clipped("ab\U0001d11efgh", 8, "ab...");
        check_clipped("\U0001d11e\U0001d11e", 7, "\U0001d11e...");
        check_clipped("\U0001d11e\U0001d11e", 6, "...");
        assert_null(json_clipped("\xc3", 8));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_clipped),
                        cmocka_unit_test(test_whole_or_not_at_all),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
