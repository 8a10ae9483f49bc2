/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page of limits in daemon/DESIGN.md says what the code has: each row is
 * held against the line that defines it, and each limit of the daemon has a row.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "scratch.h"
#include "util.h"

/* From the heading to the end of the file: it is the last section. */
static char *read_page(void)
{
        char *text = scratch_read(SOURCE_DIR "/daemon", "DESIGN.md", NULL),
             *page = strstr(text, "\n## Limits and times\n");

        assert_non_null(page);
        assert_null(strstr(page + 1, "\n## "));
        memmove(text, page, strlen(page) + 1);
        return text;
}

/* What is defined, as the page says it: "(200 * NS_PER_MS)" is "200 ms", "(256 * 1024)" is "256 kB". */
static void as_said(const char *defined, char *ret, size_t size)
{
        char number[32], unit[8] = "";
        const char *p = defined + strspn(defined, " (");

        (void)snprintf(number, sizeof(number), "%.*s", (int)strspn(p, "0123456789"), p);
        /* "USEC_PER_S" alone is one of them. */
        if (!*number && strstr(p, "_PER_"))
                strcpy(number, "1");
        if (strstr(p, "_PER_MS"))
                strcpy(unit, " ms");
        else if (strstr(p, "_PER_S"))
                strcpy(unit, " s");
        else if (strstr(p, "* 1024 * 1024"))
                strcpy(unit, " MB");
        else if (strstr(p, "* 1024"))
                strcpy(unit, " kB");
        (void)snprintf(ret, size, "%s%s", number, unit);
}

/* The rest of the line that defines it: "#define NAME ", or "NAME=" in a unit of systemd; false if there is none. */
static bool find_definition(const char *text, const char *name, bool unit, char *ret, size_t size)
{
        char head[96];
        const char *p;

        (void)snprintf(head, sizeof(head), unit ? "\n%s=" : "\n#define %s ", name);
        p = strstr(text, head);
        if (!p)
                return false;
        p += strlen(head);
        (void)snprintf(ret, size, "%.*s", (int)strcspn(p, "\n"), p);
        if (strstr(ret, " /*"))
                *strstr(ret, " /*") = '\0';
        return true;
}

/* Reads the row's cells, a text between bars each; false for any other line, and for a table's head. */
static bool read_row(const char *line, char cell[static 3][256])
{
        unsigned i;

        if (strncmp(line, "| ", 2) != 0 || strncmp(line, "| ---", 5) == 0 || strncmp(line, "| what ", 7) == 0)
                return false;
        for (i = 0; i < 3; i++) {
                const char *end = strstr(line + 2, " |");

                assert_non_null(end);
                (void)snprintf(cell[i], 256, "%.*s", (int)(end - line - 2), line + 2);
                line = end + 1;
        }
        return true;
}

/* "500ms" as well as "500 ms", and a number without its unit where systemd takes seconds. */
static bool is_said(const char *said, const char *value, bool unit)
{
        char text[64];

        if (!unit)
                return STREQ(said, value);
        (void)snprintf(text, sizeof(text), "%.*s%s", (int)strspn(said, "0123456789"), said,
                       strstr(said, " ms") ? "ms" : "");
        return STREQ(text, value);
}

static void test_rows(void **state)
{
        char *page = read_page(), *line, *next;
        unsigned n = 0, differ = 0;

        for (line = page; line; line = next) {
                char cell[3][256], name[64], file[96], path[128], defined[256], value[64];
                char *text;
                bool unit;

                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                if (!read_row(line, cell))
                        continue;
                n++;
                if (sscanf(cell[2], "`%63[A-Za-z_]` in `%95[^`]`", name, file) != 2)
                        fail_msg("no name and file: %s", line);
                unit = strstr(file, ".service");
                (void)snprintf(path, sizeof(path), "%s%s",
                               unit                            ? "systemd/"
                               : strncmp(file, "lib/", 4) == 0 ? ""
                                                               : "daemon/",
                               file);
                text = scratch_read(SOURCE_DIR, path, NULL);
                if (!find_definition(text, name, unit, defined, sizeof(defined))) {
                        print_error("%s has no %s\n", path, name);
                        differ++;
                } else {
                        if (unit)
                                (void)snprintf(value, sizeof(value), "%.63s", defined);
                        else
                                as_said(defined, value, sizeof(value));
                        if (!is_said(cell[1], value, unit)) {
                                print_error("%s is %s in %s, and %s on the page\n", name, value, path, cell[1]);
                                differ++;
                        }
                }
                free(text);
        }
        assert_int_equal(differ, 0);
        assert_true(n >= 60);
        free(page);
}

/* Is that a limit, by its name? How exact a timer is and how large a text's array is are none. */
static bool is_limit(const char *name)
{
        static const char *const ends[] = {"_MAX", "_NS", "_USEC", "_PER_S", "_BYTES", "TRIES"};
        size_t i, n = strlen(name);

        if (strstr(name, "ACCURACY") || STREQ(name, "DAY_NS") || STREQ(name, "GATE_SENTENCE_MAX"))
                return false;
        for (i = 0; i < ELEMENTS(ends); i++) {
                if (n >= strlen(ends[i]) && STREQ(name + n - strlen(ends[i]), ends[i]))
                        return true;
        }
        return false;
}

static void test_every_limit_has_a_row(void **state)
{
        static const char *const patterns[] = {"/daemon/*.[ch]", "/daemon/*/*.[ch]"};
        char *page = read_page();
        unsigned n = 0, differ = 0;
        size_t i, k;

        for (k = 0; k < ELEMENTS(patterns); k++) {
                char pattern[512];
                glob_t files;

                (void)snprintf(pattern, sizeof(pattern), "%s%s", SOURCE_DIR, patterns[k]);
                assert_int_equal(glob(pattern, 0, NULL, &files), 0);
                for (i = 0; i < files.gl_pathc; i++) {
                        const char *file = files.gl_pathv[i] + strlen(SOURCE_DIR "/daemon/"), *p;
                        char *text;

                        if (strncmp(file, "tmsctl/", 7) == 0)
                                continue;
                        text = scratch_read(SOURCE_DIR "/daemon", file, NULL);
                        for (p = text; (p = strstr(p, "\n#define ")); p++) {
                                char name[64], row[256];

                                if (sscanf(p, "\n#define %63[A-Z_]", name) != 1 || !is_limit(name) ||
                                    p[strlen("\n#define ") + strlen(name)] != ' ')
                                        continue;
                                n++;
                                (void)snprintf(row, sizeof(row), "| `%s` in `%s` |\n", name, file);
                                if (!strstr(page, row)) {
                                        print_error("no row ends with %s", row);
                                        differ++;
                                }
                        }
                        free(text);
                }
                globfree(&files);
        }
        assert_int_equal(differ, 0);
        assert_true(n >= 35);
        free(page);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_rows),
                        cmocka_unit_test(test_every_limit_has_a_row),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
