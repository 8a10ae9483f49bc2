// SPDX-License-Identifier: GPL-2.0-or-later
/* Texts that were cut: what D-Bus and JSON are given is always UTF-8, and as much of it as was good. */
#include "base.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include <cmocka.h>

static void repaired(const char *text, const char *expected)
{
        char buf[64];

        assert_true(strlen(text) < sizeof(buf));
        strcpy(buf, text);
        assert_ptr_equal(tms_text_repair(buf), buf);
        assert_string_equal(buf, expected);
}

static void test_good_text_stays(void **state)
{
        repaired("", "");
        repaired("theta burst\t600\n", "theta burst\t600\n");
        repaired("Übererregbarkeit, 50 µs, ≤ 120 %, 𝄞", "Übererregbarkeit, 50 µs, ≤ 120 %, 𝄞");
        /* The first and the last of each length. */
        repaired("\x01\x7f \xc2\x80\u07ff \u0800\uffef \U00010000\U0010fffd",
                 "\x01\x7f \xc2\x80\u07ff \u0800\uffef \U00010000\U0010fffd");
        repaired("\ud7ff\ue000\ufdcf\ufdf0\ufffd", "\ud7ff\ue000\ufdcf\ufdf0\ufffd");
}

static void test_cut_character_goes(void **state)
{
        repaired("caf\xc3", "caf");
        repaired("\xe2\x89", "");
        repaired("a\xe2", "a");
        repaired("a\xf0\x9d\x84", "a");
        repaired("é\xf0\x9d", "é");
        repaired("é\xf0", "é");
}

static void test_bad_byte_becomes_question_mark(void **state)
{
        repaired("\"caf\xc3\" is unknown", "\"caf?\" is unknown");
        repaired("a\xe2\x89z", "a??z");
        repaired("\x80", "?");
        repaired("\xbf\xbf", "??");
        repaired("\xff\xfe", "??");
        repaired("\xf8\x88\x80\x80\x80", "?????");
        /* Longer than it need be. */
        repaired("\xc0\x80 \xc1\xbf \xe0\x9f\xbf \xf0\x8f\xbf\xbf", "?? ?? ??? ????");
        /* Surrogates, above the last, and what no text may hold. */
        repaired("\xed\xa0\x80\xed\xbf\xbf", "??????");
        repaired("\xf4\x90\x80\x80", "????");
        repaired("\xef\xb7\x90 \xef\xb7\xaf \xef\xbf\xbe \xf0\x9f\xbf\xbf", "??? ??? ??? ????");
        /* A lead byte that another character follows takes nothing of it along. */
        repaired("\xe2é\xc3", "?é");
}

/* sd-bus's own judgement: it takes a string into a message or does not. */
static sd_bus *bus_new(int fds[2])
{
        sd_bus *bus;

        assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), errno);
        assert_return_code(sd_bus_new(&bus), 0);
        assert_return_code(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        assert_return_code(sd_bus_start(bus), 0);
        return bus;
}

static bool bus_takes(sd_bus *bus, const char *text)
{
        sd_bus_message *m;
        int r;

        assert_return_code(sd_bus_message_new_signal(bus, &m, "/a", "a.b", "C"), 0);
        r = sd_bus_message_append_basic(m, 's', text);
        sd_bus_message_unref(m);
        return r >= 0;
}

static bool json_takes(const char *text)
{
        json_t *string = json_string(text);

        json_decref(string);
        return string;
}

/* All short strings of the bytes at which a rule begins or ends: what is taken whole is not touched, the rest is mended. */
static void test_those_who_refuse_take_it(void **state)
{
        static const unsigned char edge[] = {'a',  0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xb7, 0xbe, 0xbf,
                                             0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff};
        const unsigned n = ELEMENTS(edge);
        unsigned good = 0, bad = 0;
        int fds[2];
        sd_bus *bus = bus_new(fds);

        for (unsigned i = 0; i < n * n * n * n; i++) {
                char text[] = {(char)edge[i % n], (char)edge[i / n % n], (char)edge[i / n / n % n],
                               (char)edge[i / n / n / n], 0};
                char before[5];

                memcpy(before, text, sizeof(text));
                tms_text_repair(text);
                if (bus_takes(bus, before) && json_takes(before)) {
                        assert_string_equal(text, before);
                        good++;
                } else {
                        assert_string_not_equal(text, before);
                        assert_true(bus_takes(bus, text));
                        assert_true(json_takes(text));
                        bad++;
                }
        }
        assert_true(good > 100 && bad > 100);
        sd_bus_close(bus);
        sd_bus_unref(bus);
        close(fds[1]);
}

/* Whatever a caller quotes and wherever it ends, an error can be sent and recorded. */
static void test_error_is_always_text(void **state)
{
        for (size_t shift = 0; shift < 4; shift++) {
                struct tms_error e = {};
                char long_text[1024], buf[sizeof(e)];
                int fds[2];
                sd_bus *bus = bus_new(fds);

                memset(long_text, 'x', shift);
                for (size_t i = shift; i + 3 < sizeof(long_text); i += 3)
                        memcpy(long_text + i, "≤", 4);
                assert_int_equal(tms_error_set(&e, EINVAL, long_text, 7, 1, long_text, "\"%.48s\", %s", long_text,
                                               long_text),
                                 -EINVAL);
                assert_true(strlen(e.file) > sizeof(e.file) - 4);
                assert_true(strlen(e.key) > sizeof(e.key) - 4);
                assert_true(strlen(e.message) > sizeof(e.message) - 4);
                assert_true(bus_takes(bus, e.file) && bus_takes(bus, e.key) && bus_takes(bus, e.message));
                assert_true(json_takes(e.file) && json_takes(e.key) && json_takes(e.message));
                for (size_t size = 1; size <= sizeof(buf); size++) {
                        assert_ptr_equal(tms_error_format(&e, buf, size), buf);
                        assert_true(bus_takes(bus, buf) && json_takes(buf));
                }
                sd_bus_close(bus);
                sd_bus_unref(bus);
                close(fds[1]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_good_text_stays),
                        cmocka_unit_test(test_cut_character_goes),
                        cmocka_unit_test(test_bad_byte_becomes_question_mark),
                        cmocka_unit_test(test_those_who_refuse_take_it),
                        cmocka_unit_test(test_error_is_always_text),
        };

        return cmocka_run_group_tests_name("texts", tests, NULL, NULL);
}
