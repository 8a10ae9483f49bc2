/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's vtables and org.tmsd1.xml say the same: every member with its
 * signature, its argument names and what is signalled, in both directions.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "course-bus.h"
#include "endings.h"
#include "errors.h"
#include "manager-bus.h"
#include "next-step.h"
#include "scratch.h"
#include "session-bus.h"
#include "stimulator-bus.h"
#include "tms.h"

/* One line a member, such as "method Prepare ssa{sv}:protocol,text,parameters a{sv}:verdict". */
struct lines {
        char text[200][256];
        unsigned n;
};

static void add(struct lines *l, const char *format, ...) _printf_(2, 3);

static void add(struct lines *l, const char *format, ...)
{
        va_list ap;

        assert_true(l->n < ELEMENTS(l->text));
        va_start(ap, format);
        (void)vsnprintf(l->text[l->n++], sizeof(l->text[0]), format, ap);
        va_end(ap);
}

/* --- From the vtable ------------------------------------------------------------------------- */

/* The macros leave NULL where there are no arguments. */
static const char *or_empty(const char *s)
{
        return s ? s : "";
}

/* Complete types in a signature. */
static unsigned count_types(const char *s)
{
        unsigned n = 0;
        int depth = 0;

        for (; *s; s++) {
                if (*s == '(' || *s == '{')
                        depth++;
                if (*s == ')' || *s == '}')
                        depth--;
                if (depth == 0 && *s != 'a')
                        n++;
        }
        return n;
}

static const char *take_names(const char *names, unsigned n, char *buf, size_t size)
{
        buf[0] = '\0';
        while (n-- > 0) {
                strncat(buf, names, size - strlen(buf) - 1);
                if (n > 0)
                        strncat(buf, ",", size - strlen(buf) - 1);
                names += strlen(names) + 1;
        }
        return names;
}

static void from_vtable(struct lines *l, const sd_bus_vtable *v)
{
        char in[128], out[128];

        for (; v->type != _SD_BUS_VTABLE_END; v++) {
                if (v->type == _SD_BUS_VTABLE_METHOD) {
                        const char *rest = take_names(v->x.method.names, count_types(or_empty(v->x.method.signature)),
                                                      in, sizeof(in));

                        (void)take_names(rest, count_types(or_empty(v->x.method.result)), out, sizeof(out));
                        add(l, "method %s %s:%s %s:%s", v->x.method.member, or_empty(v->x.method.signature), in,
                            or_empty(v->x.method.result), out);
                } else if (v->type == _SD_BUS_VTABLE_SIGNAL) {
                        (void)take_names(v->x.signal.names, count_types(or_empty(v->x.signal.signature)), in,
                                         sizeof(in));
                        add(l, "signal %s %s:%s", v->x.signal.member, or_empty(v->x.signal.signature), in);
                } else if (v->type == _SD_BUS_VTABLE_PROPERTY) {
                        add(l, "property %s %s %s", v->x.property.member, v->x.property.signature,
                            v->flags & SD_BUS_VTABLE_PROPERTY_CONST          ? "const"
                            : v->flags & SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE ? "signalled"
                                                                             : "not signalled");
                }
        }
}

/* --- From the XML: one element after the other, which is all that file needs ------------------- */

static void attribute(const char *tag, const char *name, char *buf, size_t size)
{
        char key[32];
        const char *p, *end;

        (void)snprintf(key, sizeof(key), " %s=\"", name);
        buf[0] = '\0';
        end = strchr(tag, '>');
        p = strstr(tag, key);
        if (!p || p > end)
                return;
        p += strlen(key);
        (void)snprintf(buf, size, "%.*s", (int)strcspn(p, "\""), p);
}

/* The arguments of one direction up to the end of the member. */
static void arguments(const char *p, const char *end, bool out, char *buf, size_t size)
{
        char types[128] = "", names[128] = "", name[64], type[64], direction[8];

        while ((p = strstr(p, "<arg")) && p < end) {
                attribute(p, "name", name, sizeof(name));
                attribute(p, "type", type, sizeof(type));
                attribute(p, "direction", direction, sizeof(direction));
                p++;
                if (STREQ(direction, "out") != out)
                        continue;
                strcat(types, type);
                if (*names)
                        strcat(names, ",");
                strcat(names, name);
        }
        (void)snprintf(buf, size, "%s:%s", types, names);
}

static bool starts(const char *p, const char *with)
{
        return strncmp(p, with, strlen(with)) == 0;
}

