/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rating scales: ranges, bands, response and remission at each border, the rule of week 3, suicidality. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "instrument.h"
#include "util.h"

static char why[COURSE_WHY];

/* A form with that total, the items filled up from the last one, so that the suicidality item of HAM-D stays low. */
static struct rating with_total(enum instrument instrument, unsigned total)
{
        int64_t answer[INSTRUMENT_ITEMS] = {0};
        const size_t n = instrument_items(instrument);
        struct rating r = {0};
        size_t i;

        for (i = n; i-- > 0 && total > 0;) {
                while (total > 0) {
                        answer[i]++;
                        if (rating_read(instrument, answer, n, &r, why) < 0) {
                                answer[i]--;
                                break;
                        }
                        total--;
                }
        }
        assert_int_equal(total, 0);
        assert_int_equal(rating_read(instrument, answer, n, &r, why), 0);
        return r;
}

static void test_names(void **state)
{
        static const char *const names[INSTRUMENTS] = {"phq-9", "ham-d", "madrs", "y-bocs"};
        static const size_t items[INSTRUMENTS] = {9, 17, 10, 10};
        unsigned i;

        for (i = 0; i < INSTRUMENTS; i++) {
                assert_string_equal(instrument_name(i), names[i]);
                assert_int_equal(instrument_find(names[i]), i);
                assert_int_equal(instrument_items(i), items[i]);
        }
        assert_int_equal(instrument_find("phq-8"), -ENOENT);
        assert_int_equal(instrument_find(""), -ENOENT);
}

/* Each item's range: its highest answer is taken, one more is not, and all of them add up to the published range. */
static void test_ranges(void **state)
{
        static const unsigned published[INSTRUMENTS] = {27, 52, 60, 40};
        unsigned k;

        for (k = 0; k < INSTRUMENTS; k++) {
                const size_t n = instrument_items(k);
                int64_t answer[INSTRUMENT_ITEMS] = {0};
                struct rating r, before;
                size_t i;

                for (i = 0; i < n; i++) {
                        char text[32];

                        while (rating_read(k, answer, n, &r, why) == 0)
                                answer[i]++;
                        (void)snprintf(text, sizeof(text), "item %zu of %s", i + 1, instrument_name(k));
                        assert_non_null(strstr(why, text));
                        answer[i]--;
                }
                assert_int_equal(rating_read(k, answer, n, &r, why), 0);
                assert_int_equal(rating_total(&r), published[k]);
                before = r;
                answer[n - 1] = -1;
                assert_int_equal(rating_read(k, answer, n, &r, why), -EINVAL);
                answer[n - 1] = INT64_MAX;
                assert_int_equal(rating_read(k, answer, n, &r, why), -EINVAL);
                answer[n - 1] = 256; /* 0 in eight bits */
                assert_int_equal(rating_read(k, answer, n, &r, why), -EINVAL);
                answer[n - 1] = 0;
                assert_int_equal(rating_read(k, answer, n - 1, &r, why), -EINVAL);
                assert_non_null(strstr(why, "give one for each item"));
                assert_int_equal(rating_read(k, answer, 0, &r, why), -EINVAL);
                assert_int_equal(rating_read(k, answer, SIZE_MAX, &r, why), -EINVAL);
                assert_memory_equal(&r, &before, sizeof(r));
        }
}

static void test_severity(void **state)
{
        static const struct {
                enum instrument instrument;
                unsigned total;
                const char *severity;
        } rows[] = {
                        {INSTRUMENT_PHQ9, 0, "minimal"},
                        {INSTRUMENT_PHQ9, 4, "minimal"},
                        {INSTRUMENT_PHQ9, 5, "mild"},
                        {INSTRUMENT_PHQ9, 9, "mild"},
                        {INSTRUMENT_PHQ9, 10, "moderate"},
                        {INSTRUMENT_PHQ9, 14, "moderate"},
                        {INSTRUMENT_PHQ9, 15, "moderately severe"},
                        {INSTRUMENT_PHQ9, 19, "moderately severe"},
                        {INSTRUMENT_PHQ9, 20, "severe"},
                        {INSTRUMENT_PHQ9, 27, "severe"},
                        {INSTRUMENT_HAMD17, 7, "normal"},
                        {INSTRUMENT_HAMD17, 8, "mild"},
                        {INSTRUMENT_HAMD17, 13, "mild"},
                        {INSTRUMENT_HAMD17, 14, "moderate"},
                        {INSTRUMENT_HAMD17, 18, "moderate"},
                        {INSTRUMENT_HAMD17, 19, "severe"},
                        {INSTRUMENT_HAMD17, 22, "severe"},
                        {INSTRUMENT_HAMD17, 23, "very severe"},
                        {INSTRUMENT_HAMD17, 52, "very severe"},
        };
        struct rating r;
        size_t i;

        for (i = 0; i < ELEMENTS(rows); i++) {
                r = with_total(rows[i].instrument, rows[i].total);
                assert_string_equal(rating_severity(&r), rows[i].severity);
        }
        r = with_total(INSTRUMENT_MADRS, 60);
        assert_null(rating_severity(&r));
        r = with_total(INSTRUMENT_YBOCS, 0);
        assert_null(rating_severity(&r));
}

