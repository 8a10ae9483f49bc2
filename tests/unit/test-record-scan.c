/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A record's one form: what libjansson writes compactly, in that order of keys, and nothing else. Random records are
 * written by libjansson and scanned; then each is changed by one byte, in every way that often leaves it JSON.
 */
#include "record-check.h"
#include "record-scan.h"

#include <inttypes.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define RECORDS 400

static uint64_t state = 88172645463325252ULL;

static uint64_t any(uint64_t below)
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state % below;
}

static size_t put_utf8(uint32_t c, char *out)
{
        if (c < 0x80) {
                out[0] = (char)c;
                return 1;
        }
        if (c < 0x800) {
                out[0] = (char)(0xc0 | c >> 6);
                out[1] = (char)(0x80 | (c & 0x3f));
                return 2;
        }
        if (c < 0x10000) {
                out[0] = (char)(0xe0 | c >> 12);
                out[1] = (char)(0x80 | (c >> 6 & 0x3f));
                out[2] = (char)(0x80 | (c & 0x3f));
                return 3;
        }
        out[0] = (char)(0xf0 | c >> 18);
        out[1] = (char)(0x80 | (c >> 12 & 0x3f));
        out[2] = (char)(0x80 | (c >> 6 & 0x3f));
        out[3] = (char)(0x80 | (c & 0x3f));
        return 4;
}

static uint32_t any_character(void)
{
        uint32_t c;

        switch (any(6)) {
        case 0:
                return 1 + (uint32_t)any(0x1f);
        case 1:
                return (uint32_t) "\"\\/\x7f"[any(4)];
        case 2:
                return 0x80 + (uint32_t)any(0x2000);
        case 3:
                do
                        c = (uint32_t)any(0x110000);
                while (c == 0 || (c >= 0xd800 && c < 0xe000) || (c >= 0xfdd0 && c < 0xfdf0) || (c & 0xfffe) == 0xfffe);
                return c;
        default:
                return 0x20 + (uint32_t)any(0x5f);
        }
}

static const char *any_text(void)
{
        static char text[200];
        size_t n = 0, characters = any(2) ? any(5) : any(40);

        while (characters-- > 0)
                n += put_utf8(any_character(), text + n);
        text[n] = 0;
        return text;
}

static json_t *any_value(unsigned depth)
{
        json_t *v;
        double d;

        switch (any(depth < 6 ? 9 : 7)) {
        case 0:
                return json_integer((json_int_t)any(UINT64_MAX));
        case 1:
                return json_integer((json_int_t)any(2000) - 1000);
        case 2:
                do {
                        uint64_t bits = any(UINT64_MAX);

                        memcpy(&d, &bits, sizeof(d));
                        v = json_real(any(2) ? d : (double)any(100000) / (double)(1 + any(1000)));
                } while (!v);
                return v;
        case 3:
                return json_boolean(any(2));
        case 4:
                return any(4) ? json_integer(0) : json_null();
        case 7:
                v = json_array();
                for (uint64_t n = any(4); n > 0; n--)
                        json_array_append_new(v, any_value(depth + 1));
                return v;
        case 8:
                v = json_object();
                for (uint64_t n = any(4); n > 0; n--)
                        json_object_set_new(v, any_text(), any_value(depth + 1));
                return v;
        default:
                return json_string(any_text());
        }
}

static json_t *any_object(uint64_t members)
{
        json_t *v = json_object();

        while (members-- > 0)
                json_object_set_new(v, any_text(), any_value(3));
        return v;
}

