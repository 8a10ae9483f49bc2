/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What library and driver share of the stimulator card: the driver's own
 * numbers, names for the card's coils and waveforms, and the card that the
 * register contract describes.
 */
#ifndef TMS_LIB_CARD_H
#define TMS_LIB_CARD_H

#include "kernel/pure/timeline.h"
#include "tms.h"

/*
 * Indexed by TMS_COIL_TYPE_*; "any" and NULL follow. A card reports every name but "any"; a protocol file may say every name
 * but the first, "none".
 */
extern const char *const coil_names[];
#define COIL_ANY (TMS_COIL_TYPE_SHAM + 1)

/* Indexed by TMS_LOAD_*, spelled as in protocol files; NULL follows. */
extern const char *const waveform_names[];

/* --- The reference card, with a figure-8 coil ------------------------------------------------------ */

/* The time after a pulse in which this card takes no trigger. */
#define REFERENCE_LOCKOUT_NS 500000

/*
 * The members of a struct tms_info that say what this card can, as the driver reports them; not its kinds of pulses,
 * and not how many of them it may give.
 */
#define REFERENCE_CARD                                                                                                 \
        .max_permille = 1000, .min_interval_ns = REFERENCE_LOCKOUT_NS + REFERENCE_LOCKOUT_NS / 1000 + TMS_LATENESS_NS, \
        .stored_pulses = 4, .pulse_mJ = 252000, .charge_mW = 6300000, .reservoir_mJ = 63000000, .refill_mW = 1050000,  \
        .coil_heat_mJ = 30000000, .coil_cool_mW = 400000

#endif
