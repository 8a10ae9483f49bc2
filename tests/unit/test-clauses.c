/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of 21 CFR Part 11 in lib/AUDIT.md: it has a row for each clause, and each test that a row names exists. And the
 * manual page that is made of that file has all of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "scratch.h"
#include "util.h"

/* Each clause that says what a system, or who runs it, has to do. */
static const char *const clauses[] = {
                "11.10(a)",     "11.10(b)",
                "11.10(c)",     "11.10(d)",
                "11.10(e)",     "11.10(f)",
                "11.10(g)",     "11.10(h)",
                "11.10(i)",     "11.10(j)",
                "11.10(k)",     "11.30",
                "11.50(a)",     "11.50(b)",
                "11.70",        "11.100(a)",
                "11.100(b)",    "11.100(c)",
                "11.200(a)(1)", "11.200(a)(2), (3)",
                "11.200(b)",    "11.300(a) to (c), (e)",
                "11.300(d)",
};

/* The section's lines, each row one; to be freed. */
static char *read_section(void)
{
        char *text = scratch_read(SOURCE_DIR "/lib", "AUDIT.md", NULL), *at = strstr(text, "\n## 21 CFR Part 11\n"),
             *end;

        assert_non_null(at);
        end = strstr(at + 1, "\n## ");
        assert_non_null(end);
        *end = '\0';
        memmove(text, at, strlen(at) + 1);
        return text;
}

static unsigned missing(const char *clause, const char *what)
{
        print_message("%s: there is no %s\n", clause, what);
        return 1;
}

/* "test-name", "test-name: test_function", or a path of the source. */
static unsigned look_for(const char *clause, const char *named)
{
        char name[128], path[160], function[160];
        const char *colon = strstr(named, ": ");
        unsigned wrong;
        char *source;

        if (strncmp(named, "test-", 5) != 0)
                return strncmp(named, "tests/", 6) == 0 && scratch_exists(SOURCE_DIR, named) ? 0
                                                                                             : missing(clause, named);
        (void)snprintf(name, sizeof(name), "%.*s", colon ? (int)(colon - named) : (int)strlen(named), named);
        (void)snprintf(path, sizeof(path), "tests/unit/%s.c", name);
        if (!scratch_exists(SOURCE_DIR, path))
                return missing(clause, path);
        if (!colon)
                return 0;
        source = scratch_read(SOURCE_DIR, path, NULL);
        (void)snprintf(function, sizeof(function), "\nstatic void %s(void **state)\n", colon + 2);
        wrong = strstr(source, function) ? 0 : missing(clause, named);
        free(source);
        return wrong;
}

/* Returns how many tests the cell names; each has to be there. */
static unsigned read_tests(const char *clause, char *cell, unsigned *wrong)
{
        char *at, *end;
        unsigned n = 0;

        for (at = strchr(cell, '`'); at; at = strchr(end + 1, '`')) {
                end = strchr(at + 1, '`');
                assert_non_null(end);
                *end = '\0';
                *wrong += look_for(clause, at + 1);
                n++;
        }
        return n;
}

static void test_rows(void **state)
{
        char *section = read_section(), *line, *next;
        unsigned rows = 0, wrong = 0, tests = 0;

        for (line = strstr(section, "\n|---"); line; line = next) {
                char *clause, *does, *shown, *end;
                unsigned n;

                next = strchr(line + 1, '\n');
                if (next)
                        *next = '\0';
                if (strncmp(line + 1, "| ", 2) != 0)
                        goto go_on;
                clause = line + 3;
                does = strstr(clause, " | ");
                assert_non_null(does);
                shown = strstr(does + 1, " | ");
                assert_non_null(shown);
                end = strstr(shown + 1, " |");
                assert_non_null(end);
                *does = *shown = *end = '\0';
                assert_true(rows < ELEMENTS(clauses));
                assert_string_equal(clause, clauses[rows]);
                rows++;
                n = read_tests(clause, shown + 3, &wrong);
                /* Who does it, if no test shows it: nobody else may be meant. */
                if (n == 0 && !STREQ(shown + 3, "the site"))
                        wrong += missing(clause, "test, and it is not the site's");
                tests += n;
        go_on:
                if (next)
                        *next = '\n';
        }
        assert_int_equal(rows, ELEMENTS(clauses));
        assert_int_equal(wrong, 0);
        assert_true(tests > 30);
        free(section);
}

/* Every word of the rows is in the page, where lines are broken in other places. */
static void test_manual(void **state)
{
        char *section = read_section(), *page = NULL, *word, *save;
        unsigned lost = 0;
        size_t size = 0;
        FILE *f;

        f = popen("awk -v version=0 -f " SOURCE_DIR "/lib/manual.awk " SOURCE_DIR
                  "/lib/AUDIT.md | sed 's/\\\\f[BIR]//g; s/\\\\-/-/g; s/\\\\(aq/'\"\\047\"'/g; s/\\\\e/\\\\/g'",
                  "r");
        assert_non_null(f);
        page = calloc(1, 1 << 20);
        size = fread(page, 1, (1 << 20) - 1, f);
        assert_int_equal(pclose(f), 0);
        assert_true(size > 30000);
        assert_non_null(strstr(page, "\n.SH 21 CFR PART 11\n"));
        assert_non_null(strstr(page, "\n.SH FIELDS\n"));
        for (word = strtok_r(strstr(section, "\n|---") + 1, "|`\n ,", &save); word;
             word = strtok_r(NULL, "|`\n ,", &save)) {
                if (strncmp(word, "---", 3) == 0 || strstr(page, word))
                        continue;
                print_message("tms-audit(5) has not: %s\n", word);
                lost++;
        }
        assert_int_equal(lost, 0);
        free(page);
        free(section);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_rows),
                        cmocka_unit_test(test_manual),
        };

        return cmocka_run_group_tests_name("clauses", tests, NULL, NULL);
}