static char *any_record(void)
{
        json_t *v = json_object();
        char *text;

        json_object_set_new(v, "seq", json_integer(any(3) ? (json_int_t)any(1000000) : (json_int_t)any(UINT64_MAX)));
        json_object_set_new(v, "utc", json_string("2026-01-31T09:00:00.000000Z"));
        json_object_set_new(v, "mono_ns",
                            any(4) ? json_integer((json_int_t)any(INT64_MAX)) : json_string("18446744073709551615"));
        json_object_set_new(v, "boot", json_string(any_text()));
        json_object_set_new(v, "type", json_string(any(2) ? "session.pulses" : any_text()));
        json_object_set_new(v, "who", any_object(any(4)));
        json_object_set_new(v, "on", json_string(any_text()));
        json_object_set_new(v, "data", any_object(any(8)));
        json_object_set_new(v, "prev", json_string("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"));
        text = json_dumps(v, JSON_COMPACT);
        assert_non_null(text);
        json_decref(v);
        return text;
}

/* In memory of its own size, so that a byte beyond it is seen. */
static void check(const char *text, size_t size)
{
        char *copy = malloc(size ?: 1);
        const char *differs;

        assert_non_null(copy);
        memcpy(copy, text, size);
        differs = record_check(copy, size);
        if (differs)
                fail_msg("%s: %.*s", differs, (int)size, copy);
        free(copy);
}

static void test_what_is_written_is_taken(void **unused)
{
        (void)unused;
        for (int i = 0; i < RECORDS; i++) {
                char *text = any_record();
                struct record_scan scan;

                if (record_scan(text, strlen(text), &scan) != RECORD_OK)
                        fail_msg("fault %d at byte %zu of %s", scan.fault, scan.fault_at, text);
                check(text, strlen(text));
                free(text);
        }
}

/* Replaced, put in, or left out, at every byte: what still has the same values is refused, and all else as due. */
static void test_one_byte_differs(void **unused)
{
        static const char bytes[] = " \t\n\r0159-+.eEuaAfF/\\\"{}[]:,\x7f\x1f\x80\xbf\xc2\xef\xff";
        unsigned taken = 0;

        (void)unused;
        for (int i = 0; i < 12; i++) {
                char *text = any_record(), *other;
                size_t n = strlen(text);

                other = malloc(n + 2);
                assert_non_null(other);
                for (size_t k = 0; k <= n; k++) {
                        for (int j = 0; j < 3; j++) {
                                char c = bytes[any(sizeof(bytes) - 1)];
                                struct record_scan scan;

                                memcpy(other, text, k);
                                other[k] = c;
                                memcpy(other + k + 1, text + k, n - k);
                                check(other, n + 1);
                                if (k == n)
                                        continue;
                                memcpy(other, text, n);
                                other[k] = c;
                                check(other, n);
                                taken += record_scan(other, n, &scan) == RECORD_OK;
                        }
                        if (k < n) {
                                memcpy(other, text, k);
                                memcpy(other + k, text + k + 1, n - k - 1);
                                check(other, n - 1);
                        }
                        check(text, k);
                }
                free(other);
                free(text);
        }
        assert_true(taken > 20);
}

static const char frame[] = "{\"seq\":1,\"utc\":\"\",\"mono_ns\":1,\"boot\":\"\",\"type\":\"t\",\"who\":{},\"on\":\"\","
                            "\"data\":%s,\"prev\":\"\"}";

static enum record_fault scan_data(const char *data)
{
        struct record_scan scan;
        char *text = NULL;
        int n = asprintf(&text, frame, data);

        assert_true(n > 0);
        check(text, (size_t)n);
        record_scan(text, (size_t)n, &scan);
        free(text);
        return scan.fault;
}

