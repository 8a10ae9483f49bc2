/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every call that logs, as it stands in the daemon's source: it gives the event's fields, and names no person. */
#include <ctype.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "journal-words.h"
#include "scratch.h"
#include "util.h"

/* --- The code ----------------------------------------------------------------------------------- */

/* The call's text from its opening bracket to the one that closes it. */
static size_t call_size(const char *p)
{
        const char *start = p;
        unsigned depth = 0;
        bool quoted = false;

        do {
                assert_true(*p != '\0');
                if (*p == '"' && p[-1] != '\\')
                        quoted = !quoted;
                else if (!quoted && *p == '(')
                        depth++;
                else if (!quoted && *p == ')')
                        depth--;
                p++;
        } while (depth > 0);
        return (size_t)(p - start);
}

/* The names in a call: field_text("NAME", …), field_errno(…). */
static void read_fields(const char *call, char *ret, size_t size)
{
        unsigned count = 0;
        const char *p;
        size_t n = 0;

        *ret = '\0';
        for (p = call; (p = strstr(p, "field_")); p++) {
                char name[64] = "";

                if (strncmp(p, "field_errno(", 12) == 0)
                        strcpy(name, "ERRNO");
                else if (sscanf(p, "field_%*[a-z](\"%63[A-Z_]\"", name) != 1)
                        fail_msg("no name: %.40s", p);
                assert_false(has_word(ret, name));
                n += (size_t)snprintf(ret + n, size - n, "%s%s", n > 0 ? " " : "", name);
                assert_true(n < size);
                count++;
        }
        if (count > LOG_FIELDS)
                fail_msg("more fields than a line has: %s", call);
}

static const char *given; /* the fields of the call that is looked at */
static const char *file_name;

static void check_given(const char *word, const struct event_words *event)
{
        if (!has_word(given, word))
                fail_msg("%s: a line of %s is without %s", file_name, event->name, word);
}

static void check_allowed(const char *word, const struct event_words *event)
{
        if (!is_field(word) || (event && !has_word(event->always, word) && !has_word(event->sometimes, word)))
                fail_msg("%s: %s does not have %s", file_name, event ? event->name : "journal.h", word);
}

static unsigned calls[EVENTS];

/*
 * A person's code, or a sentence of a refusal, of a gate or of the verifier, in which one may be. What is between
 * quotation marks is no such argument, and neither is a sentence from the table of the driver's reasons.
 */
static bool may_name_a_person(const char *call)
{
        static const char *const arguments[] = {"subject", "whose", "sentence", "end_text", "message"};
        char code[2048];
        size_t n = 0;
        bool quoted = false;

        for (; *call; call++) {
                if (*call == '"' && call[-1] != '\\')
                        quoted = !quoted;
                else if (!quoted)
                        code[n++] = *call;
        }
        code[n] = '\0';
        for (size_t i = 0; i < ELEMENTS(arguments); i++) {
                if (strstr(code, arguments[i]))
                        return !strstr(code, "tms_error_format(&error, sentence") &&
                               !strstr(code, "tms_reason_sentence(") && !strstr(code, "sd_bus_message_get_");
        }
        return false;
}

static void see_call(const char *file, const char *name, const char *text)
{
        char call[2048], fields[512], event[64];
        const struct event_words *e = NULL;

        file_name = file;
        (void)snprintf(call, sizeof(call), "%.*s", (int)call_size(text), text);
        read_fields(call, fields, sizeof(fields));
        given = fields;
        if (may_name_a_person(call))
                fail_msg("%s: a line may name a person: %s", file, call);
        if (STREQ(name, "log_event")) {
                assert_int_equal(sscanf(call, "(%63[A-Z_],", event), 1);
                for (size_t i = 0; i < EVENTS; i++)
                        if (STREQ(journal_events[i].name, event))
                                e = journal_events + i;
                if (!e)
                        fail_msg("%s: no event %s", file, event);
                calls[e - journal_events]++;
                for_each_word(e->always, check_given, e);
        }
        for_each_word(fields, check_allowed, e);
}

static void read_file(const char *file)
{
        static const char *const names[] = {"log_event",   "log_with",   "log_error_errno", "log_error",
                                            "log_warning", "log_notice", "log_info"};
        char *text = scratch_read(SOURCE_DIR "/daemon", file, NULL);

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                const size_t n = strlen(names[i]);
                const char *p;

                for (p = text; (p = strstr(p, names[i])); p += n)
                        if (p[n] == '(' && !isalnum((unsigned char)p[-1]) && p[-1] != '_')
                                see_call(file, names[i], p + n);
        }
        free(text);
}

static void test_code(void **state)
{
        static const char *const patterns[] = {"/daemon/*.c", "/daemon/*/*.c"};

        for (size_t k = 0; k < ELEMENTS(patterns); k++) {
                char pattern[512];
                glob_t files;

                (void)snprintf(pattern, sizeof(pattern), "%s%s", SOURCE_DIR, patterns[k]);
                assert_int_equal(glob(pattern, 0, NULL, &files), 0);
                for (size_t i = 0; i < files.gl_pathc; i++) {
                        const char *file = files.gl_pathv[i] + strlen(SOURCE_DIR "/daemon/");

                        if (strncmp(file, "tmsctl/", 7) != 0)
                                read_file(file);
                }
                globfree(&files);
        }
        for (size_t i = 0; i < EVENTS; i++) {
                if (calls[i] == 0)
                        fail_msg("nothing logs %s", journal_events[i].name);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_code),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
