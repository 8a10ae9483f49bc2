/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Can this dose be played, and if not, how much of it could be? A patient
 * with a high threshold may ask for more than the capacitors hold or than
 * they recharge between two pulses; then a lower percentage can do.
 */
#include "dose.h"

#include <errno.h>

/* 0; -ERANGE: the stimulator cannot play this percentage; any other errno: no answer. */
static int try_percent(const struct tms_protocol *p, const struct tms_dose *dose, uint32_t percent,
                       const struct tms_info *info, struct tms_verdict *ret_verdict, bool *ret_weak,
                       struct tms_error *error)
{
        struct tms_timeline t = {};
        struct tms_dose lower = *dose;
        uint64_t strongest, weakest;
        int r;

        *ret_verdict = (struct tms_verdict){};
        lower.percent_permille = percent;
        r = tms_compile(p, &lower, &t, error);
        /* A percentage that is too weak to be set is not too high: the search goes on above it. */
        if (r == -ERANGE && ret_weak && dose_extremes(p, &lower, &strongest, &weakest, NULL) >= 0)
                *ret_weak = strongest <= 1000 && weakest == 0;
        if (r < 0)
                return r;
        r = tms_timeline_check(&t, info, NULL, ret_verdict);
        tms_timeline_clear(&t);
        return r;
}

static uint32_t own_percent(const struct tms_protocol *p, const struct tms_dose *dose)
{
        return dose->percent_permille ? dose->percent_permille : tms_protocol_percent_permille(p);
}

/*
 * With less energy every rule is easier to keep. So all percentages up to the
 * highest one can be played, except those that are too weak to be set, and the
 * highest one can be found by halving.
 */
int tms_dose_highest(const struct tms_protocol *p, const struct tms_dose *dose, const struct tms_info *info,
                     uint32_t *ret_percent_permille, struct tms_error *error)
{
        uint32_t good = 0, bad = own_percent(p, dose) + 1;
        struct tms_verdict verdict;
        bool weak;
        int r;

        while (bad - good > 1) {
                uint32_t middle = good + (bad - good) / 2;

                weak = false;
                r = try_percent(p, dose, middle, info, &verdict, &weak, error);
                if (r >= 0 || weak)
                        good = middle;
                else if (r == -ERANGE)
                        bad = middle;
                else
                        return r;
        }
        if (good == 0 || try_percent(p, dose, good, info, &verdict, NULL, error) < 0)
                return tms_error_set(error, ERANGE, NULL, 0, 0, NULL,
                                     "no percentage of this threshold can be played; measure the threshold again, or "
                                     "choose another protocol");
        assert(good <= own_percent(p, dose));
        *ret_percent_permille = good;
        return 0;
}

int tms_dose_check(const struct tms_protocol *p, const struct tms_dose *dose, const struct tms_info *info,
                   struct tms_error *error)
{
        struct tms_verdict verdict;
        char sentence[300];
        uint32_t best;
        int r;

        r = try_percent(p, dose, own_percent(p, dose), info, &verdict, NULL, error);
        if (r >= 0)
                return 0;
        if (verdict.rule == TMS_RULE_NONE)
                return r; /* tms_compile() has refused the dose and filled the error */

        tms_verdict_format(&verdict, sentence, sizeof(sentence));
        if (r == -ERANGE && tms_dose_highest(p, dose, info, &best, NULL) >= 0)
                return tms_error_set(error, ERANGE, NULL, 0, 0, NULL, "%s; the highest percentage possible is %u.%u %%",
                                     sentence, best / 10, best % 10);
        return tms_error_set(error, -r, NULL, 0, 0, NULL, "%s", sentence);
}