static void test_forms(void **unused)
{
        static const struct {
                const char *data;
                enum record_fault fault;
        } cases[] = {
                        {"{}", RECORD_OK},
                        {"{\"\":\"\"}", RECORD_OK},
                        {"{\"a\":0.10000000000000001,\"b\":1e22,\"c\":-0.0,\"d\":9.9999999999999995e-8}", RECORD_OK},
                        {"{\"a\":0.1}", RECORD_OTHER_FORM},
                        {"{\"a\":1e+22}", RECORD_OTHER_FORM},
                        {"{\"a\":1E22}", RECORD_OTHER_FORM},
                        {"{\"a\":1.0}", RECORD_OK},
                        {"{\"a\":1.00}", RECORD_OTHER_FORM},
                        {"{\"a\":1.}", RECORD_NO_OBJECT},
                        {"{\"a\":1e}", RECORD_NO_OBJECT},
                        {"{\"a\":1e999}", RECORD_OTHER_FORM},
                        {"{\"a\":-0}", RECORD_OTHER_FORM},
                        {"{\"a\":01}", RECORD_NO_OBJECT},
                        {"{\"a\":-}", RECORD_NO_OBJECT},
                        {"{\"a\":9223372036854775807,\"b\":-9223372036854775808}", RECORD_OK},
                        {"{\"a\":9223372036854775808}", RECORD_NO_OBJECT},
                        {"{\"a\":-9223372036854775809}", RECORD_NO_OBJECT},
                        {"{\"a\":\"/\x7f\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001F\"}", RECORD_OK},
                        {"{\"a\":\"\\/\"}", RECORD_OTHER_FORM},
                        {"{\"a\":\"\\u001f\"}", RECORD_OTHER_FORM},
                        {"{\"a\":\"\\u000A\"}", RECORD_OTHER_FORM},
                        {"{\"a\":\"\\u0020\"}", RECORD_OTHER_FORM},
                        {"{\"a\":\"\\u0000\"}", RECORD_NO_OBJECT},
                        {"{\"a\":\"\t\"}", RECORD_NO_OBJECT},
                        {"{\"a\":\"\xef\xbf\xbe\"}", RECORD_OTHER_FORM},
                        {"{\"a\":\"\xf0\x9f\xbf\xbf\"}", RECORD_OTHER_FORM},
                        {"{\"a\":\"\xef\xb7\x90\"}", RECORD_OTHER_FORM},
                        {"{\"a\":\"\xed\xa0\x80\"}", RECORD_NO_OBJECT},
                        {"{\"a\":\"\xc0\x80\"}", RECORD_NO_OBJECT},
                        {"{\"a\":1,\"a\":1}", RECORD_NO_OBJECT},
                        {"{\"a\":{\"b\":[{\"c\":1,\"c\":2}]}}", RECORD_NO_OBJECT},
                        {"{\"a\":{\"b\":1},\"b\":{\"a\":1}}", RECORD_OK},
                        {"{ }", RECORD_OTHER_FORM},
                        {"{\"a\": 1}", RECORD_OTHER_FORM},
                        {"{\"a\":[1, 2]}", RECORD_OTHER_FORM},
                        {"{\"a\":[]}", RECORD_OK},
                        {"{\"a\":[1,]}", RECORD_NO_OBJECT},
                        {"{\"a\":1,}", RECORD_NO_OBJECT},
                        {"{\"a\":True}", RECORD_NO_OBJECT},
                        {"[]", RECORD_NO_VALUE},
                        {"{},\"more\":1", RECORD_MORE_KEYS},
        };

        (void)unused;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                if (scan_data(cases[i].data) != cases[i].fault)
                        fail_msg("%s: fault %d", cases[i].data, scan_data(cases[i].data));
}

