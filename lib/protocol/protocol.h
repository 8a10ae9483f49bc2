/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A protocol that has been read: legs, each of them three nested levels of
 * repetition around a pulse. All times are exact: they are in "ticks" of
 * 1/den ns. den is the least common denominator of all times in the file, so
 * that sums and products of ticks are whole numbers.
 *
 * protocol/: from a file's text to legs, and from legs to times. These rooms know base/, and nothing of patients,
 * doses or safety. They run in whichever thread calls, and take no lock: after it was read a protocol does not change.
 */
#ifndef TMS_LIB_PROTOCOL_H
#define TMS_LIB_PROTOCOL_H

#include "card.h"
#include "tree.h"

#include <string.h>

#define PERCENT_MAX_PERMILLE 3000u /* the highest percentage that a file or a dose may say */
#define RAMP_TRAINS_MAX 10000u

enum level_index {
        LEVEL_BURST,  /* its units are pulses */
        LEVEL_TRAIN,  /* its units are bursts */
        LEVEL_SERIES, /* its units are trains */
        LEVEL_COUNT,
};

enum wait {
        WAIT_NONE,
        WAIT_TRIGGER,
        WAIT_OPERATOR,
};

enum base {
        BASE_MAIN, /* the session's intensity: reference x percentage */
        BASE_RMT,
        BASE_AMT,
        BASE_MSO,
};

struct intensity {
        enum base base;
        uint32_t permille;
};

enum spacing {
        SPACING_NONE,    /* one unit, no interval given */
        SPACING_REGULAR, /* interval */
        SPACING_JITTER,  /* jitter_min_ns .. jitter_max_ns */
        SPACING_ONSETS,  /* onsets, counted from the level's start */
};

struct level {
        uint32_t count;
        enum spacing spacing;
        enum wait wait; /* of the first pulse of each unit */
        struct ratio interval, jitter_min, jitter_max;
        struct ratio *onsets;

        /* Set by legs_finish(), which finds den. */
        uint64_t interval_ticks, jitter_min_ticks, jitter_max_ticks;
        uint64_t *onset_ticks;
};

struct leg {
        char *name, *target;
        struct intensity intensity; /* what "main" means in this leg */
        struct level levels[LEVEL_COUNT];
        struct intensity *intensities; /* one for each pulse of the burst; NULL: all are "main" */
        uint32_t ramp_start_permille, ramp_trains;
        bool has_seed;
        uint64_t seed;
        enum wait wait;     /* of the leg's first pulse */
        struct ratio pause; /* since the end of the leg before */

        uint64_t pause_ticks;
        uint64_t start_ticks;  /* the time of its first pulse if nothing waits */
        uint64_t span_ticks;   /* first to last pulse */
        uint64_t length_ticks; /* from its first pulse to its end: the outermost level's units x their interval */
        bool jittered;
};

enum status {
        STATUS_CLEARED,
        STATUS_PUBLISHED,
        STATUS_RESEARCH,
};

/* How somebody knows what a citation says. */
enum basis {
        BASIS_SOURCE,
        BASIS_CODE,
        BASIS_CALCULATION,
        BASIS_GENERAL_KNOWLEDGE,
};

struct citation {
        char *text, *supports;
        unsigned basis; /* enum basis */
        bool verified;
};

/* The totals that the file states. tms_session_limits() takes pulses and duration from here, not from the pattern. */
struct stated {
        uint64_t pulses, trains;
        uint64_t duration_ns; /* first_to_last, or longest for a jittered pattern */
};

struct tms_protocol {
        char *text;
        size_t size;
        char sha256[65];

        char *id, *title, *indication, *target, *notes;
        unsigned coil, waveform, status; /* TMS_COIL_TYPE_* or COIL_ANY; TMS_LOAD_*; enum status */
        bool verified;
        unsigned age_from, age_to; /* 0: not stated */

        enum base reference; /* BASE_RMT, BASE_AMT or BASE_MSO */
        uint32_t percent_permille, highest_permille;
        char *muscle, *adjustment;

        uint64_t den;
        size_t n_legs;
        struct leg legs[TMS_LEGS_MAX];
        struct stated stated;

        struct tms_course_defaults course;
        char *maintenance;
        size_t n_citations;
        struct citation *citations;
};

