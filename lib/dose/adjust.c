/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The measured and the adjusted threshold. The threshold is measured over the
 * motor cortex, and is adjusted if the target lies deeper or less deep. The
 * intensity of the pulses is calculated from the adjusted one; the policy
 * judges by the lower of the two, so that an adjustment never hides how strong
 * a pulse is.
 */
#include "dose.h"

#include <errno.h>

uint32_t dose_measured(const struct tms_dose *dose, size_t leg)
{
        assert(leg < TMS_LEGS_MAX);
        return dose->leg_threshold_permille[leg] ?: dose->threshold_permille;
}

uint32_t dose_played(const struct tms_dose *dose, size_t leg)
{
        assert(leg < TMS_LEGS_MAX);
        if (dose->leg_adjusted_permille[leg])
                return dose->leg_adjusted_permille[leg];
        /* The common adjusted threshold does not hold for a leg that has a threshold of its own. */
        if (dose->adjusted_threshold_permille && !dose->leg_threshold_permille[leg])
                return dose->adjusted_threshold_permille;
        return dose_measured(dose, leg);
}

uint32_t dose_judged(const struct tms_dose *dose, size_t leg)
{
        const uint32_t measured = dose_measured(dose, leg), played = dose_played(dose, leg);

        return played < measured ? played : measured;
}

bool dose_adjusts(const struct tms_dose *dose)
{
        bool adjusts = dose->adjusted_threshold_permille > 0;

        for (size_t i = 0; i < TMS_LEGS_MAX; i++)
                adjusts |= dose->leg_adjusted_permille[i] > 0;
        return adjusts;
}

static int one_check(uint32_t measured, uint32_t adjusted, struct tms_error *error)
{
        if (adjusted == 0)
                return 0;
        if (measured == 0)
                return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                     "an adjusted threshold of %u.%u %%MSO is given without the measured one; expected "
                                     "both, as the limits go by the measured one",
                                     adjusted / 10, adjusted % 10);
        if (adjusted > 1000)
                return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                     "an adjusted threshold of %u.%u %%MSO is impossible; expected at most 100 %%MSO",
                                     adjusted / 10, adjusted % 10);
        return 0;
}

int dose_adjust_check(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_error *error)
{
        int r;

        if (!dose_adjusts(dose))
                return 0;
        r = one_check(dose->threshold_permille, dose->adjusted_threshold_permille, error);
        for (size_t i = 0; r >= 0 && i < p->n_legs; i++)
                r = one_check(dose_measured(dose, i), dose->leg_adjusted_permille[i], error);
        if (r < 0)
                return r;
        for (size_t i = p->n_legs; i < TMS_LEGS_MAX; i++)
                if (dose->leg_adjusted_permille[i])
                        return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                             "an adjusted threshold is given for leg %zu, and %s has %zu; expected one "
                                             "for each leg at most",
                                             i + 1, p->id, p->n_legs);
        /* It is not known which of the two kinds was adjusted, nor whether the adjustment holds for both. */
        if (dose->other_threshold_permille)
                return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                     "an adjusted threshold and a second one of the other kind are given; expected one "
                                     "of the two, as it is not known how the second would be adjusted");
        return 0;
}

/* Of the legs, the one with the highest result counts. Rounded up. */
uint32_t dose_real_percent(const struct tms_protocol *p, const struct tms_dose *dose, uint32_t percent_permille)
{
        uint64_t most = percent_permille;

        for (size_t i = 0; i < p->n_legs; i++) {
                const uint64_t judged = dose_judged(dose, i);
                uint64_t real;

                if (judged == 0)
                        continue;
                real = ((uint64_t)percent_permille * dose_played(dose, i) + judged - 1) / judged;
                if (real > most)
                        most = real;
        }
        assert(most >= percent_permille);
        return most > UINT32_MAX ? UINT32_MAX : (uint32_t)most;
}
