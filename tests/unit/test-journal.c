/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of the journal's events is what the catalog explains and what tmsd(8) names; and what a log line has beside its
 * text. What the code sends: test-journal-code.c; what whole sessions send: test-session-journal.c.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-journal.h"
#include "journal-words.h"
#include "next-step.h"
#include "scratch.h"
#include "util.h"

/* --- The list ----------------------------------------------------------------------------------- */

static void check_known(const char *word, const struct event_words *event)
{
        if (!is_field(word))
                fail_msg("%s has %s, which FOR_EACH_FIELD() has not", event->name, word);
        if (has_word(event->always, word) && has_word(event->sometimes, word))
                fail_msg("%s has %s always and sometimes", event->name, word);
}

static void test_list(void **state)
{
        for (size_t i = 0; i < EVENTS; i++) {
                const struct event_words *e = journal_events + i;

                assert_int_equal(strlen(e->id), 32);
                assert_int_equal(strspn(e->id, "0123456789abcdef"), 32);
                assert_ptr_equal(find_event(e->id), e);
                assert_true(e->priority >= LOG_CRIT && e->priority <= LOG_INFO);
                for_each_word(e->always, check_known, e);
                for_each_word(e->sometimes, check_known, e);
        }
        for (size_t i = 0; i < journal_n_fields; i++) {
                const char *name = journal_fields[i];
                bool used = false;

                /* What journald takes from a program, and what no log line may have. */
                assert_true(isupper((unsigned char)*name));
                assert_int_equal(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(name));
                assert_null(strstr(name, "SUBJECT"));
                for (size_t k = 0; k < EVENTS; k++)
                        used = used || has_word(journal_events[k].always, name) ||
                               has_word(journal_events[k].sometimes, name);
                if (!used)
                        fail_msg("no event has the field %s", name);
        }
}

/* --- The catalog -------------------------------------------------------------------------------- */

/* The entry's fields are such that each line of the event has them: journalctl leaves @NAME@ as it is for any other. */
static void check_places(const char *text, const struct event_words *event)
{
        const char *p, *end;

        for (p = text; (p = strchr(p, '@')); p = end + 1) {
                char name[64];

                end = strchr(p + 1, '@');
                assert_non_null(end);
                (void)snprintf(name, sizeof(name), "%.*s", (int)(end - p - 1), p + 1);
                if (!has_word(event->always, name))
                        fail_msg("%s: the catalog has @%s@, which not each line has", event->name, name);
        }
}

/* Head, what it means, what to do: paragraphs, each with an empty line before the next. */
static void check_entry(char *text, const struct event_words *event)
{
        char *means, *what_to_do, *p;

        means = strstr(text, "\n\n");
        assert_non_null(means);
        *means = '\0';
        assert_true(strncmp(text, "Subject: ", 9) == 0);
        assert_non_null(strstr(text, "\nDefined-By: tmsd\n"));
        assert_non_null(strstr(text, "\nDocumentation: man:tmsd(8)"));
        means += 2;
        what_to_do = strstr(means, "\n\n");
        if (!what_to_do)
                fail_msg("%s: the catalog says what it means or what to do, not both", event->name);
        *what_to_do = '\0';
        what_to_do += 2;
        assert_null(strstr(what_to_do, "\n\n"));
        check_places(text, event);
        check_places(means, event);
        check_places(what_to_do, event);
        assert_true(strlen(means) > 40);
        /* As one line, preceded by an end of sentence: a step is looked for behind one. */
        for (p = what_to_do; *p; p++)
                if (*p == '\n')
                        *p = ' ';
        if (!strstr(what_to_do, "There is nothing to do") && !strstr(what_to_do, "there is nothing to do")) {
                _cleanup_free_ char *sentence = NULL;

                assert_true(asprintf(&sentence, "It was so. %s", what_to_do) > 0);
                if (!names_next_step(sentence))
                        fail_msg("%s: the catalog does not say what to do: %s", event->name, what_to_do);
        }
}

static void test_catalog(void **state)
{
        char *text = scratch_read(SOURCE_DIR "/systemd", "tmsd.catalog", NULL), *entry, *next;
        bool seen[EVENTS] = {false};

        for (entry = strstr(text, "\n-- "); entry; entry = next) {
                const struct event_words *e = find_event(entry + 4);

                next = strstr(entry + 1, "\n-- ");
                if (next)
                        *next = '\0';
                if (!e || entry[36] != '\n')
                        fail_msg("journal.h has no event of the catalog's %.40s", entry + 1);
                if (seen[e - journal_events])
                        fail_msg("the catalog has %s twice", e->name);
                seen[e - journal_events] = true;
                check_entry(entry + 37, e);
        }
        for (size_t i = 0; i < EVENTS; i++) {
                if (!seen[i])
                        fail_msg("the catalog has nothing of %s", journal_events[i].name);
        }
        free(text);
}

/* systemd's own reader takes every entry. */
static void test_catalog_as_systemd_reads_it(void **state)
{
        struct scratch *s = *state;
        char command[1024], line[256];
        unsigned n = 0;
        FILE *f;

        if (system("command -v journalctl >/dev/null") != 0)
                skip();
        (void)snprintf(command, sizeof(command),
                       "mkdir -p %s/usr/lib/systemd/catalog %s/var/lib/systemd/catalog && "
                       "cp %s/systemd/tmsd.catalog %s/usr/lib/systemd/catalog/ && "
                       "journalctl --root=%s --update-catalog 2>&1 && journalctl --root=%s --list-catalog",
                       s->path, s->path, SOURCE_DIR, s->path, s->path, s->path);
        f = popen(command, "r");
        assert_non_null(f);
        while (fgets(line, sizeof(line), f)) {
                if (!find_event(line) || !strstr(line, " tmsd: "))
                        fail_msg("journalctl says: %s", line);
                n++;
        }
        assert_int_equal(pclose(f), 0);
        assert_int_equal(n, EVENTS);
}

