/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A protocol for one person. adjust.c says which threshold counts,
 * dose-check.c whether the dose fits the protocol, compile.c makes the
 * timeline, rest.c cuts what is left of one, limits.c calculates the session's limits apart from the timeline
 * and asks the kernel's verifier, playable.c says whether the stimulator can
 * give the dose, and the highest percentage that it can.
 *
 * dose/: these rooms know protocol/, base/ and the kernel's verifier, and nothing of the safety policy. They run in
 * whichever thread calls, keep nothing between two calls, and take no lock.
 */
#ifndef TMS_LIB_DOSE_H
#define TMS_LIB_DOSE_H

#include "protocol.h"

/* --- Measured and adjusted threshold: adjust.c ----------------------------------------------------- */

uint32_t dose_measured(const struct tms_dose *dose, size_t leg); /* 0: none was given */
uint32_t dose_played(const struct tms_dose *dose, size_t leg);   /* what the pulses' percentages are of */
uint32_t dose_judged(const struct tms_dose *dose, size_t leg);   /* what the policy judges by: the lower of the two */
bool dose_adjusts(const struct tms_dose *dose);
int dose_adjust_check(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_error *error);
/* The same intensity as percent_permille of dose_played(), as a percentage of dose_judged(). */
uint32_t dose_real_percent(const struct tms_protocol *p, const struct tms_dose *dose, uint32_t percent_permille);

/* --- dose-check.c ----------------------------------------------------------------------------------- */

/* Does the dose fit the protocol: kind of threshold, coil, ranges? */
int dose_check(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_error *error);
/* --- compile.c -------------------------------------------------------------------------------------- */

/* In 0.1 %MSO. The strongest pulse, rounded up; the weakest, rounded to the nearest: 0 is too weak to be set. */
int dose_extremes(const struct tms_protocol *p, const struct tms_dose *dose, uint64_t *ret_strongest,
                  uint64_t *ret_weakest, struct tms_error *error);

#endif
