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

/* What a number counts stands beside it, and a text does not end in the margin that it begins with. */
static void test_units_and_margins(void **state)
{
        expect_line("trains of 10 Hz", 12, "trains of", "10 Hz");
        expect_line("at 120 % of it", 6, "at", "120 % of it");
        expect_line("at 120 % of it", 8, "at 120 %", "of it");
        expect_line("1 2 3", 3, "1 2", "3");
        expect_line("of 75 trains", 5, "of 75", "trains");
        expect_line("of 4 s, 26", 5, "of", "4 s, 26");
        expect_line("10 Hz", 4, "10 H", "z");
        expect_line("    abcdef gh", 8, "    abcd", "ef gh");
        expect_line("    abc gh", 8, "    abc", "gh");
}

/* An escape sequence of a colour takes no column, wherever it stands. */
static void test_colours(void **state)
{
        expect_line("\033[1mone\033[0m two", 7, "\033[1mone\033[0m two", "");
        expect_line("\033[1mone\033[0m two", 6, "\033[1mone\033[0m", "two");
        expect_line("one two\033[0m", 7, "one two\033[0m", "");
        expect_line("\033[38;5;1mone", 2, "\033[38;5;1mon", "e");
        expect_line("\033[", 2, "\033[", "");
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
                        cmocka_unit_test(test_spaces),     cmocka_unit_test(test_units_and_margins),
                        cmocka_unit_test(test_colours),    cmocka_unit_test(test_wide_word),
                        cmocka_unit_test(test_characters),
        };

        if (!setlocale(LC_CTYPE, "C.UTF-8"))
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
