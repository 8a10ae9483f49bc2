// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A protocol file says the same to every program and every eye: characters by
 * which one file has two readings are refused wherever they stand, with their
 * place; words of all languages stay.
 */
#include "tms.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

/* %s: where a text under test stands. */
#define FILE_WITH(id, title, percent, pulses, rest)                                                          \
        "format: 1\nid: " id "\ntitle: " title "\nindication: research\ntarget: left M1\ncoil: figure-8\n"   \
        "waveform: biphasic\nstatus: research\nintensity: {reference: rMT, percent: " percent "}\n"          \
        "pattern:\n  train: {pulses: " pulses ", interval: 200 ms}\n  series: {trains: 5, interval: 30 s}\n" \
        "totals: {pulses: 100, trains: 5, first_to_last: 123.8 s}\n" rest

#define ANY(rest) FILE_WITH("a-test", "A test", "90 %%", "20", rest)

static const struct place {
        const char *what, *file;
        bool quoted; /* where what only looks like a space may stand */
} places[] = {
                {"comment", ANY("# a%sb\n"), false},
                {"last character", ANY("# a%s"), false},
                {"double quoted", FILE_WITH("a-test", "\"A%sB\"", "90 %%", "20", ""), true},
                {"single quoted", FILE_WITH("a-test", "'A%sB'", "90 %%", "20", ""), true},
                {"quoted, second line", ANY("notes: \"one\n  two%sthree\"\n"), true},
                {"plain text", FILE_WITH("a-test", "A%sB", "90 %%", "20", ""), false},
                {"literal block", ANY("notes: |\n  one\n  two%s\n"), false},
                {"folded block", ANY("notes: >-\n  one\n  two%s\n"), false},
                {"start of a line", ANY("%snotes: some\n"), false},
                {"a line of its own", ANY("%s\nnotes: some\n"), false},
                {"end of a line", ANY("notes: some%s\nage: {from: 1}\n"), false},
                {"after quotation marks", ANY("notes: \"some\"%s\n"), false},
                {"key", ANY("not%ses: some\n"), false},
                {"quoted key", ANY("\"not%ses\": some\n"), false},
                {"before a colon", ANY("notes%s: some\n"), false},
                {"after a colon", ANY("notes:%ssome\n"), false},
                {"id", FILE_WITH("a-%stest", "A test", "90 %%", "20", ""), false},
                {"number", FILE_WITH("a-test", "A test", "9%s0 %%", "20", ""), false},
                {"before a unit", FILE_WITH("a-test", "A test", "90%s%%", "20", ""), false},
                {"after a number", FILE_WITH("a-test", "A test", "90 %%", "20%s", ""), false},
                {"before a comma", FILE_WITH("a-test", "A test", "90 %%%s, highest: 91 %%", "20", ""), false},
};

/* Formats one argument into a file; returns its size. */
static size_t make(char *buf, size_t size, const char *file, const char *middle)
{
        int n;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        n = snprintf(buf, size, file, middle);
#pragma GCC diagnostic pop
        assert_true(n > 0 && (size_t)n < size);
        return (size_t)n;
}

/* As an editor counts: a line is what ends with LF, a column is a character. */
static void place_of(const char *file, unsigned *ret_line, unsigned *ret_column)
{
        char before[2000];
        size_t n = make(before, sizeof(before), file, "\x01");

        n = strcspn(before, "\x01");
        *ret_line = *ret_column = 1;
        for (size_t i = 0; i < n; i++) {
                (*ret_column)++;
                if (before[i] == '\n') {
                        (*ret_line)++;
                        *ret_column = 1;
                }
        }
}

static int parse(const char *text, size_t size, struct tms_protocol **ret, struct tms_error *e)
{
        char *copy = malloc(size);
        int r;

        /* In memory of its own, so that a read behind its end is seen. */
        assert_non_null(copy);
        memcpy(copy, text, size);
        *ret = NULL;
        *e = (struct tms_error){};
        r = tms_protocol_parse("f", copy, size, ret, e);
        free(copy);
        return r;
}

