/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does a dose fit its protocol? Checks the kinds of its thresholds, the coil
 * that they were measured with, and whether thresholds of that size are
 * possible. A dose that does not fit is refused before it is compiled or
 * judged.
 */
#include "dose.h"

#include <errno.h>
#include <string.h>

static bool leg_uses(const struct leg *leg, enum base base)
{
        bool uses = leg->intensity.base == base;

        for (uint32_t k = 0; leg->intensities && k < leg->levels[LEVEL_BURST].count; k++)
                uses |= leg->intensities[k].base == base;
        return uses;
}

/* For a second threshold without the kind of the first. A protocol in %MSO has no kind that could stand in for it. */
static int second_refuse(const char *kind, struct tms_error *error)
{
        const char *quote = kind[0] ? "\"" : "";

        return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                             "a second threshold is given, but the kind of the first is %s%s%s; expected rMT or aMT, "
                             "which tells which of the two is which",
                             quote, kind[0] ? kind : "not stated", quote);
}

/*
 * A tense muscle answers to weaker pulses than one at rest, so the active
 * threshold is not above the resting one. This is checked because the policy
 * takes a percentage of the active threshold as if it were one of the resting
 * threshold: that errs on the safe side only if the active one is lower.
 */
static int order_check(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_error *error)
{
        const bool resting = kind_is(dose->threshold_kind, BASE_RMT);

        if (dose->other_threshold_permille == 0)
                return 0;
        if (!resting && !kind_is(dose->threshold_kind, BASE_AMT))
                return second_refuse(dose->threshold_kind, error);
        for (size_t i = 0; i <= p->n_legs; i++) {
                uint32_t own = i < p->n_legs ? dose->leg_threshold_permille[i] : dose->threshold_permille;
                uint32_t rmt = resting ? own : dose->other_threshold_permille;
                uint32_t amt = resting ? dose->other_threshold_permille : own;

                /* The other threshold may be of one side of the head only: legs that do not use it are left out. */
                if (own == 0 || amt <= rmt || (i < p->n_legs && !leg_uses(&p->legs[i], resting ? BASE_AMT : BASE_RMT)))
                        continue;
                return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                     "the active threshold (aMT) of %u.%u %%MSO is above the resting one (rMT) of "
                                     "%u.%u %%MSO; expected it to be no higher, as a tense muscle answers to less",
                                     amt / 10, amt % 10, rmt / 10, rmt % 10);
        }
        return 0;
}

/*
 * Checks every threshold, even one that no pulse's intensity is calculated from: the policy divides by it, so that too
 * high a threshold would hide how strong a pulse is.
 */
static int thresholds_check(const struct tms_dose *dose, struct tms_error *error)
{
        uint32_t most = dose->threshold_permille;

        if (dose->other_threshold_permille > most)
                most = dose->other_threshold_permille;
        for (size_t i = 0; i < TMS_LEGS_MAX; i++)
                if (dose->leg_threshold_permille[i] > most)
                        most = dose->leg_threshold_permille[i];
        if (most <= 1000)
                return 0;
        return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                             "a threshold of %u.%u %%MSO is impossible; expected at most 100 %%MSO", most / 10,
                             most % 10);
}

int dose_check(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_error *error)
{
        const char *coil = coil_names[p->coil];
        bool missing = false, given = dose->threshold_permille || dose->other_threshold_permille;
        int r;

        for (size_t i = 0; i < p->n_legs; i++) {
                given |= dose->leg_threshold_permille[i] > 0;
                missing |= dose->threshold_permille == 0 && dose->leg_threshold_permille[i] == 0;
        }
        if (p->reference != BASE_MSO) {
                if (missing)
                        return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                             "%s is given in percent of the %s; expected the patient's threshold",
                                             p->id, base_names[p->reference]);
                if (!kind_is(dose->threshold_kind, p->reference))
                        return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                             "the threshold is \"%s\", but %s is given in percent of the %s; expected "
                                             "that one",
                                             dose->threshold_kind, p->id, base_names[p->reference]);
        }
        r = thresholds_check(dose, error);
        if (r < 0)
                return r;
        for (size_t i = p->n_legs; i < TMS_LEGS_MAX; i++)
                if (dose->leg_threshold_permille[i])
                        return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                             "a threshold is given for leg %zu, and %s has %zu; expected one for each "
                                             "leg at most",
                                             i + 1, p->id, p->n_legs);
        /* A threshold holds only for the type of coil that it was measured with. */
        if (given && p->coil != COIL_ANY && strcmp(dose->threshold_coil, coil) != 0)
                return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                     "the threshold was measured with a %s coil, but %s is for a %s coil; expected a "
                                     "threshold "
                                     "measured with that coil",
                                     dose->threshold_coil[0] ? dose->threshold_coil : "(not stated)", p->id, coil);
        if (dose->percent_permille > PERCENT_MAX_PERMILLE)
                return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                     "%u.%u %% is out of range; expected at most %u %%", dose->percent_permille / 10,
                                     dose->percent_permille % 10, PERCENT_MAX_PERMILLE / 10);
        r = dose_adjust_check(p, dose, error);
        return r < 0 ? r : order_check(p, dose, error);
}
