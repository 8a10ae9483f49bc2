/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of fields of the audit log's records; see schema-print.h. */
#include "schema.h"
#include "schema-print.h"

static void print_when(FILE *f, const struct schema_field *field)
{
        static const char *const words[] = {
                        [SCHEMA_REQUIRED] = "always",       [SCHEMA_OPTIONAL] = "optional",
                        [SCHEMA_WITH] = "exactly with",     [SCHEMA_WITHOUT] = "exactly without",
                        [SCHEMA_UNLESS] = "always without",
        };

        (void)fprintf(f, "%s", words[field->need]);
        if (field->other)
                (void)fprintf(f, " `%s`", field->other);
        if (field->need == SCHEMA_UNLESS)
                (void)fprintf(f, ", else optional");
        if (field->since == SCHEMA_AMENDED)
                (void)fprintf(f, "; logs begun before it was added have none");
        if (field->since == SCHEMA_FORMAT2)
                (void)fprintf(f, "; segments of format 1 begun before it was added have none");
}

static void print_fields(FILE *f, const char *first, const struct schema_field *field)
{
        char words[SCHEMA_WORDS];

        for (; field->name; field++, first = "") {
                (void)fprintf(f, "| %s | `%s` | %s | ", first, field->name, schema_words(field, words));
                print_when(f, field);
                (void)fprintf(f, " |\n");
        }
}

void schema_print(FILE *f)
{
        char first[64];
        size_t i;

        (void)fprintf(f, "| type | field | is | is there |\n|---|---|---|---|\n");
        print_fields(f, "`who` of every type", schema_who);
        print_fields(f, "`data` of every type", schema_common);
        (void)fprintf(f, "|  | but not of ");
        for (i = 0; i < schema_n_types; i++) {
                if (schema_types[i].bare)
                        (void)fprintf(f, "%s`%s`", i > 0 ? ", " : "", schema_types[i].type);
        }
        (void)fprintf(f, " |  |  |\n");
        for (i = 0; i < schema_n_types; i++) {
                (void)snprintf(first, sizeof(first), "`%s`", schema_types[i].type);
                print_fields(f, first, schema_types[i].fields);
        }
}
