/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every property that a vtable calls signalled is signalled somewhere in the
 * daemon's sources, and whatever is signalled is such a property: sd-bus drops
 * a whole signal for one misspelt name in it, and nobody is told.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "course-bus.h"
#include "manager-bus.h"
#include "names.h"
#include "scratch.h"
#include "session-bus.h"
#include "stimulator-bus.h"

#define NAMES_MAX 128

/* What the sources signal: "org.tmsd1.Session State". */
struct names {
        char text[NAMES_MAX][96];
        unsigned n;
};

static struct names signalled;

static void add(const char *interface, const char *name)
{
        assert_true(signalled.n < NAMES_MAX);
        (void)snprintf(signalled.text[signalled.n++], sizeof(signalled.text[0]), "%s %s", interface, name);
}

static bool has(const char *interface, const char *name)
{
        char text[96];
        unsigned i;

        (void)snprintf(text, sizeof(text), "%s %s", interface, name);
        for (i = 0; i < signalled.n; i++)
                if (STREQ(signalled.text[i], text))
                        return true;
        return false;
}

/* The next literal before end, into word; NULL when there is none. Returns what is behind it. */
static const char *take_literal(const char *p, const char *end, char word[static 64])
{
        while (p < end && *p != '"')
                p++;
        if (p >= end)
                return NULL;
        (void)snprintf(word, 64, "%.*s", (int)strcspn(p + 1, "\""), p + 1);
        return p + strlen(word) + 2;
}

/* The interface that a call before end names: a word of names.h. */
static const char *interface_of(const char *file, const char *p, const char *end)
{
        static const char *const interfaces[][2] = {{"MANAGER_INTERFACE", MANAGER_INTERFACE},
                                                    {"COURSE_INTERFACE", COURSE_INTERFACE},
                                                    {"STIMULATOR_INTERFACE", STIMULATOR_INTERFACE},
                                                    {"SESSION_INTERFACE", SESSION_INTERFACE}};
        size_t i;

        for (i = 0; i < ELEMENTS(interfaces); i++) {
                const char *at = strstr(p, interfaces[i][0]);

                if (at && at < end)
                        return interfaces[i][1];
        }
        fail_msg("%s signals on an interface that names.h does not have", file);
        return NULL;
}

/* sd_bus_emit_properties_changed(..., interface, names ..., NULL) */
static void take_calls(const char *file, const char *text)
{
        static const char call[] = "sd_bus_emit_properties_changed(";
        const char *p, *end, *interface;
        char name[64];

        for (p = text; (p = strstr(p, call)); p = end) {
                end = strchr(p, ';');
                assert_non_null(end);
                interface = interface_of(file, p, end);
                while ((p = take_literal(p, end, name)))
                        add(interface, name);
        }
}

/* The rows SIGNALLED...("Name", ...) of a file go into its one sd_bus_emit_properties_changed_strv(..., interface, ...). */
static void take_rows(const char *file, const char *text)
{
        const char *p = strstr(text, "sd_bus_emit_properties_changed_strv("), *end, *interface;
        char name[64];

        if (!p)
                return;
        end = strchr(p, ';');
        assert_non_null(end);
        interface = interface_of(file, p, end);
        if (strstr(p + 1, "sd_bus_emit_properties_changed_strv("))
                fail_msg("%s signals two lists: whose are its rows?", file);
        for (p = text; (p = strstr(p, " SIGNALLED")); p = end) {
                end = strchr(p, '\n');
                assert_non_null(end);
                if (take_literal(p, end, name))
                        add(interface, name);
        }
}

static int setup_names(void **state)
{
        glob_t files;
        size_t i;

        assert_int_equal(glob(SOURCE_DIR "/daemon/*.c", 0, NULL, &files), 0);
        assert_int_equal(glob(SOURCE_DIR "/daemon/*/*.c", GLOB_APPEND, NULL, &files), 0);
        for (i = 0; i < files.gl_pathc; i++) {
                const char *name = files.gl_pathv[i] + strlen(SOURCE_DIR "/daemon/");
                char *text = scratch_read(SOURCE_DIR "/daemon", name, NULL);

                take_calls(name, text);
                take_rows(name, text);
                free(text);
        }
        globfree(&files);
        return 0;
}

static void compare(const char *interface, const sd_bus_vtable *vtable)
{
        const size_t length = strlen(interface);
        unsigned i, differ = 0;

        for (const sd_bus_vtable *v = vtable; v->type != _SD_BUS_VTABLE_END; v++) {
                if (v->type != _SD_BUS_VTABLE_PROPERTY || !(v->flags & SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE))
                        continue;
                if (!has(interface, v->x.property.member)) {
                        print_error("never signalled: %s.%s\n", interface, v->x.property.member);
                        differ++;
                }
        }
        for (i = 0; i < signalled.n; i++) {
                const char *text = signalled.text[i];
                const sd_bus_vtable *v = vtable;

                if (strncmp(text, interface, length) != 0 || text[length] != ' ')
                        continue;
                while (v->type != _SD_BUS_VTABLE_END &&
                       (v->type != _SD_BUS_VTABLE_PROPERTY || !STREQ(v->x.property.member, text + length + 1)))
                        v++;
                if (v->type == _SD_BUS_VTABLE_END || !(v->flags & SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)) {
                        print_error("no property that is signalled: %s\n", text);
                        differ++;
                }
        }
        assert_int_equal(differ, 0);
}

static void test_manager(void **state)
{
        compare(MANAGER_INTERFACE, manager_vtable);
}

static void test_stimulator(void **state)
{
        compare(STIMULATOR_INTERFACE, stimulator_vtable);
}

static void test_session(void **state)
{
        compare(SESSION_INTERFACE, session_vtable);
}

static void test_course(void **state)
{
        compare(COURSE_INTERFACE, course_vtable);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_manager),
                        cmocka_unit_test(test_stimulator),
                        cmocka_unit_test(test_session),
                        cmocka_unit_test(test_course),
        };

        return cmocka_run_group_tests(tests, setup_names, NULL);
}