static void encode(unsigned code, char ret[5])
{
        memset(ret, 0, 5);
        if (code < 0x80)
                ret[0] = (char)code;
        else if (code < 0x800) {
                ret[0] = (char)(0xc0 | code >> 6);
                ret[1] = (char)(0x80 | (code & 0x3f));
        } else if (code < 0x10000) {
                ret[0] = (char)(0xe0 | code >> 12);
                ret[1] = (char)(0x80 | (code >> 6 & 0x3f));
                ret[2] = (char)(0x80 | (code & 0x3f));
        } else {
                ret[0] = (char)(0xf0 | code >> 18);
                ret[1] = (char)(0x80 | (code >> 12 & 0x3f));
                ret[2] = (char)(0x80 | (code >> 6 & 0x3f));
                ret[3] = (char)(0x80 | (code & 0x3f));
        }
}

/* Refused at its own place, with its code and what to do; words NULL: whatever else. */
static void refused(const struct place *place, unsigned code, const char *words)
{
        char text[2000], character[5], number[16];
        struct tms_protocol *p;
        struct tms_error e;
        unsigned line, column;
        size_t size;

        encode(code, character);
        size = make(text, sizeof(text), place->file, character);
        if (parse(text, size, &p, &e) >= 0)
                fail_msg("U+%04X is accepted: %s", code, place->what);
        assert_null(p);
        place_of(place->file, &line, &column);
        snprintf(number, sizeof(number), "U+%04X", code);
        if (e.line != line || e.column != column || !strstr(e.message, number) || !strstr(e.message, "expected") ||
            (words && !strstr(e.message, words)))
                fail_msg("U+%04X, %s, at %u:%u: got %u:%u: %s", code, place->what, line, column, e.line, e.column,
                         e.message);
}

/* Anywhere in the file. */
static const struct {
        unsigned first, last;
        const char *words;
} never[] = {
                {0x01, 0x08, "control"},
                {0x0b, 0x0b, "LINE TABULATION"},
                {0x0c, 0x0c, "FORM FEED"},
                {0x0d, 0x0d, "CARRIAGE RETURN"},
                {0x0e, 0x1a, "control"},
                {0x1b, 0x1b, "ESCAPE"},
                {0x1c, 0x1f, "control"},
                {0x7f, 0x7f, "DELETE"},
                {0x80, 0x84, "control"},
                {0x85, 0x85, "NEXT LINE"},
                {0x86, 0x9a, "control"},
                {0x9b, 0x9b, "CONTROL SEQUENCE INTRODUCER"},
                {0x9c, 0x9f, "control"},
                {0xad, 0xad, "SOFT HYPHEN"},
                {0x34f, 0x34f, "COMBINING GRAPHEME JOINER"},
                {0x378, 0x378, "Unicode 15.0 does not know"},
                {0x61c, 0x61c, "ARABIC LETTER MARK"},
                {0x115f, 0x1160, "FILLER"},
                {0x17b4, 0x17b5, "cannot be seen"},
                {0x180b, 0x180f, "cannot be seen"},
                {0x200b, 0x200b, "ZERO WIDTH SPACE"},
                {0x200c, 0x200c, "ZERO WIDTH NON-JOINER"},
                {0x200d, 0x200d, "ZERO WIDTH JOINER"},
                {0x200e, 0x200e, "LEFT-TO-RIGHT MARK"},
                {0x200f, 0x200f, "RIGHT-TO-LEFT MARK"},
                {0x2028, 0x2028, "LINE SEPARATOR"},
                {0x2029, 0x2029, "PARAGRAPH SEPARATOR"},
                {0x202a, 0x202e, "order in which the line is shown"},
                {0x2060, 0x2060, "WORD JOINER"},
                {0x2061, 0x2065, "cannot be seen"},
                {0x2066, 0x206f, "order in which the line is shown"},
                {0x2800, 0x2800, "BRAILLE PATTERN BLANK"},
                {0x3164, 0x3164, "HANGUL FILLER"},
                {0xe000, 0xe003, "private use"},
                {0xf8ff, 0xf8ff, "private use"},
                {0xfe00, 0xfe0f, "variation selector"},
                {0xfeff, 0xfeff, "byte order mark"},
                {0xffa0, 0xffa0, "HALFWIDTH HANGUL FILLER"},
                {0xfff0, 0xfffb, "cannot be seen"},
                {0x13430, 0x1343f, "cannot be seen"},
                {0x1bca0, 0x1bca3, "cannot be seen"},
                {0x1d159, 0x1d159, "cannot be seen"},
                {0x1d173, 0x1d17a, "cannot be seen"},
                {0x1ffff - 2, 0x1ffff - 2, "Unicode 15.0 does not know"},
                {0x40000, 0x40000, "Unicode 15.0 does not know"},
                {0xe0001, 0xe0001, "tag"},
                {0xe0020, 0xe007f, "tag"},
                {0xe0100, 0xe0101, "variation selector"},
                {0xe01ef, 0xe01f0, "cannot be seen"},
                {0xf0000, 0xf0000, "private use"},
                {0xffffd, 0xffffd, "private use"},
                {0x100000, 0x100000, "private use"},
                {0x10fffd, 0x10fffd, "private use"},
};

