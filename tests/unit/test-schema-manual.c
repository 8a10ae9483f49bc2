/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/AUDIT.md has every type of record and every field, and no other type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "schema.h"
#include "schema-print.h"
#include "scratch.h"

static void test_tables_in_manual(void **state)
{
        char *page = scratch_read(SOURCE_DIR "/lib", "AUDIT.md", NULL), *made = NULL, *begin, *end;
        size_t size;
        FILE *f = open_memstream(&made, &size);

        schema_print(f);
        assert_int_equal(fclose(f), 0);
        begin = strstr(page, FIELDS_BEGIN);
        assert_non_null(begin);
        begin += strlen(FIELDS_BEGIN);
        end = strstr(begin, FIELDS_END);
        assert_non_null(end);
        *end = '\0';
        if (!STREQ(begin, made))
                fail_msg("the tables of fields in lib/AUDIT.md are not those of schema.c; run make audit-fields");
        free(page);
        free(made);
}

/* The row of the table of types whose first cell names that type, or NULL. */
static const char *prose_row(const char *page, const char *type)
{
        char quoted[64];
        const char *line = strstr(page, "\n| type | data ");

        assert_non_null(line);
        (void)snprintf(quoted, sizeof(quoted), "`%s`", type);
        while ((line = strchr(line + 1, '\n')) && line[1] == '|') {
                const char *cell = strstr(line + 2, " | "), *at = strstr(line, quoted);

                if (at && cell && at < cell && cell < line + 1 + strcspn(line + 1, "\n"))
                        return line + 1;
        }
        return NULL;
}

static bool row_names(const char *row, const char *word)
{
        char quoted[64];
        const char *at;

        (void)snprintf(quoted, sizeof(quoted), "`%s`", word);
        at = strstr(row, quoted);
        return at && at < row + strcspn(row, "\n");
}

/* What people read of a type says something of each field, in its own row or in that of a type that it refers to. */
static void test_words_in_manual(void **state)
{
        char *page = scratch_read(SOURCE_DIR "/lib", "AUDIT.md", NULL);
        const struct schema_field *f;
        size_t i, k;

        for (i = 0; i < schema_n_types; i++) {
                const char *row = prose_row(page, schema_types[i].type);

                if (!row)
                        fail_msg("lib/AUDIT.md says nothing of %s", schema_types[i].type);
                for (f = schema_types[i].fields; f->name; f++) {
                        bool named = row_names(row, f->name);

                        for (k = 0; !named && k < schema_n_types; k++)
                                named = row_names(row, schema_types[k].type) &&
                                        row_names(prose_row(page, schema_types[k].type), f->name);
                        if (!named)
                                fail_msg("lib/AUDIT.md does not say what '%s' of %s is", f->name, schema_types[i].type);
                }
        }
        free(page);
}

/* And no type is there that no record can have. */
static void test_no_other_type_in_manual(void **state)
{
        char *page = scratch_read(SOURCE_DIR "/lib", "AUDIT.md", NULL), *line, *p;

        line = strstr(page, "\n| type | data ");
        assert_non_null(line);
        /* Behind the head and the line under it. */
        line = strchr(strchr(line + 1, '\n') + 1, '\n');
        for (; line[1] == '|'; line = strchr(line + 1, '\n')) {
                char *end = strstr(line + 2, " | ");

                for (p = strchr(line, '`'); p && p < end; p = strchr(p + strcspn(p, "`") + 1, '`')) {
                        char type[64];

                        (void)snprintf(type, sizeof(type), "%.*s", (int)strcspn(p + 1, "`"), p + 1);
                        p++;
                        if (!schema_find(type))
                                fail_msg("lib/AUDIT.md has a type '%s' that schema.c does not have", type);
                }
        }
        free(page);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_tables_in_manual),
                        cmocka_unit_test(test_words_in_manual),
                        cmocka_unit_test(test_no_other_type_in_manual),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
