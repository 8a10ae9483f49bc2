/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The records of the audit log in sentences: each type that the daemon's code names and each that AUDIT.md lists has a
 * sentence, each sentence is made of records as the daemon writes them, says what is expected, and fits a terminal of 80
 * columns.
 */
#include <glob.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <wchar.h>
#include <cmocka.h>
#include <jansson.h>

#include "audit-samples.h"
#include "audit-sentence.h"
#include "scratch.h"
#include "wrap.h"

static char *sentence_of(const char *type, const char *more, const char *data)
{
        char line[4096];
        json_error_t error;
        json_t *record;
        char *sentence;

        (void)snprintf(line, sizeof(line),
                       "{\"seq\":1,\"utc\":\"2026-01-31T09:00:00.000000Z\",\"type\":\"%s\",%s\"data\":{%s},\"prev\":"
                       "\"00\"}",
                       type, more, data);
        record = json_loads(line, JSON_REJECT_DUPLICATES, &error);
        if (!record)
                print_error("%s: %s\n", line, error.text);
        assert_non_null(record);
        sentence = audit_sentence(record);
        assert_non_null(sentence);
        json_decref(record);
        return sentence;
}

static bool is_said(const char *type)
{
        const struct audit_type *w = audit_types;

        while (w->type && !STREQ(w->type, type))
                w++;
        return w->type != NULL;
}

static void test_sentences(void **state)
{
        size_t i;

        for (i = 0; i < audit_samples_n; i++) {
                char *sentence = sentence_of(audit_samples[i].type, audit_samples[i].more, audit_samples[i].data);

                assert_true(is_said(audit_samples[i].type));
                assert_string_equal(sentence, audit_samples[i].says);
                free(sentence);
        }
}

static void test_each_type_has_a_sample(void **state)
{
        const struct audit_type *w;
        size_t i;

        for (w = audit_types; w->type; w++) {
                for (i = 0; i < audit_samples_n && !STREQ(audit_samples[i].type, w->type); i++)
                        ;
                if (i == audit_samples_n)
                        print_error("%s has no sample\n", w->type);
                assert_true(i < audit_samples_n);
        }
}

/* The columns of the first n bytes. */
static int columns_of(const char *text, size_t n)
{
        wchar_t wide[512];
        char part[512];

        (void)snprintf(part, sizeof(part), "%.*s", (int)n, text);
        assert_true(mbstowcs(wide, part, ELEMENTS(wide)) != (size_t)-1);
        return wcswidth(wide, ELEMENTS(wide));
}

/* With what audit show prints before it at a terminal. */
static void test_fits_a_terminal(void **state)
{
        const unsigned columns = 80 - (unsigned)strlen("123456  09:00:00  ");
        size_t i, n;

        for (i = 0; i < audit_samples_n; i++) {
                char *sentence = sentence_of(audit_samples[i].type, audit_samples[i].more, audit_samples[i].data);
                char together[2048] = "";
                const char *next = sentence, *line;

                do {
                        line = next;
                        n = wrap_line(line, columns, &next);
                        assert_in_range(columns_of(line, n), 1, columns);
                        (void)snprintf(together + strlen(together), sizeof(together) - strlen(together), "%s%.*s",
                                       line == sentence ? "" : " ", (int)n, line);
                } while (*next);
                /* Nothing is lost, and lines are broken at spaces alone. */
                assert_string_equal(together, sentence);
                free(sentence);
        }
}

/* A record with nothing in its data: of another version, or made by somebody else. */
static void test_what_is_missing(void **state)
{
        const struct audit_type *w;
        char *sentence;

        for (w = audit_types; w->type; w++) {
                sentence = sentence_of(w->type, "", "");
                assert_true(strlen(sentence) > 5);
                assert_null(strpbrk(sentence, "[]{}|"));
                free(sentence);
        }
        sentence = sentence_of("session.end", "", "\"session\":\"T-1\"");
        assert_string_equal(sentence, "Session T-1: ended (?), ? of ? pulses delivered, ? missed.");
        free(sentence);
        sentence = sentence_of(
                        "session.end", "",
                        "\"session\":[],\"reason\":{\"a\":1},\"delivered\":-3,\"prescribed\":1.5,\"missed\":null");
        assert_string_equal(sentence, "Session : ended ({\"a\":1}), -3 of 1.5 pulses delivered, null missed.");
        free(sentence);
        /* What is too great for a percentage is not cut to one. */
        sentence = sentence_of("session.go", "", "\"session\":\"T-1\",\"pulse\":0,\"permille\":4294967296");
        assert_string_equal(sentence, "Session T-1: pulse 0 (counted from 0) was let go at 4294967296 % MSO.");
        free(sentence);
        sentence = sentence_of("course.begin", UID, "\"course\":\"C-1\",\"sessions\":[1,2]");
        assert_string_equal(sentence, "course.begin course=C-1 sessions=1, 2");
        free(sentence);
}

static void test_nothing_steers_the_terminal(void **state)
{
        char *sentence = sentence_of(
                        "session.end", "",
                        "\"session\":\"T\\u001b[2J\",\"reason\":\"a\\u009b1A\",\"text\":\"one\\ntwo\\u202e\\r\","
                        "\"prescribed\":1,\"delivered\":1,\"missed\":0");

        assert_string_equal(sentence, "Session T?[2J: ended (a?1A), 1 of 1 pulses delivered, 0 missed. one?two??.");
        free(sentence);
        sentence = sentence_of("new\\u001b[2K", "", "\"\\u001bkey\":\"[?error:{who}|]\"");
        assert_string_equal(sentence, "new?[2K ?key=[?error:{who}|]");
        free(sentence);
}