static void from_xml(struct lines *l, const char *xml, const char *interface)
{
        char want[64], name[64], type[64], in[300], out[300];
        const char *p, *end, *note;

        (void)snprintf(want, sizeof(want), "<interface name=\"%s\">", interface);
        p = strstr(xml, want);
        assert_non_null(p);
        end = strstr(p, "</interface>");
        assert_non_null(end);
        while ((p = strchr(p + 1, '<')) && p < end) {
                const char *tag_end = strchr(p, '>'), *close;

                if (starts(p, "<!--")) {
                        p = strstr(p, "-->");
                        continue;
                }
                attribute(p, "name", name, sizeof(name));
                if (starts(p, "<property ")) {
                        attribute(p, "type", type, sizeof(type));
                        /* Its comment stands behind it, on the same line. */
                        note = starts(tag_end, "><!-- ") ? tag_end + 6 : "";
                        add(l, "property %s %s %s", name, type,
                            starts(note, "const") ? "const"
                            : strstr(note, "not signalled") && strstr(note, "not signalled") < strchr(note, '\n')
                                            ? "not signalled"
                                            : "signalled");
                } else if (starts(p, "<method ") || starts(p, "<signal ")) {
                        bool method = p[1] == 'm';

                        close = tag_end[-1] == '/' ? tag_end : strstr(p, method ? "</method>" : "</signal>");
                        arguments(p, close, false, in, sizeof(in));
                        arguments(p, close, true, out, sizeof(out));
                        if (method)
                                add(l, "method %s %s %s", name, in, out);
                        else
                                add(l, "signal %s %s", name, in);
                        p = close;
                }
        }
}

static bool has(const struct lines *l, const char *line)
{
        unsigned i;

        for (i = 0; i < l->n; i++) {
                if (STREQ(l->text[i], line))
                        return true;
        }
        return false;
}

static void compare(const char *interface, const sd_bus_vtable *vtable)
{
        struct lines *code = calloc(1, sizeof(*code)), *document = calloc(1, sizeof(*document));
        char *xml = scratch_read(SOURCE_DIR "/daemon", "org.tmsd1.xml", NULL);
        unsigned i, differ = 0;

        from_vtable(code, vtable);
        from_xml(document, xml, interface);
        for (i = 0; i < code->n; i++) {
                if (!has(document, code->text[i])) {
                        print_error("only in the daemon: %s: %s\n", interface, code->text[i]);
                        differ++;
                }
        }
        for (i = 0; i < document->n; i++) {
                if (!has(code, document->text[i])) {
                        print_error("only in the XML: %s: %s\n", interface, document->text[i]);
                        differ++;
                }
        }
        assert_int_equal(differ, 0);
        assert_true(code->n >= 8);
        free(xml);
        free(code);
        free(document);
}

static void test_manager(void **state)
{
        compare("org.tmsd1.Manager", manager_vtable);
}

static void test_stimulator(void **state)
{
        compare("org.tmsd1.Stimulator", stimulator_vtable);
}

static void test_session(void **state)
{
        compare("org.tmsd1.Session", session_vtable);
}

static void test_course(void **state)
{
        compare("org.tmsd1.Course", course_vtable);
}

/* --- What a property may say ------------------------------------------------------------------------ */

/* The daemon's sources, one at each call, which frees the text of the one before; false after the last. *i: 0 at first. */
static bool next_source(glob_t *files, size_t *i, const char **name, char **text)
{
        if (*i == 0) {
                assert_int_equal(glob(SOURCE_DIR "/daemon/*.c", 0, NULL, files), 0);
                assert_int_equal(glob(SOURCE_DIR "/daemon/*/*.c", GLOB_APPEND, NULL, files), 0);
        } else {
                free(*text);
        }
        if (*i == files->gl_pathc) {
                globfree(files);
                return false;
        }
        *name = files->gl_pathv[*i] + strlen(SOURCE_DIR "/daemon/");
        *text = scratch_read(SOURCE_DIR "/daemon", *name, NULL);
        ++*i;
        return true;
}

/* The first literal of each call of that function in the daemon's sources: how many are no word of the document. */
static unsigned not_said(const char *function, const char *document, unsigned *n_said)
{
        unsigned differ = 0;
        const char *name;
        size_t i = 0;
        glob_t files;
        char *text;

        while (next_source(&files, &i, &name, &text)) {
                const char *p = text;

                while ((p = strstr(p, function))) {
                        char word[64];
                        const char *at = document;

                        p += strcspn(p, "\";{");
                        if (*p != '"' || p[1] == '%')
                                continue;
                        (void)snprintf(word, sizeof(word), " %.*s", (int)strcspn(p + 1, "\""), p + 1);
                        while ((at = strstr(at, word)) && !strchr(", \n", at[strlen(word)]))
                                at++;
                        *n_said += at != NULL;
                        differ += at == NULL;
                        if (!at)
                                print_error("%s: %s%s is not documented\n", name, function, word);
                }
        }
        return differ;
}

