/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells how much time has passed between the log's records, even when the wall clock was set in between: what is
 * certain, what synchronised clocks prove, and whether the wall clock can be believed now.
 *
 * Within a boot, BOOTTIME gives the elapsed time, and is certain. For the time when the computer was off there is only
 * the wall clock. It proves something only if it was synchronised in both boots: one synchronised record and BOOTTIME
 * together give the date of every moment of that boot. A boot that was never synchronised lies somewhere between the
 * boots before and after it. The beginning of the next boot was later than it, and so proves how long ago it was at
 * least.
 *
 * If the wall clock moves against BOOTTIME, or goes backward over a boot, the clock is in trouble. It stays so until
 * the clock is right again, or until a day has certainly passed, since no day's dose depends on it then.
 */
#ifndef TMSD_ELAPSED_H
#define TMSD_ELAPSED_H

#include <jansson.h>
#include "clock.h"

#define DAY_NS (86400ULL * 1000000000ULL)

/* A moment of the log, which can be compared with other moments. */
struct instant {
        uint64_t up_ns;  /* certain: so long computers were up since the log began */
        uint64_t utc_ns; /* by the wall clock, which proves nothing; 0: not known */
        unsigned boot;   /* counted from 1 */
        /*
         * The earliest and the latest date that it can have been, as synchronised clocks prove; 0: they prove nothing.
         * The two differ where two sources of time gave different dates.
         */
        uint64_t earliest_ns, latest_ns;
        unsigned dated_by; /* the boot whose clock proves latest_ns */
};

enum clock_trouble {
        CLOCK_STEPPED,  /* the wall clock moved by over 60 s while the computer was up */
        CLOCK_BACKWARD, /* the wall clock went backward over a boot */
        CLOCK_LONG_OFF, /* the computer was off for longer than max_off_ns */
        CLOCK_TROUBLES,
};

struct elapsed {
        uint64_t max_off_ns;
        /* Of the newest record. */
        bool any;
        char boot[40];
        uint64_t utc_ns, mono_ns, boottime_ns; /* 0: not known */
        struct instant now;
        /* The least and the most of (utc - boottime) among this boot's synchronised records. */
        bool has_date;
        int64_t date_least_ns, date_most_ns;
        unsigned proofs; /* how often the two have changed; after a change elapsed_prove() proves more of the past */
        /* (utc - boottime) when the wall clock was last believed in this boot. */
        bool has_offset;
        int64_t offset_ns;
        int64_t stepped_offset_ns; /* while the clock is not believed: (utc - boottime) as last seen */
        struct {
                bool active;
                uint64_t from_utc_ns, to_utc_ns; /* what the clock should have said, and what it said */
                uint64_t up_ns;                  /* when it was seen */
        } trouble[CLOCK_TROUBLES];
};

/* Has to be given every record, in order. */
void elapsed_see(struct elapsed *e, const json_t *record);
/* Moves on to that moment, as a record of it would. boot: this boot's id. */
void elapsed_advance(struct elapsed *e, const char *boot, const struct clock_now *now);
/* The time of a record: its "utc", or "utc_ns" if the record was written by this run. 0: not known. */
uint64_t record_utc_ns(const json_t *record);

/*
 * Writes into then what is proven by now of the date of that moment. To be called for each past moment when proofs has
 * changed.
 */
void elapsed_prove(const struct elapsed *e, struct instant *then);
/* May that moment have been within the 24 hours before now? True also when that is not known. */
bool elapsed_may_be_within_day(const struct elapsed *e, const struct instant *then);
/* Is the only reason for that that no synchronised clock proves the wall clock, by which the moment was earlier? */
bool elapsed_is_doubtful(const struct elapsed *e, const struct instant *then);
/* Have more than 24 hours certainly passed between the two? */
bool elapsed_is_over_a_day(const struct instant *then, const struct instant *now);

#endif