/* --- The types, where the daemon has them ------------------------------------------------------- */

static void expect_said(const char *type, const char *where)
{
        if (!is_said(type))
                print_error("%s, in %s, has no sentence in daemon/tmsctl/audit-sentence.c\n", type, where);
        assert_true(is_said(type));
}

/* The letters of a type, at p. */
static size_t type_length(const char *p)
{
        return strspn(p, "abcdefghijklmnopqrstuvwxyz_.");
}

/* Every text in the daemon's code that is a type: a noun of which records are, a point, and verbs. */
static unsigned look_into_code(const char *path)
{
        static const char *const nouns[] = {"log.", "daemon.", "stimulator.", "session.", "request.", "recovery."};
        char *text = scratch_read("/", path + 1, NULL), type[64];
        const char *p;
        unsigned found = 0;
        size_t i, n;

        for (i = 0; i < ELEMENTS(nouns); i++) {
                for (p = text; (p = strstr(p, nouns[i])); p++) {
                        n = type_length(p);
                        (void)snprintf(type, sizeof(type), "%.*s", (int)n, p);
                        if (p[-1] != '"' || p[n] != '"' || n == strlen(nouns[i]) || STREQ(type, "log.jsonl") ||
                            STREQ(type + n - 2, ".h"))
                                continue;
                        expect_said(type, path);
                        found++;
                }
        }
        free(text);
        return found;
}

static void test_each_type_of_the_code(void **state)
{
        static const char *const where[] = {SOURCE_DIR "/daemon/*.c",        SOURCE_DIR "/daemon/bus/*.c",
                                            SOURCE_DIR "/daemon/call/*.c",   SOURCE_DIR "/daemon/gates/*.c",
                                            SOURCE_DIR "/daemon/record/*.c", SOURCE_DIR "/daemon/treat/*.c"};
        unsigned found = 0;
        size_t i, j;
        glob_t g;

        for (i = 0; i < ELEMENTS(where); i++) {
                assert_int_equal(glob(where[i], 0, NULL, &g), 0);
                for (j = 0; j < g.gl_pathc; j++)
                        found += look_into_code(g.gl_pathv[j]);
                globfree(&g);
        }
        /* Each type but the seal is named there, some of them several times. */
        assert_true(found >= audit_samples_n / 2);
        expect_said("seal", "auditlog.c");
}

/* The table of types: "| `session.arm.intent`, `session.arm` | …", "`stimulator.add`, `.remove`", "`.resume.intent`". */
static void look_at_row(const char *row)
{
        char noun[32] = "", type[96];
        const char *p = row, *end = strstr(row + 1, " | ");
        size_t n;

        for (; end && (p = strchr(p, '`')) && p < end; p += n + 2) {
                n = strcspn(p + 1, "`");
                if (p[1] == '.')
                        (void)snprintf(type, sizeof(type), "%s%.*s", noun, (int)n, p + 1);
                else
                        (void)snprintf(type, sizeof(type), "%.*s", (int)n, p + 1);
                (void)snprintf(noun, sizeof(noun), "%.*s", (int)strcspn(type, "."), type);
                expect_said(type, "AUDIT.md");
        }
}

static void test_each_type_of_the_document(void **state)
{
        char *text = scratch_read(SOURCE_DIR "/lib", "AUDIT.md", NULL), *row = strstr(text, "\n| type | data");
        const struct audit_type *w;
        unsigned rows = 0;
        char last[64];

        assert_non_null(row);
        for (row = strchr(row + 1, '\n'); row && row[1] == '|'; row = strchr(row + 1, '\n'), rows++)
                look_at_row(row + 1);
        assert_true(rows > 20);
        /* And the other way round: what is said is written there, a common noun left out. */
        for (w = audit_types; w->type; w++) {
                const char *verb = strchr(w->type, '.');

                (void)snprintf(last, sizeof(last), "`%s`", w->type);
                if (!strstr(text, last) && verb)
                        (void)snprintf(last, sizeof(last), "`%s`", verb);
                assert_non_null(strstr(text, last));
        }
        free(text);
}

/* The text has this word, and not only longer ones that it is a part of. */
static void expect_word(const char *text, const char *word, const char *where)
{
        const char *p = text;

        while ((p = strstr(p, word)) && (type_length(p) != strlen(word) || type_length(p - 1) > 0))
                p++;
        if (!p)
                print_error("%s does not have %s\n", where, word);
        assert_non_null(p);
}

/* What a person may give --type. */
static void test_each_type_is_offered(void **state)
{
        char *page = scratch_read(SOURCE_DIR "/daemon", "tmsctl.1", NULL),
             *completion = scratch_read(SOURCE_DIR "/daemon", "tmsctl.bash-completion", NULL);
        const struct audit_type *w;

        for (w = audit_types; w->type; w++) {
                expect_word(page, w->type, "tmsctl.1");
                expect_word(completion, w->type, "tmsctl.bash-completion");
        }
        free(page);
        free(completion);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_sentences),
                        cmocka_unit_test(test_each_type_has_a_sample),
                        cmocka_unit_test(test_fits_a_terminal),
                        cmocka_unit_test(test_what_is_missing),
                        cmocka_unit_test(test_nothing_steers_the_terminal),
                        cmocka_unit_test(test_each_type_of_the_code),
                        cmocka_unit_test(test_each_type_of_the_document),
                        cmocka_unit_test(test_each_type_is_offered),
        };

        if (!setlocale(LC_CTYPE, "C.UTF-8"))
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
