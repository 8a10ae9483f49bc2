/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much time has passed between the log's records, whatever the wall clock
 * was set to: what is certain, what synchronised clocks prove, and whether the
 * wall clock can be believed now.
 *
 * Within a boot BOOTTIME says it, and is certain. While the computer was off
 * there is the wall clock alone, and it proves something only where it was
 * synchronised in both boots: from one synchronised record, and BOOTTIME, the
 * date of every moment of its boot follows. A boot that was never synchronised
 * lies somewhere between its neighbours; how long ago it was is proven from
 * the next boot's beginning on, which was after it.
 *
 * A wall clock that moved against BOOTTIME, or went backward over a boot, is
 * in trouble until it is right again, or until a day has certainly passed,
 * from when on no day's dose depends on it.
 */
#ifndef TMSD_ELAPSED_H
#define TMSD_ELAPSED_H

#include <jansson.h>
#include "clock.h"

#define DAY_NS (86400ULL * 1000000000ULL)

/* A moment of the log, to be compared with others. */
struct instant {
        uint64_t up_ns;  /* certain: the time that computers were up since the log began, as far as records say it */
        uint64_t utc_ns; /* the wall clock, which proves nothing; 0: not known */
        unsigned boot;   /* counted from 1 */
        /* The date, as synchronised clocks prove it; 0: they do not. Two sources may contradict each other. */
        uint64_t earliest_ns, latest_ns;
        unsigned dated_by; /* the boot whose clock proves latest_ns */
};

enum clock_trouble {
        CLOCK_STEPPED,  /* it moved by over 60 s while the computer was up */
        CLOCK_BACKWARD, /* over a boot */
        CLOCK_LONG_OFF, /* the computer was off for longer than is usual */
        CLOCK_TROUBLES,
};

struct elapsed {
        uint64_t max_off_ns;
        /* Of the newest record. */
        bool any;
        char boot[40];
        uint64_t utc_ns, mono_ns, boottime_ns; /* 0: not known */
        struct instant now;
        /* utc - boottime of this boot's synchronised records: the least and the most. */
        bool has_date;
        int64_t date_least_ns, date_most_ns;
        unsigned proofs; /* how often that has changed; what it proves of the past changes with it */
        /* utc - boottime when the wall clock was last believed in this boot. */
        bool has_offset;
        int64_t offset_ns;
        int64_t stepped_offset_ns; /* while it is not: the same, as it was last seen */
        struct {
                bool active;
                uint64_t from_utc_ns, to_utc_ns; /* what it should have been or was last, and what it was */
                uint64_t up_ns;                  /* when it was seen */
        } trouble[CLOCK_TROUBLES];
};

/* Every record, in order. */
void elapsed_see(struct elapsed *e, const json_t *record);
/* As a record of that moment would. boot: this boot's id. */
void elapsed_advance(struct elapsed *e, const char *boot, const struct clock_now *now);
/* A record's "utc", or "utc_ns" of one of this run; 0: not known. */
uint64_t record_utc_ns(const json_t *record);

/* Takes over into then what is proven by now of when it was; from each time on that proofs has changed. */
void elapsed_prove(const struct elapsed *e, struct instant *then);
/* May then have been within the day before now? What is not known may be so. */
bool elapsed_may_be_within_day(const struct elapsed *e, const struct instant *then);
/* And is it so only because no synchronised clock proves what the wall clock says, that it was before? */
bool elapsed_is_doubtful(const struct elapsed *e, const struct instant *then);
/* Has more than a day certainly passed? */
bool elapsed_is_over_a_day(const struct instant *then, const struct instant *now);

#endif
