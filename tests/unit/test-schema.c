/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The types of the audit log's records: the table says one thing only, and a record that does not match its type is
 * refused with the type's and the field's name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "schema.h"
#include "schema-watch.h"
#include "scratch-log.h"

static void refused(const char *type, const json_t *data, const char *part)
{
        char why[SCHEMA_WHY];
        int r = schema_check(type, NULL, "/x", data, why);

        if (r >= 0)
                fail_msg("a record %s is taken that should be refused with '%s'", type, part);
        assert_int_equal(r, -EPROTO);
        if (!strstr(why, type) || !strstr(why, part))
                fail_msg("'%s' does not name '%s' and say %s", why, type, part);
}

static void taken(const char *type, const json_t *data)
{
        char why[SCHEMA_WHY];

        if (schema_check(type, NULL, "/x", data, why) < 0)
                fail_msg("%s", why);
        assert_string_equal(why, "");
}

/* --- The table --------------------------------------------------------------------------------- */

static const struct schema_field *find(const struct schema_field *f, const char *name)
{
        for (; f->name; f++) {
                if (STREQ(f->name, name))
                        return f;
        }
        return NULL;
}

static void check_field(const char *type, const struct schema_field *fields, const struct schema_field *f)
{
        const bool list = f->kind == SCHEMA_TEXTS || f->kind == SCHEMA_NUMBERS;
        const bool alone = f->need == SCHEMA_REQUIRED || f->need == SCHEMA_OPTIONAL;

        print_message("%s: %s\n", type, f->name);
        assert_ptr_equal(find(fields, f->name), f);
        assert_true(f->least <= f->most);
        assert_true(f->most > 0 || f->kind == SCHEMA_FLAG);
        assert_true(list == (f->items > 0));
        /* What one depends on is another, and is of that type. */
        assert_true(alone == !f->other);
        if (f->other) {
                assert_non_null(find(fields, f->other));
                assert_string_not_equal(f->other, f->name);
        }
}

static void test_table(void **state)
{
        size_t i;

        for (i = 0; i < schema_n_types; i++) {
                const struct schema_type *t = schema_types + i;
                const struct schema_field *f;

                assert_ptr_equal(schema_find(t->type), t);
                for (f = t->fields; f->name; f++) {
                        check_field(t->type, t->fields, f);
                        assert_null(find(schema_common, f->name));
                }
        }
        assert_null(schema_find("session"));
        assert_null(schema_find(""));
}

/* --- Records --------------------------------------------------------------------------------------- */

/* A value of another kind than the field's. */
static json_t *wrong_kind(const struct schema_field *f)
{
        return f->kind == SCHEMA_FLAG ? json_integer(1) : json_true();
}

static bool is_text_kind(const struct schema_field *f)
{
        return f->kind == SCHEMA_TEXT || f->kind == SCHEMA_HEX || f->kind == SCHEMA_TEXTS;
}

/* n: a text's bytes, or a number. */
static json_t *element(const struct schema_field *f, uint64_t n)
{
        json_t *v;
        char *text;

        if (!is_text_kind(f))
                return json_u64(n);
        text = malloc(n + 1);
        memset(text, 'a', n);
        text[n] = '\0';
        v = json_string(text);
        free(text);
        return v;
}

/* Elements of a list; a value that is none. */
static json_t *value(const struct schema_field *f, uint64_t n, size_t items)
{
        json_t *list;

        if (f->items == 0)
                return f->kind == SCHEMA_FLAG ? json_true() : element(f, n);
        list = json_array();
        for (; items > 0; items--)
                (void)json_array_append_new(list, element(f, n));
        return list;
}

static void set(json_t *data, const char *name, json_t *v)
{
        assert_int_equal(json_object_set_new(data, name, v), 0);
}

/* Is refused with that value, and not without it. */
static void check_refused_with(const char *type, json_t *data, const struct schema_field *f, json_t *v)
{
        char quoted[64];

        (void)snprintf(quoted, sizeof(quoted), "'%s'", f->name);
        set(data, f->name, v);
        refused(type, data, quoted);
}

