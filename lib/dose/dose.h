/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A protocol for one person: what a dose comes to in pulses. adjust.c tells
 * which threshold counts, dose-check.c whether the dose fits the protocol,
 * compile.c makes the timeline, limits.c gives the session's limits by a
 * second account, playable.c asks whether the stimulator can.
 *
 * These rooms know protocol/, base/ and the kernel's verifier; nothing of the safety policy, which is asked
 * elsewhere. They run in whichever thread calls, keep nothing between two calls, and take no lock.
 */
#ifndef TMS_LIB_DOSE_H
#define TMS_LIB_DOSE_H

#include "protocol.h"

/* --- Measured and adjusted threshold: adjust.c ----------------------------------------------------- */

uint32_t dose_measured(const struct tms_dose *dose, size_t leg); /* 0: none was given */
uint32_t dose_played(const struct tms_dose *dose, size_t leg);   /* what percentages are of */
uint32_t dose_judged(const struct tms_dose *dose, size_t leg);   /* the lower of the two */
bool dose_adjusts(const struct tms_dose *dose);
int dose_adjust_check(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_error *error);
/* That percentage of the threshold that is played by, as one of the threshold that is judged by. */
uint32_t dose_real_percent(const struct tms_protocol *p, const struct tms_dose *dose, uint32_t percent_permille);

/* --- dose-check.c ----------------------------------------------------------------------------------- */

/* Does the dose fit the protocol: kind of threshold, coil, ranges? */
int dose_check(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_error *error);
/* --- compile.c -------------------------------------------------------------------------------------- */

/* In 0.1 %MSO: the strongest pulse asked for, upwards; the weakest as it would be set, 0: too weak to be. */
int dose_extremes(const struct tms_protocol *p, const struct tms_dose *dose, uint64_t *ret_strongest,
                  uint64_t *ret_weakest, struct tms_error *error);

#endif
