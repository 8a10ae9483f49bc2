/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timelines and envelopes for the verifier's tests. */
#ifndef TEST_PULSES_H
#define TEST_PULSES_H

#include "timeline.h"

#define MS 1000000ULL
#define S 1000000000ULL
#define MINUTE (60 * S)
#define HOUR (3600 * S)
#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))

/* An envelope in which no rule binds; a test tightens the one it is about. */
struct tms_envelope envelope_wide(void);

/* Pulses at the given times, a train of their own each, all of one intensity. */
void pulses_at(struct tms_pulse *pulses, const u64 *t_ns, u32 count, u16 permille);

/* Pulses at one distance, in trains of @per_train. */
void pulses_flat(struct tms_pulse *pulses, u32 count, u64 interval_ns, u16 permille, u32 per_train);

#endif
