/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every type of record, and each of its fields, is written by the daemon itself in some test. It runs after the
 * programs that hold sessions, and reads what they have noted (schema-watch.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "schema.h"
#include "scratch.h"

/* Beside this program, as `make` has it. */
static const char *const programs[] = {PROGRAMS};

/* What they noted together, one "type field" a line. */
static char *notes;
static bool complete = true;

static void add_notes(const char *program)
{
        char path[512], note[512];
        struct stat built, ran;
        char *text, *joined;

        (void)snprintf(path, sizeof(path), TESTS_DIR "/%s", program);
        (void)snprintf(note, sizeof(note), TESTS_DIR "/types/%s", program);
        if (stat(path, &built) < 0 || stat(note, &ran) < 0 || ran.st_mtim.tv_sec < built.st_mtim.tv_sec) {
                print_message("%s has not run since it was built: make check-unit runs it\n", program);
                complete = false;
                return;
        }
        text = scratch_read(TESTS_DIR "/types", program, NULL);
        assert_true(asprintf(&joined, "%s%s", notes ? notes : "\n", text) >= 0);
        free(text);
        free(notes);
        notes = joined;
}

static int collect(void **state)
{
        size_t i;

        for (i = 0; i < ELEMENTS(programs); i++)
                add_notes(programs[i]);
        return 0;
}

static int forget(void **state)
{
        free(notes);
        return 0;
}

/* 1: no test has written it. */
static unsigned look_for(const char *type, const char *field)
{
        char line[160];

        (void)snprintf(line, sizeof(line), "\n%s %s\n", type, field);
        if (notes && strstr(notes, line))
                return 0;
        print_message("no test has the daemon write %s%s%s\n", type, *field ? " with " : "", field);
        return 1;
}

static void test_programs_have_run(void **state)
{
        assert_true(complete);
}

static void test_types(void **state)
{
        unsigned missing = 0;
        size_t i;

        for (i = 0; i < schema_n_types; i++)
                missing += look_for(schema_types[i].type, "");
        assert_int_equal(missing, 0);
}

static void test_fields(void **state)
{
        const struct schema_field *f;
        unsigned missing = 0;
        size_t i;

        for (i = 0; i < schema_n_types; i++) {
                for (f = schema_types[i].fields; f->name; f++)
                        missing += look_for(schema_types[i].type, f->name);
        }
        assert_int_equal(missing, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_programs_have_run),
                        cmocka_unit_test(test_types),
                        cmocka_unit_test(test_fields),
        };

        return cmocka_run_group_tests(tests, collect, forget);
}