/* --- The manual --------------------------------------------------------------------------------- */

static void test_manual(void **state)
{
        char *text = scratch_read(SOURCE_DIR "/daemon", "tmsd.8", NULL), *page, *end, *p;

        page = strstr(text, "\n.SH THE JOURNAL\n");
        assert_non_null(page);
        end = strstr(page + 1, "\n.SH ");
        assert_non_null(end);
        *end = '\0';
        assert_non_null(strstr(page, "tmsd.catalog"));
        assert_non_null(strstr(page, "SESSION="));
        for (size_t i = 0; i < journal_n_fields; i++) {
                const char *name = journal_fields[i];
                bool found = false;

                /* As a word: ".B SESSION", ".BR CARD_SERIAL ", " DEVICE_NODE". */
                for (p = page; !found && (p = strstr(p, name)); p++)
                        found = p[-1] == ' ' && (p[strlen(name)] == '\n' || p[strlen(name)] == ' ');
                if (!found)
                        fail_msg("THE JOURNAL in tmsd(8) has no field %s", name);
        }
        for (p = page; (p = strstr(p, "MESSAGE_ID=")); p++)
                assert_non_null(find_event(p + strlen("MESSAGE_ID=")));
        free(text);
}

/* --- A line ------------------------------------------------------------------------------------- */

static void field_is(const char *line, const char *name, const char *value)
{
        char buf[4096];

        assert_true(fake_journal_has(line, name));
        assert_string_equal(fake_journal_field(line, name, buf, sizeof(buf)), value);
}

static int returns_its_error(int *ret_line)
{
        *ret_line = __LINE__ + 1;
        return log_error_errno(-EACCES, "do this", "%s", "file");
}

static void test_line(void **state)
{
        char number[16], long_text[5000], buf[4096];
        const char *line;
        int here;

        fake_journal_clear();
        fake_journal_on();
        here = __LINE__ + 1;
        log_event(AUDIT_SEALED, FIELDS(field_number("SEAL_SEQ", UINT64_MAX), field_text("SEAL_HASH", "ab")), "seal %d",
                  7);
        line = fake_journal_line(0);
        assert_non_null(line);
        field_is(line, "MESSAGE", "seal 7");
        field_is(line, "PRIORITY", "6");
        field_is(line, "MESSAGE_ID", journal_events[EVENT_AUDIT_SEALED].id);
        field_is(line, "SEAL_SEQ", "18446744073709551615");
        field_is(line, "SEAL_HASH", "ab");
        field_is(line, "CODE_FUNC", __func__);
        field_is(line, "CODE_FILE", __FILE__);
        (void)snprintf(number, sizeof(number), "%d", here);
        field_is(line, "CODE_LINE", number);
        /* What is not known is left out; a line that is no event has no id. */
        log_with(LOG_WARNING,
                 FIELDS(field_text("SESSION", NULL), field_known("CARD_SERIAL", 0), field_errno(0),
                        field_number("RECORDS", 0)),
                 "text");
        line = fake_journal_line(1);
        field_is(line, "PRIORITY", "4");
        field_is(line, "RECORDS", "0");
        assert_false(fake_journal_has(line, "MESSAGE_ID"));
        assert_false(fake_journal_has(line, "SESSION"));
        assert_false(fake_journal_has(line, "CARD_SERIAL"));
        assert_false(fake_journal_has(line, "ERRNO"));
        assert_int_equal(returns_its_error(&here), -EACCES);
        line = fake_journal_line(2);
        field_is(line, "MESSAGE", "file: Permission denied; do this");
        field_is(line, "ERRNO", "13");
        field_is(line, "CODE_FUNC", "returns_its_error");
        (void)snprintf(number, sizeof(number), "%d", here);
        field_is(line, "CODE_LINE", number);
        /* As many fields as there may be, and texts that are too long. */
        memset(long_text, 'x', sizeof(long_text));
        long_text[sizeof(long_text) - 1] = '\0';
        log_event(STIMULATOR_GONE,
                  FIELDS(field_text("SESSION", long_text), field_number("CARD_SERIAL", 1), field_number("RECORDS", 2),
                         field_number("SEAL_SEQ", 3), field_number("CUT_BYTES", 4), field_number("KEY_NUMBER", 5),
                         field_errno(-6), field_number("CALLER_UID", 7)),
                  "%s", long_text);
        line = fake_journal_line(3);
        field_is(line, "CALLER_UID", "7");
        field_is(line, "ERRNO", "6");
        (void)fake_journal_field(line, "MESSAGE", buf, sizeof(buf));
        assert_int_equal(strspn(buf, "x"), strlen(buf));
        assert_true(strlen(buf) > 2000);
        (void)fake_journal_field(line, "SESSION", buf, sizeof(buf));
        assert_int_equal(strspn(buf, "x"), strlen(buf));
        assert_true(strlen(buf) >= 255);
        assert_null(fake_journal_line(4));
        /* Without the journal it goes to standard error alone. */
        assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
        log_info("a line on standard error");
        assert_null(fake_journal_line(4));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_list),
                        cmocka_unit_test(test_catalog),
                        cmocka_unit_test_setup_teardown(test_catalog_as_systemd_reads_it, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test(test_manual),
                        cmocka_unit_test(test_line),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