static void test_refused_wherever_it_stands(void **state)
{
        for (size_t i = 0; i < ELEMENTS(never); i++)
                for (unsigned code = never[i].first; code <= never[i].last; code++)
                        for (size_t k = 0; k < ELEMENTS(places); k++) {
                                /* CR before LF ends a line. */
                                if (code == '\r' && strstr(places[k].file, "%s\n"))
                                        continue;
                                refused(&places[k], code, never[i].words);
                        }
}

static const unsigned spaces[] = {0xa0,   0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005,
                                  0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x202f, 0x205f, 0x3000};

static void test_odd_spaces_only_in_quotes(void **state)
{
        for (size_t i = 0; i < ELEMENTS(spaces); i++)
                for (size_t k = 0; k < ELEMENTS(places); k++) {
                        char text[2000], character[5];
                        struct tms_protocol *p;
                        struct tms_error e;
                        size_t size;

                        if (!places[k].quoted) {
                                refused(&places[k], spaces[i], NULL);
                                continue;
                        }
                        encode(spaces[i], character);
                        size = make(text, sizeof(text), places[k].file, character);
                        if (parse(text, size, &p, &e) < 0)
                                fail_msg("U+%04X, %s: %s", spaces[i], places[k].what, e.message);
                        assert_non_null(strstr(tms_protocol_text(p, NULL), character));
                        tms_protocol_free(p);
                }
}

/* The value's own place; the sentence names the character that is not what it looks like. */
static void test_look_alikes(void **state)
{
        static const struct {
                const char *file, *key, *words;
                unsigned line, column;
        } cases[] = {
                        {FILE_WITH("a", "t", "90 %%", "２０", ""), "pattern.train.pulses", "U+FF12 (a fullwidth form)",
                         11, 19},
                        {FILE_WITH("a", "t", "90 %%", "2٠", ""), "pattern.train.pulses", "U+0660 (an Arabic digit)", 11,
                         19},
                        {FILE_WITH("a", "t", "9𝟎 %%", "20", ""), "intensity.percent",
                         "U+1D7CE (a letter or digit of mathematics)", 9, 38},
                        {FILE_WITH("a", "t", "90 ％", "20", ""), "intensity.percent", "U+FF05 (a fullwidth form)", 9,
                         38},
                        {FILE_WITH("a", "t", "90 ٪", "20", ""), "intensity.percent", "U+066A (ARABIC PERCENT SIGN)", 9,
                         38},
                        {FILE_WITH("a", "t", "90․5 %%", "20", ""), "intensity.percent",
                         "U+2024 (dots that are not a full stop)", 9, 38},
                        {FILE_WITH("a", "t", "90 %%, \"highest\": '1⁄1 %%'", "20", ""), "intensity.highest",
                         "U+2044 (FRACTION SLASH)", 9, 55},
                        {FILE_WITH("a", "t", "\"90\u00a0%%\"", "20", ""), "intensity.percent",
                         "U+00A0 (NO-BREAK SPACE)", 9, 38},
                        {FILE_WITH("а", "t", "90 %%", "20", ""), "id", "U+0430 (a Cyrillic letter)", 2, 5},
                        {FILE_WITH("a‐b", "t", "90 %%", "20", ""), "id",
                         "U+2010 (a dash that is not the hyphen of a keyboard)", 2, 5},
                        {FILE_WITH("a", "t", "90 %%, highеst: 95 %%", "20", ""), "", "U+0435 (a Cyrillic letter)", 9,
                         48},
                        {FILE_WITH("a", "t", "90 %%, ｈighest: 95 %%", "20", ""), "", "U+FF48 (a fullwidth form)", 9,
                         44},
                        {FILE_WITH("a", "t", "90 %%, \"highe\u0301st\": 95 %%", "20", ""), "",
                         "U+0301 (a combining mark)", 9, 50},
                        {FILE_WITH("a", "t", "90 %%", "20, duration: 4 ѕ", ""), "pattern.train.duration",
                         "U+0455 (a Cyrillic letter)", 11, 33},
                        {FILE_WITH("a", "t", "90 %%", "20, duration: 4000 μs", ""), "pattern.train.duration",
                         "U+03BC (a Greek letter)", 11, 33},
                        {FILE_WITH("a", "t", "90 %%", "20", "verified: fаlse\n"), "verified",
                         "U+0430 (a Cyrillic letter)", 14, 11},
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                char text[2000];
                struct tms_protocol *p;
                struct tms_error e;
                size_t size = make(text, sizeof(text), cases[i].file, "");

                assert_int_equal(parse(text, size, &p, &e), -EINVAL);
                if (strcmp(e.key, cases[i].key) != 0 || e.line != cases[i].line || e.column != cases[i].column ||
                    !strstr(e.message, cases[i].words) || !strstr(e.message, "expected"))
                        fail_msg("%zu: %u:%u: %s: %s", i, e.line, e.column, e.key, e.message);
        }
}