DEFINE_TRIVIAL_CLEANUP_FUNC(struct tms_protocol *, tms_protocol_free)

/* --- words.c: the words of a file, as read_choice() takes them --------------------------------- */

extern const char *const protocol_statuses[];
extern const char *const citation_bases[];
extern const char *const base_names[]; /* by enum base; those of a reference begin at BASE_RMT */
extern const char *const wait_names[]; /* by enum wait */
/* By enum level_index, without a NULL at the end: the keys of a pattern's levels, and the names of their units. */
extern const char *const level_keys[], *const level_units[];

/* Is kind, from a dose, the threshold that base is of? base is BASE_RMT or BASE_AMT. */
static inline bool kind_is(const char *kind, enum base base)
{
        return strcmp(kind, base_names[base]) == 0;
}

/* --- Reading: n is the value of the key, root the map of the whole file ------------------------- */

/* intensity.c */
int intensity_read(const struct reader *reader, const struct node *n, bool main_allowed, struct intensity *ret);
int main_intensity_read(const struct reader *reader, const struct node *n, struct tms_protocol *p);
/* pattern.c */
int pattern_read(const struct reader *reader, const struct node *n, struct leg *leg);
void leg_clear(struct leg *leg);
/* legs-read.c */
int legs_read(const struct reader *reader, const struct node *root, struct tms_protocol *p);
/* citations.c */
int citations_read(const struct reader *reader, const struct node *root, struct tms_protocol *p);
/* course.c */
int course_read(const struct reader *reader, const struct node *n, struct tms_protocol *p);

/* --- legs.c: all legs together ----------------------------------------------------------------- */

/* Fills den, ticks, spans and starts, and refuses overlaps. n is the map with "pattern" or "legs". */
int legs_finish(const struct reader *reader, const struct node *n, struct tms_protocol *p);

/* --- spans.c: what follows from a pattern in closed form --------------------------------------- */

uint64_t leg_trains(const struct leg *leg);
uint64_t leg_pulses(const struct leg *leg);
uint64_t leg_pulses_per_train(const struct leg *leg);
/* From first to last pulse of one burst, train or series, by level, with every jittered interval at its longest. */
uint64_t leg_span_longest(const struct leg *leg, int level);
/* *ret_ticks: units x interval. False if a jittered interval makes it unknown. */
bool leg_nominal(const struct leg *leg, int level, uint64_t *ret_ticks);
/* The shortest time between the onsets of two units of a level, in ticks. UINT64_MAX: there is only one unit. */
uint64_t level_shortest(const struct level *level);

uint64_t ticks_to_ns(uint64_t ticks, uint64_t den);
/* Both saturate at half of UINT64_MAX, which is more than a day; legs_finish() refuses more than a day. */
uint64_t mul_sat(uint64_t a, uint64_t b);
uint64_t add_sat(uint64_t a, uint64_t b);

/* --- totals.c ----------------------------------------------------------------------------------- */

void leg_readings(const struct tms_protocol *p, const struct leg *leg, struct tms_readings *ret);
int totals_read(const struct reader *reader, const struct node *n, const struct tms_protocol *p, const struct leg *leg,
                struct stated *ret);

/* --- protocol-files.c ------------------------------------------------------------------------------ */

struct dirent;

/* The folders with protocols, with colons between them. */
const char *protocol_path(void);
/* The next folder of such a list, to be freed: 1; 0 at the list's end; or -ENOMEM. */
int protocol_path_next(const char **list, char **ret);
/* Does this errno say that a file or a folder does not exist? After any other errno it is not known. */
bool protocol_is_absent(int error);
/* For scandir(). */
int protocol_is_file(const struct dirent *entry);

/* --- walk.c: pulse by pulse ------------------------------------------------------------------------- */

/*
 * Goes through a leg's pulses in order of time and fills pulses, unless it is
 * NULL. A time is the leg's start plus the time since then, rounded to the
 * nearest ns. *ret_last_ticks: from the leg's first pulse to its last.
 */
void leg_walk(const struct leg *leg, uint64_t den, struct tms_pulse *pulses, uint32_t first_train,
              uint64_t *ret_last_ticks);

/* The ramp's share of the full intensity in one train: num/den. */
struct share {
        uint64_t num, den;
};

struct share ramp_share(const struct leg *leg, uint32_t train);

#endif
