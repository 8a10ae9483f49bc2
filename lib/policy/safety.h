/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The clinical safety policy's inside: its numbers, what kind of stimulation
 * a session is, and the allow-list.
 *
 * policy/: these rooms know dose/, protocol/ and base/. They read the site's list of approved files, so that a call
 * may wait for a disk, in whichever thread calls; they keep nothing between two calls, and take no lock.
 */
#ifndef TMS_LIB_SAFETY_H
#define TMS_LIB_SAFETY_H

#include "dose.h"

#define SAFETY_COLUMNS_MAX 5
#define SAFETY_ROWS 5

/* Longest safe duration of one train, by frequency (rows) and intensity (columns). */
struct duration_table {
        const char *name, *source;
        bool verified, longest_tested_verified; /* of the numbers; of longest_tested */
        unsigned columns;
        uint32_t percent_permille[SAFETY_COLUMNS_MAX];
        uint32_t hz[SAFETY_ROWS];
        struct {
                uint32_t ms;
                bool longest_tested; /* printed with ">": this is no limit, but nothing longer was tested */
        } cell[SAFETY_ROWS][SAFETY_COLUMNS_MAX];
};

extern const struct duration_table rossi2009, chen1997;

/* Trains at least min_ns apart were safe up to this intensity; above it there are no data. */
struct interval_table {
        const char *name, *source;
        bool verified, no_data_verified; /* of the numbers; of there being no data above them */
        uint64_t min_ns;
        uint32_t percent_permille;
};

extern const struct interval_table chen1997_iti;

/* A single number that a layer compares something with. */
struct limit {
        const char *name, *source;
        uint64_t value;
        const char *step; /* for a ceiling: what a person can do about a dose beyond it */
};

extern const struct limit ceiling_percent_permille, ceiling_pulses_per_s, ceiling_pulses_per_day;
extern const struct limit adjusted_percent_permille;
extern const struct limit free_form_session_pulses, free_form_day_pulses, measuring_pulses_per_day;
extern const struct limit table_max_hz, table_max_percent_permille, single_pulse_min_ns;
extern const char *const theta_burst_source, *const visual_threshold_source, *const allow_list_source;

/* --- The pulses of a session, whatever words its author chose for them ---------------------------- */

/* The pulses as they are played if nothing waits: a wait makes the gap that it is in longer, and no gap shorter. */
struct session_pulses {
        size_t count, legs;
        struct tms_pulse *pulses;   /* only t_ns is valid */
        uint32_t *percent_permille; /* of the motor threshold, rounded up; 0: there is none */
        size_t leg_end[TMS_LEGS_MAX];
};

int session_pulses_make(const struct tms_protocol *p, const struct tms_dose *dose, struct session_pulses *ret);
void session_pulses_clear(struct session_pulses *c);
/* The most pulses in any half-open second. */
uint64_t session_pulses_per_s(const struct session_pulses *c);

enum stimulation {
        STIMULATION_SINGLE,     /* a pulse with at least 5 s on both sides */
        STIMULATION_TRAINS,     /* a regular train: the tables apply */
        STIMULATION_THETA,      /* bursts of 3 to 5 pulses at 30 to 50 Hz, 3 to 8 bursts a second */
        STIMULATION_BURSTS,     /* other pairs and bursts, and trains above the tables' frequencies */
        STIMULATION_ARRHYTHMIC, /* pulses without a frequency */
};

#define BURST_PULSES_MAX 5

/* A single pulse, a train, or a block of bursts that ends where there are 5 s without a pulse. */
struct train {
        enum stimulation stimulation;
        size_t leg, last_leg;
        uint64_t pulses;
        uint64_t burst_pulses;            /* of the longest burst; only for STIMULATION_THETA and STIMULATION_BURSTS */
        uint64_t interval_ns, longest_ns; /* shortest and longest interval; for one pulse: to the next one, or 0 */
        uint64_t train_ns;                /* the last interval included */
        uint64_t pause_ns;                /* since the end of the train before; TMS_TIME_NONE for the first */
        uint32_t percent_permille;        /* of its strongest pulse */
        uint32_t pause_percent_permille;  /* of the stronger of this train and the one before */
        bool begins_leg;                  /* it begins with its leg's first pulse, which may wait */
        bool unrelated;                   /* some pulse has no threshold to compare it with */
};

typedef void (*train_found)(const struct train *t, void *userdata);
/* In order of time. */
void session_pulses_trains(const struct session_pulses *c, train_found found, void *userdata);

/* --- A verdict in the making ----------------------------------------------------------------------- */

/* For each kind of reason, the worst of a leg's trains. pulses 0: there is none. */
struct leg_findings {
        struct train rossi, chen, interval; /* nearest to the table's limit, or furthest beyond */
        struct train not_covered;
        struct train single;
};

struct safety_check {
        const struct tms_protocol *p;
        const struct tms_dose *dose;
        const struct tms_today *today;
        struct tms_safety *out;
        bool full;                      /* there was no room for a reason, so there is no verdict */
        struct tms_safety_reason spare; /* what safety_reason_add() returns then */
        uint32_t percent_permille;      /* of the reference, from the dose or else the protocol */
        uint64_t trains;                /* how many were found, without single pulses */
        uint32_t strongest_permille;    /* of the threshold, without single pulses; 0: none */
        struct leg_findings legs[TMS_LEGS_MAX];
        enum tms_safety_class outside; /* the class of what exceeds a table: a notice if listed, else an override */
};

/* --- Reasons: reasons.c ---------------------------------------------------------------------------- */

enum layer {
        LAYER_CEILING,
        LAYER_ALLOW_LIST,
        LAYER_TABLE,
        LAYER_THRESHOLD,
        LAYER_CARD,
};

/* The name of a layer in struct tms_safety_reason. */
const char *safety_layer_name(enum layer layer);
/* Never NULL. Without room it sets full and returns the spare reason. */
struct tms_safety_reason *safety_reason_add(struct safety_check *c, enum tms_safety_class class_, enum layer layer,
                                            const char *table, const char *source);
#define REASON_TEXT(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)
/* "120 %", "112.5 %" */
void safety_percent_text(char *buf, size_t size, uint64_t permille);
/* The error for a verdict without room for all of its reasons. */
int safety_no_room(struct tms_error *error);

/* --- The third layer: safety-trains.c ---------------------------------------------------------------- */

/* For session_pulses_trains(): keeps the train if it is the worst. userdata is the struct safety_check. */
void safety_train_found(const struct train *x, void *userdata);
/* Adds the reasons for what was kept of a leg. */
void safety_leg_tables(struct safety_check *c, const struct leg_findings *f);

/* --- The whole: safety.c ------------------------------------------------------------------------------ */

/* The verdict of the three layers. Whether the stimulator can give the dose is not checked. */
int safety_policy(const struct tms_protocol *p, const struct tms_dose *dose, const struct tms_today *today,
                  struct tms_safety *ret, struct tms_error *error);

/* --- Measured and adjusted threshold: adjustment.c ------------------------------------------------- */

/* Adds a reason that says what the adjustment makes of the percentages, or that the protocol asks for an adjustment. */
void safety_adjustment(struct safety_check *c, bool listed);

/* --- The allow-list ------------------------------------------------------------------------------- */

enum listed {
        LISTED_NO,
        LISTED_SHIPPED,
        LISTED_SITE,
};

/* Is a protocol with this hash and id on the list? */
int allow_list_find(const char *sha256, const char *id, enum listed *ret, struct tms_error *error);

#endif
