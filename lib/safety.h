/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The clinical safety policy's inside: its numbers, what kind of stimulation
 * a leg is, and the allow-list.
 */
#ifndef TMS_LIB_SAFETY_H
#define TMS_LIB_SAFETY_H

#include "protocol.h"

#define SAFETY_COLUMNS_MAX 5
#define SAFETY_ROWS 5

/* Longest safe duration of one train, by frequency (rows) and intensity (columns). */
struct duration_table {
        const char *name, *source;
        bool verified;
        unsigned columns;
        uint32_t percent_permille[SAFETY_COLUMNS_MAX];
        uint32_t hz[SAFETY_ROWS];
        struct {
                uint32_t ms;
                bool longest_tested; /* no limit was found: nobody has tried longer */
        } cell[SAFETY_ROWS][SAFETY_COLUMNS_MAX];
};

extern const struct duration_table rossi2009, chen1997;

/* Trains at least this far apart were safe up to this intensity; above it there are no data. */
struct interval_table {
        const char *name, *source;
        bool verified;
        uint64_t min_ns;
        uint32_t percent_permille;
};

extern const struct interval_table chen1997_iti;

/* A single number that a layer holds something against. */
struct limit {
        const char *name, *source;
        uint64_t value;
};

extern const struct limit ceiling_percent_permille, ceiling_pulses_per_s, ceiling_pulses_per_day;
extern const struct limit free_form_session_pulses, free_form_day_pulses, measuring_pulses_per_day;
extern const struct limit table_max_hz, table_max_percent_permille, single_pulse_min_ns;
extern const char *const theta_burst_source, *const visual_threshold_source, *const allow_list_source;

/* --- What a leg is, whatever words its author chose for the levels ------------------------------- */

enum stimulation {
        STIMULATION_SINGLE,     /* never closer than 5 s */
        STIMULATION_TRAINS,     /* regular trains that the tables can speak of */
        STIMULATION_THETA,      /* bursts of 3 to 5 at 30 to 50 Hz, at 3 to 8 Hz */
        STIMULATION_BURSTS,     /* other pairs and bursts above the tables' frequencies */
        STIMULATION_ARRHYTHMIC, /* trains without a frequency */
};

struct character {
        enum stimulation stimulation;
        uint64_t interval_ns; /* shortest between pulses of a train */
        uint64_t train_ns;    /* pulses x interval, at its longest */
        uint64_t iti_ns;      /* shortest from a train's end to the next; TMS_TIME_NONE for a single train */
        uint64_t pulses_per_train;
        uint64_t burst_pulses; /* STIMULATION_THETA, STIMULATION_BURSTS */
};

void leg_character(const struct tms_protocol *p, const struct leg *leg, struct character *ret);

/* --- The allow-list ------------------------------------------------------------------------------- */

enum listed {
        LISTED_NO,
        LISTED_SHIPPED,
        LISTED_SITE,
};

/* Is a protocol with this hash and id on the list? */
int allow_list_find(const char *sha256, const char *id, enum listed *ret, struct tms_error *error);

#endif