static void test_response(void **state)
{
        static const struct {
                enum instrument instrument;
                unsigned before, now;
                enum response response;
        } rows[] = {
                        {INSTRUMENT_PHQ9, 20, 10, RESPONSE_FULL},
                        {INSTRUMENT_PHQ9, 20, 11, RESPONSE_NONE},
                        {INSTRUMENT_PHQ9, 21, 11, RESPONSE_NONE}, /* 10 of 21 is less than half */
                        {INSTRUMENT_PHQ9, 21, 10, RESPONSE_FULL},
                        {INSTRUMENT_PHQ9, 10, 20, RESPONSE_NONE},
                        {INSTRUMENT_PHQ9, 0, 0, RESPONSE_NONE},
                        {INSTRUMENT_HAMD17, 24, 12, RESPONSE_FULL},
                        {INSTRUMENT_HAMD17, 24, 13, RESPONSE_NONE},
                        {INSTRUMENT_MADRS, 60, 30, RESPONSE_FULL},
                        {INSTRUMENT_MADRS, 60, 31, RESPONSE_NONE},
                        {INSTRUMENT_YBOCS, 30, 21, RESPONSE_FULL}, /* 9 of 30 */
                        {INSTRUMENT_YBOCS, 30, 22, RESPONSE_PARTIAL},
                        {INSTRUMENT_YBOCS, 30, 24, RESPONSE_PARTIAL}, /* 6 of 30 */
                        {INSTRUMENT_YBOCS, 30, 25, RESPONSE_NONE},
        };
        size_t i;

        for (i = 0; i < ELEMENTS(rows); i++) {
                const struct rating before = with_total(rows[i].instrument, rows[i].before),
                                    now = with_total(rows[i].instrument, rows[i].now);

                if (rating_response(&before, &now) != rows[i].response)
                        fail_msg("%s from %u to %u", instrument_name(rows[i].instrument), rows[i].before, rows[i].now);
        }
}

static void test_remission(void **state)
{
        static const int highest[INSTRUMENTS] = {4, 7, 10, -1};
        unsigned k, total;

        for (k = 0; k < INSTRUMENTS; k++) {
                for (total = 0; total <= 27; total++) {
                        const struct rating r = with_total(k, total);

                        assert_int_equal(rating_is_remission(&r), (int)total <= highest[k]);
                }
        }
}

static void test_week3(void **state)
{
        static const struct {
                unsigned before, now;
                enum week3 says;
        } rows[] = {
                        {20, 7, WEEK3_REMISSION},    {20, 8, WEEK3_CONTINUE},     {20, 16, WEEK3_CONTINUE},
                        {20, 17, WEEK3_NO_RESPONSE}, {20, 30, WEEK3_NO_RESPONSE}, {7, 7, WEEK3_REMISSION},
                        {0, 0, WEEK3_UNKNOWN},
        };
        struct rating before, now;
        size_t i;

        for (i = 0; i < ELEMENTS(rows); i++) {
                before = with_total(INSTRUMENT_HAMD17, rows[i].before);
                now = with_total(INSTRUMENT_HAMD17, rows[i].now);
                assert_int_equal(rating_week3(&before, &now), rows[i].says);
        }
        before = with_total(INSTRUMENT_PHQ9, 20);
        now = with_total(INSTRUMENT_PHQ9, 4);
        assert_int_equal(rating_week3(&before, &now), WEEK3_UNKNOWN);
}

/* The item that asks, and no other one; without a form before it, and with one. */
static void test_suicidality(void **state)
{
        static const unsigned asks[INSTRUMENTS] = {9, 3, 10, 0};
        unsigned k, item;

        for (k = 0; k < INSTRUMENTS; k++) {
                for (item = 1; item <= instrument_items(k); item++) {
                        const enum suicidality present = item == asks[k] ? SUICIDALITY_PRESENT : SUICIDALITY_NONE,
                                               risen = item == asks[k] ? SUICIDALITY_RISEN : SUICIDALITY_NONE;
                        struct rating none = {.instrument = k}, one = none, two = none;

                        one.item[item - 1] = 1;
                        two.item[item - 1] = 2;
                        assert_int_equal(rating_suicidality(NULL, &none), SUICIDALITY_NONE);
                        assert_int_equal(rating_suicidality(&two, &none), SUICIDALITY_NONE);
                        assert_int_equal(rating_suicidality(NULL, &one), present);
                        assert_int_equal(rating_suicidality(&one, &one), present);
                        assert_int_equal(rating_suicidality(&two, &one), present);
                        assert_int_equal(rating_suicidality(&none, &one), risen);
                        assert_int_equal(rating_suicidality(&one, &two), risen);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_names),       cmocka_unit_test(test_ranges),
                        cmocka_unit_test(test_severity),    cmocka_unit_test(test_response),
                        cmocka_unit_test(test_remission),   cmocka_unit_test(test_week3),
                        cmocka_unit_test(test_suicidality),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
