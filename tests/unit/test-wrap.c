/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a text is broken into lines that fit a terminal. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "util.h"
#include "wrap.h"

static void expect_line(const char *text, unsigned columns, const char *line, const char *rest)
{
        const char *next;
        size_t n = wrap_line(text, columns, &next);

        assert_int_equal(n, strlen(line));
        assert_memory_equal(text, line, n);
        assert_string_equal(next, rest);
}

static void test_spaces(void **state)
{
        expect_line("", 10, "", "");
        expect_line("one two", 7, "one two", "");
        expect_line("one two", 6, "one", "two");
        expect_line("one two", 3, "one", "two");
        expect_line("one   two", 4, "one ", "two");
        expect_line("one two three", 8, "one two", "three");
}

static void test_wide_word(void **state)
{
        expect_line("abcdefgh ij", 5, "abcde", "fgh ij");
        expect_line("abc", 1, "a", "bc");
        expect_line("abc", 0, "a", "bc");
}

/* Characters count as the columns that they take: one, two, none. What is no character takes one. */
static void test_characters(void **state)
{
        expect_line("\303\244\303\266\303\274 x", 3, "\303\244\303\266\303\274", "x");
        expect_line("\346\227\245\346\234\254 x", 3, "\346\227\245", "\346\234\254 x");
        expect_line("a\314\210b c", 2, "a\314\210b", "c");
        expect_line("\377\377\377", 2, "\377\377", "\377");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_spaces),
                        cmocka_unit_test(test_wide_word),
                        cmocka_unit_test(test_characters),
        };

        if (!setlocale(LC_CTYPE, "C.UTF-8"))
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