/* Each value of a field that is just too little, too much, too many, or of another kind. */
static void check_values(const char *type, json_t *data, const struct schema_field *f)
{
        json_t *good = value(f, f->most, f->items);

        set(data, f->name, json_incref(good));
        taken(type, data);
        check_refused_with(type, data, f, wrong_kind(f));
        check_refused_with(type, data, f, json_null());
        check_refused_with(type, data, f, json_object());
        if (f->items > 0)
                check_refused_with(type, data, f, value(f, f->most, f->items + 1));
        if (f->kind != SCHEMA_FLAG && f->least > 0)
                check_refused_with(type, data, f, value(f, f->least - 1, 1));
        if (f->kind == SCHEMA_NUMBER && f->most == UINT64_MAX)
                check_refused_with(type, data, f, json_string("18446744073709551616"));
        else if (f->kind != SCHEMA_FLAG)
                check_refused_with(type, data, f, value(f, f->most + 1, 1));
        if (!is_text_kind(f) && f->kind != SCHEMA_FLAG)
                check_refused_with(type, data, f, json_integer(-1));
        if (f->kind == SCHEMA_HEX) {
                char digits[129] = "";

                memset(digits, 'a', f->most - 1);
                strcat(digits, "A");
                check_refused_with(type, data, f, json_string(digits));
        }
        set(data, f->name, good);
        taken(type, data);
}

/* Takes the field away, or puts it there, and looks whether that is refused as its need says. */
static void check_need(const char *type, const struct schema_field *f)
{
        json_t *data = scratch_data(type);
        const struct schema_field *o = f->other ? find(schema_find(type)->fields, f->other) : NULL;
        char quoted[64];

        /* More than one field may depend on the same: any of them may be the one that is missed. */
        (void)snprintf(quoted, sizeof(quoted), "'%s'", f->other ? f->other : f->name);
        taken(type, data);
        switch (f->need) {
        case SCHEMA_REQUIRED:
                (void)json_object_del(data, f->name);
                refused(type, data, quoted);
                break;
        case SCHEMA_OPTIONAL:
                assert_null(json_object_get(data, f->name));
                break;
        case SCHEMA_WITH:
                (void)json_object_del(data, f->name);
                set(data, f->other, value(o, o->most, 1));
                refused(type, data, quoted);
                set(data, f->name, value(f, f->most, 1));
                (void)json_object_del(data, f->other);
                refused(type, data, quoted);
                break;
        case SCHEMA_WITHOUT:
                set(data, f->other, value(o, o->most, 1));
                refused(type, data, quoted);
                (void)json_object_del(data, f->name);
                (void)json_object_del(data, f->other);
                refused(type, data, quoted);
                break;
        case SCHEMA_UNLESS:
                set(data, f->other, value(o, o->most, 1));
                taken(type, data);
                (void)json_object_del(data, f->name);
                (void)json_object_del(data, f->other);
                refused(type, data, quoted);
                break;
        }
        json_decref(data);
}

/* A record of the type with everything that the field wants beside it. */
static json_t *data_for(const struct schema_type *t, const struct schema_field *f)
{
        json_t *data = scratch_data(t->type);
        const struct schema_field *g;

        if (f->need == SCHEMA_WITH) {
                for (g = t->fields; g->name; g++) {
                        if (STREQ(g->name, f->other) || (g->need == SCHEMA_WITH && STREQ(g->other, f->other)))
                                set(data, g->name, value(g, g->most, 1));
                }
        }
        if (f->need != SCHEMA_OPTIONAL)
                return data;
        for (g = t->fields; g->name; g++) {
                if (g->need == SCHEMA_WITH && STREQ(g->other, f->name))
                        set(data, g->name, value(g, g->most, 1));
                if (g->need == SCHEMA_WITHOUT && STREQ(g->other, f->name))
                        (void)json_object_del(data, g->name);
        }
        return data;
}

static void check_list(const struct schema_type *t, const struct schema_field *f)
{
        for (; f->name; f++) {
                json_t *data = data_for(t, f);

                print_message("%s: %s\n", t->type, f->name);
                check_values(t->type, data, f);
                json_decref(data);
                check_need(t->type, f);
        }
}

