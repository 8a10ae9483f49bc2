/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Purses, and who is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "callers.h"
#include "util.h"

static const uint64_t now = 1000 * NS_PER_S;

static unsigned pay_until_refused(struct purse *p, enum quota_rank rank, enum quota_kind kind, uint64_t at)
{
        unsigned n = 0;

        while (n < 1000000 && quota_pay(p, rank, kind, 1, at))
                n++;
        return n;
}

static void test_a_purse_fills_again(void **state)
{
        struct purse p = {0};
        unsigned all = pay_until_refused(&p, RANK_USER, QUOTA_ACT, now), some;

        assert_in_range(all, 10, 100);
        assert_false(quota_is_full(&p, now));
        /* The kinds are apart. */
        assert_true(quota_pay(&p, RANK_USER, QUOTA_LOOK, COST_OBJECTS, now));
        some = pay_until_refused(&p, RANK_USER, QUOTA_ACT, now + NS_PER_S);
        assert_in_range(some, 1, all - 1);
        assert_true(quota_is_full(&p, now + 1000 * NS_PER_S));
        assert_int_equal(pay_until_refused(&p, RANK_USER, QUOTA_ACT, now + 1000 * NS_PER_S), all);
        /* What costs more than ever is in it is refused, and nothing is paid for it. */
        p = (struct purse){0};
        assert_false(quota_pay(&p, RANK_USER, QUOTA_ACT, all + 1, now));
        assert_true(quota_pay(&p, RANK_USER, QUOTA_ACT, all, now));
}

static void test_one_program_leaves_something_for_its_users_others(void **state)
{
        unsigned kind;

        for (kind = 0; kind < QUOTA_KINDS; kind++) {
                struct purse one = {0}, user = {0}, trusted = {0};
                unsigned n = pay_until_refused(&one, RANK_CONNECTION, kind, now);

                assert_in_range(n, 1, pay_until_refused(&user, RANK_USER, kind, now) - 1);
                assert_true(pay_until_refused(&trusted, RANK_TRUSTED, kind, now) > n);
        }
}

static void name_of(char name[24], unsigned n)
{
        (void)snprintf(name, 24, ":1.%u", n);
}

static void test_the_operators_program_is_not_forgotten(void **state)
{
        struct callers *c;
        struct caller *caller;
        char name[24];
        unsigned i;

        assert_int_equal(callers_new(&c), 0);
        assert_null(callers_find(c, ":1.7"));
        caller = callers_remember(c, ":1.7", 1000);
        caller->trusted = true;
        /* As many as a bus has room for are known at once; */
        for (i = 8; i < 2000; i++) {
                name_of(name, i);
                assert_non_null(callers_remember(c, name, i));
        }
        for (i = 8; i < 2000; i++) {
                name_of(name, i);
                assert_int_equal(callers_find(c, name)->uid, i);
        }
        /* and however many come and go, one that was let in stays. */
        for (; i < 50000; i++) {
                name_of(name, i);
                assert_non_null(callers_remember(c, name, i));
        }
        assert_int_equal(callers_find(c, ":1.7")->uid, 1000);
        assert_null(callers_find(c, ":1.8"));
        assert_null(callers_remember(c, ":1.a-name-that-is-far-too-long", 1));
        callers_free(c);
}

static void test_users_come_and_go(void **state)
{
        struct callers *c;
        struct user *first, *held;
        unsigned i;

        assert_int_equal(callers_new(&c), 0);
        held = callers_user(c, 1, now);
        held->held = 1;
        first = callers_user(c, 2, now);
        assert_true(quota_pay(&first->purse, RANK_USER, QUOTA_ACT, 20, now));
        for (i = 3; i < 1000; i++)
                assert_non_null(callers_user(c, i, now));
        /* Neither one of whom something is under way, nor one who has spent anything, makes room. */
        assert_ptr_equal(callers_user(c, 1, now), held);
        assert_ptr_equal(callers_user(c, 2, now), first);
        assert_false(quota_pay(&first->purse, RANK_USER, QUOTA_ACT, 1, now));
        for (i = 1; i < 1000; i++)
                (void)quota_pay(&callers_user(c, i, now)->purse, RANK_USER, QUOTA_ACT, 20, now);
        assert_ptr_equal(callers_user(c, 2000, now), callers_user(c, 2001, now));
        callers_free(c);
}

/* A script that runs one program after another, each of them with rights. */
static void test_who_is_let_in_pays_nothing(void **state)
{
        struct callers *c;
        struct user *user;
        char name[24];
        unsigned i;

        assert_int_equal(callers_new(&c), 0);
        user = callers_user(c, 1, now);
        for (i = 0; i < 1000; i++) {
                name_of(name, i);
                assert_false(callers_remember(c, name, 1)->trusted);
                assert_true(quota_pay(&user->purse, RANK_USER, QUOTA_WORK, 1, now));
                callers_let_in(c, name, now);
                callers_let_in(c, name, now);
                assert_true(callers_find(c, name)->trusted);
        }
        assert_int_equal(pay_until_refused(&user->purse, RANK_USER, QUOTA_WORK, now), 20);
        assert_true(callers_remember(c, ":1.5000", 0)->trusted);
        callers_free(c);
}

static void test_questions_have_their_number(void **state)
{
        struct question_share shares[1000], own;
        struct callers *c;
        char name[24];
        unsigned i, n;

        assert_int_equal(callers_new(&c), 0);
        /* One program's, one user's, everybody's. */
        (void)callers_remember(c, ":1.1", 1);
        for (n = 0; callers_may_question(c, ":1.1", 1, now, shares + n); n++)
                ;
        assert_int_equal(n, QUESTIONS_PER_CONNECTION);
        for (i = 2; i < 50; i++) {
                name_of(name, i);
                (void)callers_remember(c, name, 1);
                n += callers_may_question(c, name, 1, now, shares + n);
        }
        assert_int_equal(n, QUESTIONS_PER_USER);
        for (i = 50; i < 500; i++) {
                name_of(name, i);
                (void)callers_remember(c, name, i);
                n += callers_may_question(c, name, i, now, shares + n);
        }
        assert_int_equal(n, QUESTIONS_MAX);
        /* The operator's are apart, even when he is that user. */
        callers_remember(c, ":1.1000", 1)->trusted = true;
        assert_true(callers_may_question(c, ":1.1000", 1, now, &own));
        callers_answered(c, ":1.1000", &own);
        for (i = 0; i < n; i++) {
                name_of(name, i < QUESTIONS_PER_CONNECTION ? 1 : 100);
                callers_answered(c, name, shares + i);
                callers_answered(c, name, shares + i);
        }
        assert_true(callers_may_question(c, ":1.1", 1, now, &own));
        callers_answered(c, ":1.1", &own);
        assert_int_equal(callers_user(c, 1, now)->held, 0);
        callers_free(c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_a_purse_fills_again),
                        cmocka_unit_test(test_one_program_leaves_something_for_its_users_others),
                        cmocka_unit_test(test_the_operators_program_is_not_forgotten),
                        cmocka_unit_test(test_users_come_and_go),
                        cmocka_unit_test(test_who_is_let_in_pays_nothing),
                        cmocka_unit_test(test_questions_have_their_number),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