static void test_order_of_keys(void **unused)
{
        static const struct {
                const char *text;
                enum record_fault fault;
        } cases[] = {
                        {"{\"utc\":\"\",\"seq\":1,\"mono_ns\":1,\"boot\":\"\",\"type\":\"t\",\"who\":{},\"on\":\"\","
                         "\"data\":{},\"prev\":\"\"}",
                         RECORD_OTHER_FORM},
                        {"{\"seq\":1,\"utc\":\"\",\"mono_ns\":\"18446744073709551615\",\"boot\":\"\",\"type\":\"t\","
                         "\"who\":{},\"on\":\"\",\"data\":{},\"prev\":\"\"}",
                         RECORD_OK},
                        {"{\"seq\":1,\"utc\":\"\",\"mono_ns\":\"1x\",\"boot\":\"\",\"type\":\"t\",\"who\":{},\"on\":"
                         "\"\","
                         "\"data\":{},\"prev\":\"\"}",
                         RECORD_NO_VALUE},
                        {"{\"seq\":1,\"utc\":\"\",\"mono_ns\":-1,\"boot\":\"\",\"type\":\"t\",\"who\":{},\"on\":\"\","
                         "\"data\":{},\"prev\":\"\"}",
                         RECORD_NO_VALUE},
                        {"{\"seq\":1.0,\"utc\":\"\",\"mono_ns\":1,\"boot\":\"\",\"type\":\"t\",\"who\":{},\"on\":\"\","
                         "\"data\":{},\"prev\":\"\"}",
                         RECORD_NO_VALUE},
                        {"{\"seq\":1,\"utc\":\"\",\"mono_ns\":1,\"type\":\"t\",\"who\":{},\"on\":\"\",\"data\":{},"
                         "\"prev\":\"\"}",
                         RECORD_NO_TEXT},
                        {"{}", RECORD_NO_TEXT},
                        {"", RECORD_NO_OBJECT},
                        {" {}", RECORD_OTHER_FORM},
                        {"{} ", RECORD_OTHER_FORM},
                        {"{}x", RECORD_NO_OBJECT},
                        {"[]", RECORD_NO_OBJECT},
        };

        (void)unused;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct record_scan scan;

                check(cases[i].text, strlen(cases[i].text));
                record_scan(cases[i].text, strlen(cases[i].text), &scan);
                if (scan.fault != cases[i].fault)
                        fail_msg("%s: fault %d", cases[i].text, scan.fault);
        }
}

/* n times one, then middle, then n times two. */
static char *nested(size_t n, const char *one, const char *middle, const char *two)
{
        char *text = NULL;
        size_t size;
        FILE *m = open_memstream(&text, &size);

        assert_non_null(m);
        for (size_t i = 0; i < n; i++)
                fputs(one, m);
        fputs(middle, m);
        for (size_t i = 0; i < n; i++)
                fputs(two, m);
        assert_int_equal(fclose(m), 0);
        return text;
}

static char *members(size_t n)
{
        char *text = NULL;
        size_t size;
        FILE *m = open_memstream(&text, &size);

        assert_non_null(m);
        fputc('{', m);
        for (size_t i = 0; i < n; i++)
                fprintf(m, "%s\"k%zu\":%zu", i ? "," : "", i, i);
        fputc('}', m);
        assert_int_equal(fclose(m), 0);
        return text;
}

static void test_bounds(void **unused)
{
        char *text, *inner;

        (void)unused;
        /* The record is the first level and data the second. */
        for (size_t depth = RECORD_DEPTH_MAX - 2; depth <= RECORD_DEPTH_MAX; depth++) {
                text = nested(depth - 1, "{\"a\":", "[]", "}");
                assert_int_equal(scan_data(text), depth < RECORD_DEPTH_MAX ? RECORD_OK : RECORD_TOO_MANY);
                free(text);
        }
        text = nested(100000, "[", "", "]");
        assert_int_equal(scan_data(text), RECORD_TOO_MANY);
        free(text);
        text = members(RECORD_DATA_MAX);
        assert_int_equal(scan_data(text), RECORD_OK);
        free(text);
        text = members(RECORD_DATA_MAX + 1);
        assert_int_equal(scan_data(text), RECORD_TOO_MANY);
        free(text);
        /* Up to "data", the record has eight members. */
        for (size_t n = RECORD_OTHERS_MAX - 9; n <= RECORD_OTHERS_MAX - 7; n++) {
                char *in_data = NULL;

                inner = members(n);
                assert_true(asprintf(&in_data, "{\"a\":%s,\"b\":%s}", inner, inner) > 0);
                assert_int_equal(scan_data(in_data), n <= RECORD_OTHERS_MAX - 8 ? RECORD_OK : RECORD_TOO_MANY);
                free(in_data);
                free(inner);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_what_is_written_is_taken),
                        cmocka_unit_test(test_one_byte_differs),
                        cmocka_unit_test(test_forms),
                        cmocka_unit_test(test_order_of_keys),
                        cmocka_unit_test(test_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