static void test_every_field(void **state)
{
        size_t i;

        for (i = 0; i < schema_n_types; i++) {
                const struct schema_type *t = schema_types + i;
                json_t *data = scratch_data(t->type);

                taken(t->type, data);
                set(data, "more", json_true());
                refused(t->type, data, "'more'");
                json_decref(data);
                check_list(t, t->fields);
                if (!t->bare)
                        check_list(t, schema_common);
        }
}

static void test_no_such_type(void **state)
{
        json_t *data = json_object();

        refused("session.begin", data, "no known type");
        refused("", data, "no known type");
        json_decref(data);
        refused("seal", NULL, "'key'");
        data = json_array();
        refused("seal", data, "an object is due");
        json_decref(data);
}

/* jansson has no integers above INT64_MAX; they are texts, and no smaller number is. */
static void test_large_numbers(void **state)
{
        static const char *const bad[] = {"",
                                          "1",
                                          "9223372036854775807",
                                          "09223372036854775808",
                                          "9223372036854775808 ",
                                          "-9223372036854775808",
                                          "99999999999999999999",
                                          "0x8000000000000000"};
        json_t *data = scratch_data("stimulator.odometer");
        size_t i;

        set(data, "found", json_u64(INT64_MAX));
        taken("stimulator.odometer", data);
        set(data, "found", json_u64((uint64_t)INT64_MAX + 1));
        assert_true(json_is_string(json_object_get(data, "found")));
        taken("stimulator.odometer", data);
        for (i = 0; i < ELEMENTS(bad); i++) {
                set(data, "found", json_string(bad[i]));
                refused("stimulator.odometer", data, "'found' that is not a number from 0 to 2^64 - 1");
        }
        json_decref(data);
        data = scratch_data("session.go.intent");
        set(data, "pulse", json_string("9223372036854775808"));
        refused("session.go.intent", data, "'pulse'");
        json_decref(data);
}

/* A NUL within a text counts as a byte of it, and does not hide the rest. */
static void test_hidden_rest(void **state)
{
        json_t *data = scratch_data("daemon.start");
        char text[100] = "1";

        set(data, "version", json_stringn(text, sizeof(text)));
        refused("daemon.start", data, "'version'");
        json_decref(data);
        data = scratch_data("log.open");
        memset(text, 'a', sizeof(text));
        text[64] = '\0';
        set(data, "key0", json_stringn(text, 65));
        refused("log.open", data, "'key0'");
        json_decref(data);
}

static void test_who_and_on(void **state)
{
        json_t *data = scratch_data("daemon.stop"), *who = json_pack("{s:I}", "uid", (json_int_t)UINT32_MAX);
        char why[SCHEMA_WHY], on[SCHEMA_NAME + 2] = "";

        memset(on, 'o', SCHEMA_NAME);
        assert_int_equal(schema_check("daemon.stop", who, on, data, why), 0);
        strcat(on, "o");
        assert_int_equal(schema_check("daemon.stop", who, on, data, why), -EPROTO);
        assert_non_null(strstr(why, "daemon.stop has an 'on'"));
        set(who, "action", json_string("org.tmsd1.treat"));
        assert_int_equal(schema_check("daemon.stop", who, "", data, why), -EPROTO);
        assert_non_null(strstr(why, "'answer'"));
        set(who, "answer", json_string("yes"));
        assert_int_equal(schema_check("daemon.stop", who, "", data, why), 0);
        set(who, "name", json_string("x"));
        assert_int_equal(schema_check("daemon.stop", who, "", data, why), -EPROTO);
        assert_non_null(strstr(why, "'name'"));
        assert_int_equal(schema_check("daemon.stop", data, "", data, why), -EPROTO);
        json_decref(data);
        json_decref(who);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_table),        cmocka_unit_test(test_every_field),
                        cmocka_unit_test(test_no_such_type), cmocka_unit_test(test_large_numbers),
                        cmocka_unit_test(test_hidden_rest),  cmocka_unit_test(test_who_and_on),
        };

        schema_watch_lets_refuse = true;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