static void test_end_reasons(void **state)
{
        char *xml = scratch_read(SOURCE_DIR "/daemon", "org.tmsd1.xml", NULL);
        char *begin = strstr(xml, "name=\"EndReason\""), *end;
        unsigned n = 0, differ;

        assert_non_null(begin);
        end = strstr(begin, "-->");
        assert_non_null(end);
        *end = '\0';
        assert_non_null(strstr(begin, tms_cause_name(TMS_CAUSE_COMPLETE)));
        differ = not_said("session_end(", begin, &n);
        assert_int_equal(differ, 0);
        assert_true(n >= 2);
        for (size_t i = 0; i < ENDINGS; i++) {
                char word[64];

                assert_true(snprintf(word, sizeof(word), " %s,", endings[i].reason) < (int)sizeof(word));
                if (!strstr(begin, word))
                        fail_msg("not documented:%s", word);
                /* And whoever reads the text knows what to do next. */
                tells_next_step(endings[i].text);
        }
        free(xml);
}

/* Text that says of each error what it means: a line begins with the name, behind four spaces. */
static unsigned errors_of(char *xml, char names[static 64][64])
{
        char *begin = strstr(xml, "Errors: org.tmsd1.Error."), *end;
        unsigned n = 0;

        assert_non_null(begin);
        end = strstr(begin, "-->");
        assert_non_null(end);
        *end = '\0';
        while ((begin = strstr(begin, "\n    "))) {
                size_t size;

                begin += strlen("\n    ");
                size = strspn(begin, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
                /* Other lines go on with what the one before has begun. */
                if (size == 0)
                        continue;
                assert_true(n < 64 && size < 64 && begin[size] == ' ');
                (void)snprintf(names[n++], 64, "%.*s", (int)size, begin);
        }
        return n;
}

#define ERROR_ROW(error, text) {error, #error, text},

static void test_errors(void **state)
{
        static const struct {
                enum error error;
                const char *constant, *name;
        } list[] = {FOR_EACH_ERROR(ERROR_ROW)};
        bool documented[ELEMENTS(list)] = {false}, used[ELEMENTS(list)] = {false};
        char *xml = scratch_read(SOURCE_DIR "/daemon", "org.tmsd1.xml", NULL), *text, full[96];
        char names[64][64];
        const char *name;
        unsigned i, k, n = errors_of(xml, names), differ = 0;
        size_t at = 0;
        glob_t files;

        assert_int_equal(ELEMENTS(list), ERRORS - 1);
        for (i = 0; i < n; i++) {
                for (k = 0; k < ELEMENTS(list) && !STREQ(names[i], list[k].name); k++)
                        ;
                if (k < ELEMENTS(list) && !documented[k]) {
                        documented[k] = true;
                } else {
                        print_error("only in the XML, or twice: %s\n", names[i]);
                        differ++;
                }
        }
        while (next_source(&files, &at, &name, &text)) {
                if (starts(name, "tmsctl/"))
                        continue;
                for (k = 0; k < ELEMENTS(list); k++) {
                        const char *word = strstr(text, list[k].constant);

                        used[k] |= word && !strchr("_ABCDEFGHIJKLMNOPQRSTUVWXYZ", word[strlen(list[k].constant)]);
                }
        }
        for (k = 0; k < ELEMENTS(list); k++) {
                (void)snprintf(full, sizeof(full), "org.tmsd1.Error.%s", list[k].name);
                assert_string_equal(error_bus_name(list[k].error), full);
                assert_string_equal(error_name(list[k].error), list[k].name);
                if (!documented[k])
                        print_error("only in errors.h: %s\n", list[k].name);
                if (!used[k])
                        print_error("nothing is refused with %s\n", list[k].name);
                differ += !documented[k] + !used[k];
        }
        assert_int_equal(differ, 0);
        free(xml);
}

/* --- Who is served when -------------------------------------------------------------------------------- */

/* Every method has its row in the table of admission.c: one that is misspelt there would wait with all others. */
static unsigned without_row(const char *table, const char *interface, const sd_bus_vtable *v)
{
        unsigned n = 0;
        char row[96];

        for (; v->type != _SD_BUS_VTABLE_END; v++) {
                if (v->type != _SD_BUS_VTABLE_METHOD)
                        continue;
                (void)snprintf(row, sizeof(row), "{%s, \"%s\", ", interface, v->x.method.member);
                if (!strstr(table, row)) {
                        print_error("no row: %s\n", row);
                        n++;
                }
        }
        return n;
}

static void test_admission(void **state)
{
        char *table = scratch_read(SOURCE_DIR "/daemon", "bus/admission.c", NULL);
        unsigned n = without_row(table, "MANAGER_INTERFACE", manager_vtable) +
                     without_row(table, "STIMULATOR_INTERFACE", stimulator_vtable) +
                     without_row(table, "SESSION_INTERFACE", session_vtable) +
                     without_row(table, "COURSE_INTERFACE", course_vtable);

        assert_int_equal(n, 0);
        free(table);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_manager),     cmocka_unit_test(test_stimulator),
                        cmocka_unit_test(test_session),     cmocka_unit_test(test_course),
                        cmocka_unit_test(test_end_reasons), cmocka_unit_test(test_errors),
                        cmocka_unit_test(test_admission),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