/* What the file's bytes do not have, an escape must not bring in. */
static void test_escapes(void **state)
{
        static const struct {
                const char *escape, *words;
        } cases[] = {
                        {"\\0", "U+0000"},           {"\\a", "U+0007"},          {"\\b", "U+0008"},
                        {"\\t", "U+0009"},           {"\\v", "U+000B"},          {"\\f", "U+000C"},
                        {"\\r", "U+000D"},           {"\\e", "U+001B"},          {"\\N", "U+0085"},
                        {"\\L", "U+2028"},           {"\\P", "U+2029"},          {"\\x00", "U+0000"},
                        {"\\x1b", "U+001B"},         {"\\x7f", "U+007F"},        {"\\x85", "U+0085"},
                        {"\\x9b", "U+009B"},         {"\\u2028", "U+2028"},      {"\\u202e", "U+202E"},
                        {"\\u2066", "U+2066"},       {"\\u200b", "U+200B"},      {"\\ufeff", "U+FEFF"},
                        {"\\u115f", "U+115F"},       {"\\ue000", "U+E000"},      {"\\ufe0f", "U+FE0F"},
                        {"\\ufffe", "no character"}, {"\\U000e0041", "U+E0041"}, {"\\U00040000", "U+40000"},
        };
        static const char *const files[] = {
                        FILE_WITH("a", "\"A%sB\"", "90 %%", "20", ""),
                        ANY("notes: \"A%sB\"\n"),
                        ANY("citations:\n  - {text: \"A%sB\", supports: s, basis: code, verified: false}\n"
                            "verified: false\n"),
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                for (size_t k = 0; k < ELEMENTS(files); k++) {
                        char text[2000];
                        struct tms_protocol *p;
                        struct tms_error e;
                        size_t size = make(text, sizeof(text), files[k], cases[i].escape);

                        if (parse(text, size, &p, &e) >= 0)
                                fail_msg("%s is accepted", cases[i].escape);
                        if (!strstr(e.message, cases[i].words) || !strstr(e.message, "expected"))
                                fail_msg("%s: %s", cases[i].escape, e.message);
                }
}

/* A key or a number is what its letters and digits say, without escapes. */
static void test_escaped_keys_and_numbers(void **state)
{
        static const struct {
                const char *file;
                unsigned line, column;
        } cases[] = {
                        {FILE_WITH("a", "t", "90 %%, \"highest\\0 as published\": 150 %%", "20", ""), 9, 52},
                        {FILE_WITH("a", "t", "90 %%, \"high\\x65st\": 150 %%", "20", ""), 9, 49},
                        {FILE_WITH("a", "t", "\"\\x31\\x32\\x30 %%\"", "20", ""), 9, 38},
                        {FILE_WITH("a", "t", "\"12\\\n  0 %%\"", "20", ""), 9, 38},
                        {FILE_WITH("a", "t", "90 %%", "\"\\x32\\x30\"", ""), 11, 19},
                        {FILE_WITH("a", "t", "90 %%", "20, duration: \"4\\x20s\"", ""), 11, 33},
                        {FILE_WITH("\"\\x61\"", "t", "90 %%", "20", ""), 2, 5},
                        {FILE_WITH("a", "t", "90 %%", "20", "verified: \"\\x66alse\"\n"), 14, 11},
                        {FILE_WITH("a", "t\ntarget: \"\\x61\"\ncoil: \"H\\x31\"\n#", "90 %%", "20", ""), 5, 7},
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                char text[2000];
                struct tms_protocol *p;
                struct tms_error e;
                size_t size = make(text, sizeof(text), cases[i].file, "");

                assert_int_equal(parse(text, size, &p, &e), -EINVAL);
                /* The last one has keys twice; the first of two mistakes counts. */
                if (i < ELEMENTS(cases) - 1 &&
                    (e.line != cases[i].line || e.column != cases[i].column || !strstr(e.message, "\"\\\"")))
                        fail_msg("%zu: %u:%u: %s: %s", i, e.line, e.column, e.key, e.message);
        }
}

static void title_is(const char *file, const char *title)
{
        struct tms_protocol *p;
        struct tms_error e;
        char text[2000];
        size_t size = make(text, sizeof(text), file, "");

        if (parse(text, size, &p, &e) < 0)
                fail_msg("%s: %s", title, e.message);
        assert_string_equal(tms_protocol_title(p), title);
        assert_int_equal(tms_protocol_percent_permille(p), 900);
        assert_int_equal(tms_protocol_pulses(p), 100);
        tms_protocol_free(p);
}

#define TITLE(t) title_is(FILE_WITH("a", t, "90 %%", "20", "# " t "\nnotes: >-\n  " t "\n  " t "\n"), t)

/* What people write stays as they wrote it: quoted, plain, in a block, in a comment. */
static void test_words_of_all_languages_stay(void **state)
{
        TITLE("Übererregbarkeit – 50 µs, ≤ 120 Percent, Ørsted & Æsir, “zitiert”, 25 °C ± 1, ½, Ω, €");
        TITLE("Dépression unipolaire, cortex préfrontal dorsolatéral gauche");
        TITLE("e\u0301 with a combining accent");
        TITLE("経頭蓋磁気刺激 左背外側前頭前野（ＴＭＳ）");
        TITLE("重复经颅磁刺激、抑郁症");
        TITLE("경두개 자기 자극");
        TITLE("Транскраниальная магнитная стимуляция");
        TITLE("Διακρανιακός μαγνητικός ερεθισμός");
        TITLE("גירוי מגנטי");
        TITLE("تحفيز مغناطيسي");
        TITLE("चुंबकीय उत्तेजना");
        TITLE("🧠 ⚡");
        title_is(FILE_WITH("a", "\"caf\\xe9, \\u00b5s, \\\"90 %%\\\", \\\\ and 120\\_%%\"", "90 %%", "20", ""),
                 "café, µs, \"90 %\", \\ and 120\u00a0%");
}

/* Two lines in a title would look like a title and something else. */
static void test_one_line_texts(void **state)
{
        static const char *const files[] = {
                        FILE_WITH("a", "\"A\\nverdict: allowed\"", "90 %%", "20", ""),
                        FILE_WITH("a", "|\n  A\n  verdict", "90 %%", "20", ""),
                        FILE_WITH("a", "\"A\n\n  verdict\"", "90 %%", "20", ""),
                        FILE_WITH("a", "A\n\n  verdict", "90 %%", "20", ""),
                        FILE_WITH("a", "\"\\n\"", "90 %%", "20", ""),
                        FILE_WITH("a", "\"\\nA\"", "90 %%", "20", ""),
                        FILE_WITH("a", "t", "90 %%, muscle: \"A\\nB\"", "20", ""),
                        "format: 1\nid: a\ntitle: t\nindication: \"A\\nB\"\n",
                        "format: 1\nid: a\ntitle: t\nindication: i\ntarget: \"A\\nB\"\n",
                        "format: 1\nid: \"a\\nb\"\n",
                        "format: 1\nid: a\ntitle: t\nindication: i\ntarget: t\ncoil: any\nwaveform: biphasic\nstatus: "
                        "research\nintensity: {reference: rMT, percent: 90 %%}\nlegs:\n  - {name: \"A\\nB\", target: "
                        "t, "
                        "pattern: {}}\n  - {name: B, target: t, pattern: {}}\n",
                        "format: 1\nid: a\ntitle: t\nindication: i\ntarget: t\ncoil: any\nwaveform: biphasic\nstatus: "
                        "research\nintensity: {reference: rMT, percent: 90 %%}\nlegs:\n  - {name: A, target: "
                        "\"A\\nB\", "
                        "pattern: {}}\n  - {name: B, target: t, pattern: {}}\n",
        };

        for (size_t i = 0; i < ELEMENTS(files); i++) {
                char text[2000];
                struct tms_protocol *p;
                struct tms_error e;
                size_t size = make(text, sizeof(text), files[i], "");

                assert_int_equal(parse(text, size, &p, &e), -EINVAL);
                if (!strstr(e.message, "more than one line; expected one line") && !strstr(e.message, "text is blank"))
                        fail_msg("%zu: %s: %s", i, e.key, e.message);
        }
        /* One line is one, however it is written down. */
        title_is(FILE_WITH("a", "|\n  A title", "90 %%", "20", ""), "A title");
        title_is(FILE_WITH("a", ">-\n  A\n  title", "90 %%", "20", ""), "A title");
        title_is(FILE_WITH("a", "\"A\n  title\"", "90 %%", "20", ""), "A title");
}

/* Behind the window's edge nobody looks. */
static void test_out_of_sight(void **state)
{
        static const char *const blanks[] = {" ", "\u00a0", "\u3000"};

        for (size_t i = 0; i < ELEMENTS(blanks); i++)
                for (unsigned n = 100; n <= 101; n++) {
                        char run[500] = "", text[2000];
                        struct tms_protocol *p;
                        struct tms_error e;
                        size_t size;

                        for (unsigned k = 0; k < n; k++)
                                strcat(run, blanks[i]);
                        size = make(text, sizeof(text), ANY("notes: \"x%s\"\n"), run);
                        if (n == 100) {
                                assert_int_equal(parse(text, size, &p, &e), 0);
                                tms_protocol_free(p);
                                continue;
                        }
                        assert_int_equal(parse(text, size, &p, &e), -EINVAL);
                        assert_non_null(strstr(e.message, "out of sight; expected at most 100"));
                        assert_int_equal(e.line, 14);
                        assert_int_equal(e.column, 9 + 101 + 1);
                        /* With nothing behind it, nothing is hidden. */
                        size = make(text, sizeof(text), ANY("notes: x%s\n"), i ? "" : run);
                        assert_int_equal(parse(text, size, &p, &e), 0);
                        tms_protocol_free(p);
                }
}

/* Forms in which readers of YAML 1.1, YAML 1.2 and people may see different things: refused, or 90 % of 20 pulses. */
static void test_forms_with_one_reading(void **state)
{
        static const struct {
                const char *percent, *pulses;
        } refused_numbers[] = {
                        {"0120 %%", "20"},
                        {"1:30 %%", "20"},
                        {"1_00 %%", "20"},
                        {"0x5a %%", "20"},
                        {".5 %%", "20"},
                        {"9e1 %%", "20"},
                        {"+90 %%", "20"},
                        {"9.0e+1 %%", "20"},
                        {".inf %%", "20"},
                        {"0o132 %%", "20"},
                        {"0b1011010 %%", "20"},
                        {"90. %%", "20"},
                        {"90 %%", "024"},
                        {"90 %%", "0:20"},
                        {"90 %%", "2_0"},
                        {"90 %%", "0x14"},
                        {"90 %%", "2e1"},
                        {"90 %%", "20."},
                        {"90 %%", "20.0"},
                        {"90 %%", "+20"},
                        {"90 %%", "0o24"},
                        {"90 %%", "0b10100"},
                        {"90 %%", "!!int 20"},
                        {"!!str 90 %%", "20"},
                        {"! 90 %%", "20"},
                        {"&a 90 %%", "20"},
                        {"*a", "20"},
                        {"90 %%", "~"},
                        {"90 %%", "null"},
                        {"90 %%", ""},
                        {"90 %%", "20#"},
                        {"90 %% #", "20"},
                        {"9\n  0 %%", "20"},
                        {"90 %%", "2\n  0"},
                        {"90 %%", "[20]"},
                        {"90 %%", "{20}"},
                        {"90 %%, percent: 120 %%", "20"},
                        {"90 %%, \"percent\": 120 %%", "20"},
                        {"90 %%, 'percent': 120 %%", "20"},
                        {"90 %%, ? percent : 120 %%", "20"},
                        {"90 %%, <<: {percent: 120 %%}", "20"},
                        {"90 %%, =: 120 %%", "20"},
        };
        static const char *const refused_files[] = {
                        "%%YAML 1.1\n---\n" ANY(""),
                        "%%YAML 1.2\n---\n" ANY(""),
                        "%%TAG ! tag:x,2000:\n---\n" ANY(""),
                        "%%FOO bar\n---\n" ANY(""),
                        "--- !!map\n" ANY(""),
                        "--- &a\n" ANY(""),
                        ANY("---\nformat: 1\n"),
                        ANY("...\nformat: 1\n"),
                        ANY("...\n---\n"),
                        ANY("? |\n  notes\n: x\n"),
                        ANY("? >-\n  notes\n: x\n"),
                        ANY("? [notes]\n: x\n"),
                        ANY("<<: {notes: x}\n"),
                        ANY("<<: *a\n"),
                        ANY("!!str notes: x\n"),
                        ANY("&a notes: x\n"),
                        ANY("notes: x\nnotes: x\n"),
                        ANY("notes: x\n\"notes\": x\n"),
                        ANY("\tnotes: x\n"),
                        ANY("notes:\tx\n"),
                        ANY("notes: x\t# x\n"),
                        ANY("notes: \"x\ty\"\n"),
        };
        static const struct {
                const char *percent, *pulses;
        } readings[] = {
                        {"90 %%", "20"},          {"\"90 %%\"", "'20'"},
                        {"90.0 %%", "20"},        {"90  %%", "20  # twenty\n    "},
                        {"90\n  %%", "\n    20"}, {"90%%", "20"},
        };
        static const char *const files[] = {
                        "---\n" ANY(""),
                        ANY("...\n"),
                        ANY("...\n# no more\n"),
                        ANY("? notes\n: x\n"),
                        "format: 1\nid: a\ntitle: t\nindication: i\ntarget: t\ncoil: any\nwaveform: biphasic\nstatus: "
                        "research\nintensity:\n  reference: >-\n    rMT\n  percent: |-\n    90 %%\n  adjustment: |\n   "
                        " "
                        "reference: rMT\n    percent: 120 %%\npattern: {train: {pulses: 20, interval: 200 ms}, series: "
                        "{trains: 5, interval: 30 s}}\ntotals: {pulses: 100, trains: 5, first_to_last: 123.8 s}\n",
                        "{\"format\": 1, \"id\": \"a\", \"title\": \"t\", \"indication\": \"i\", \"target\": \"t\", "
                        "\"coil\": \"any\", \"waveform\": \"biphasic\", \"status\": \"research\", \"intensity\": "
                        "{\"reference\": \"rMT\", \"percent\": \"90 %%\"}, \"pattern\": {\"train\": {\"pulses\": 20, "
                        "\"interval\": \"200 ms\"}, \"series\": {\"trains\": 5, \"interval\": \"30 s\"}}, \"totals\": "
                        "{\"pulses\": 100, \"trains\": 5, \"first_to_last\": \"123.8 s\"}}\n",
        };
        static const char head[] = "format: 1\nid: a\ntitle: t\nindication: i\ntarget: t\ncoil: any\n"
                                   "waveform: biphasic\nstatus: research\n";
        struct tms_protocol *p;
        struct tms_error e;
        char text[2000];
        size_t size;

        for (size_t i = 0; i < ELEMENTS(refused_numbers) + ELEMENTS(refused_files); i++) {
                const size_t k = i - ELEMENTS(refused_numbers);
                char file[2000];

                if (i < ELEMENTS(refused_numbers))
                        snprintf(file, sizeof(file),
                                 "%sintensity: {reference: rMT, percent: %s}\npattern:\n  train: {pulses: %s, "
                                 "interval: "
                                 "200 ms}\n  series: {trains: 5, interval: 30 s}\ntotals: {pulses: 100, trains: 5, "
                                 "first_to_last: 123.8 s}\n",
                                 head, refused_numbers[i].percent, refused_numbers[i].pulses);
                else
                        snprintf(file, sizeof(file), "%s", refused_files[k]);
                size = make(text, sizeof(text), file, "");
                if (parse(text, size, &p, &e) >= 0)
                        fail_msg("accepted: %s", text);
                assert_true(e.line > 0 && (strstr(e.message, "expected") || strstr(e.message, "used here")));
        }
        for (size_t i = 0; i < ELEMENTS(readings) + ELEMENTS(files); i++) {
                char file[2000];

                if (i < ELEMENTS(readings))
                        snprintf(file, sizeof(file),
                                 "%sintensity: {reference: rMT, percent: %s}\npattern:\n  train: {pulses: %s, "
                                 "interval: "
                                 "200 ms}\n  series: {trains: 5, interval: 30 s}\ntotals: {pulses: 100, trains: 5, "
                                 "first_to_last: 123.8 s}\n",
                                 head, readings[i].percent, readings[i].pulses);
                else
                        snprintf(file, sizeof(file), "%s", files[i - ELEMENTS(readings)]);
                size = make(text, sizeof(text), file, "");
                if (parse(text, size, &p, &e) < 0)
                        fail_msg("%u:%u: %s: %s in %s", e.line, e.column, e.key, e.message, text);
                assert_int_equal(tms_protocol_percent_permille(p), 900);
                assert_int_equal(tms_protocol_highest_permille(p), 900);
                assert_int_equal(tms_protocol_pulses(p), 100);
                tms_protocol_free(p);
        }
}

/* Lines may end in CR LF, and places are the same. */
static void test_windows_lines(void **state)
{
        const char *from = FILE_WITH("a", "t", "90 %", "20", "notes: \"x\n  y\"\nnonsense: 1\n");
        char text[2000], *to = text;
        struct tms_protocol *p;
        struct tms_error e;

        for (; *from; from++) {
                if (*from == '\n')
                        *to++ = '\r';
                *to++ = *from;
        }
        assert_int_equal(parse(text, (size_t)(to - text), &p, &e), -EINVAL);
        assert_string_equal(e.key, "nonsense");
        assert_int_equal(e.line, 16);
        assert_int_equal(e.column, 1);
        assert_int_equal(parse(text, (size_t)(to - text) - strlen("nonsense: 1\r\n"), &p, &e), 0);
        tms_protocol_free(p);
}

/* A file's name, a caller's word: whatever a sentence quotes, it is one line that a terminal shows as it is. */
static void test_sentences_are_one_line(void **state)
{
        static const char evil[] = "a\n\x1b[2Jb\u2028c\u202ed\xc2\x9b"
                                   "e\u200bf\r\tg\x7f\xff\ue000é\u00a0!";
        struct tms_protocol *p = NULL;
        struct tms_error e = {};
        char buf[1024], word[sizeof(evil)];

        assert_int_equal(tms_protocol_parse(evil, "x: 1\n", 5, &p, &e), -EINVAL);
        assert_string_equal(e.file, "a??[2Jb?c?d?e?f??g???é\u00a0!");
        assert_string_equal(tms_error_format(&e, buf, 30), "a??[2Jb?c?d?e?f??g???é\u00a0!:1:");
        assert_int_equal(tms_protocol_find("\x1b[31mred", &p, &e), -EINVAL);
        assert_non_null(strstr(e.message, "\"?[31mred\" cannot be"));
        strcpy(word, evil);
        assert_ptr_equal(tms_text_line(word), word);
        assert_string_equal(word, "a??[2Jb?c?d?e?f??g???é\u00a0!");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_refused_wherever_it_stands),
                        cmocka_unit_test(test_odd_spaces_only_in_quotes),
                        cmocka_unit_test(test_look_alikes),
                        cmocka_unit_test(test_escapes),
                        cmocka_unit_test(test_escaped_keys_and_numbers),
                        cmocka_unit_test(test_words_of_all_languages_stay),
                        cmocka_unit_test(test_one_line_texts),
                        cmocka_unit_test(test_out_of_sight),
                        cmocka_unit_test(test_forms_with_one_reading),
                        cmocka_unit_test(test_windows_lines),
                        cmocka_unit_test(test_sentences_are_one_line),
        };

        return cmocka_run_group_tests_name("characters", tests, NULL, NULL);
}
