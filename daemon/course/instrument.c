/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rating scales; see instrument.h. */
#include "instrument.h"
#include "util.h"

struct band {
        unsigned from; /* the lowest total of the band */
        const char *severity;
};

/*
 * Ranges: the highest answer of each item adds up to the instrument's published range, 27, 52, 60 and 40. How HAM-D's 52
 * are split over its 17 items is general knowledge of that scale (3 steps for items 4-6, 12-14, 16 and 17, 5 for the
 * others) and has not been compared with its first publication.
 *
 * Severity: PHQ-9 at 5, 10, 15 and 20; HAM-D17 at 8, 14, 19 and 23, as a clinic's software has it. MADRS and Y-BOCS have
 * no bands here, since none were found in a source.
 *
 * Remission: PHQ-9 below 5 (general knowledge), HAM-D17 at most 7, MADRS at most 10; Y-BOCS has none.
 *
 * Response: the total has fallen by half; for Y-BOCS by 30 in 100, and partial by 20.
 *
 * Suicidality: items 9, 3 and 10; Y-BOCS does not ask.
 *
 * Sources: trial NCT03378570 (cut-offs of PHQ-9); BRIGhTMIND, PMC7342821, table T3 (response and remission of HAM-D17); the
 * clinic's software kasadera-creator/rTMS (bands of HAM-D17, rule of week 3); Cole 2020, doi 10.1176/appi.ajp.2019.19070720
 * (MADRS); Carmi 2019, doi 10.1176/appi.ajp.2019.18101180 (Y-BOCS).
 */
static const struct {
        const char *name;
        uint8_t items;
        uint8_t most[INSTRUMENT_ITEMS];
        struct band band[5];   /* the first one is from 0; without a severity there are none */
        int remission;         /* the highest total of a remission; -1: there is none */
        uint8_t full, partial; /* by how much in 100 the total falls; partial 0: there is none */
        uint8_t suicidality;   /* the item's number; 0: there is none */
} instruments[INSTRUMENTS] = {
                [INSTRUMENT_PHQ9] = {.name = "phq-9",
                                     .items = 9,
                                     .most = {3, 3, 3, 3, 3, 3, 3, 3, 3},
                                     .band = {{0, "minimal"},
                                              {5, "mild"},
                                              {10, "moderate"},
                                              {15, "moderately severe"},
                                              {20, "severe"}},
                                     .remission = 4,
                                     .full = 50,
                                     .suicidality = 9},
                [INSTRUMENT_HAMD17] = {.name = "ham-d",
                                       .items = 17,
                                       .most = {4, 4, 4, 2, 2, 2, 4, 4, 4, 4, 4, 2, 2, 2, 4, 2, 2},
                                       .band = {{0, "normal"},
                                                {8, "mild"},
                                                {14, "moderate"},
                                                {19, "severe"},
                                                {23, "very severe"}},
                                       .remission = 7,
                                       .full = 50,
                                       .suicidality = 3},
                [INSTRUMENT_MADRS] = {.name = "madrs",
                                      .items = 10,
                                      .most = {6, 6, 6, 6, 6, 6, 6, 6, 6, 6},
                                      .remission = 10,
                                      .full = 50,
                                      .suicidality = 10},
                [INSTRUMENT_YBOCS] = {.name = "y-bocs",
                                      .items = 10,
                                      .most = {4, 4, 4, 4, 4, 4, 4, 4, 4, 4},
                                      .remission = -1,
                                      .full = 30,
                                      .partial = 20},
};

const char *instrument_name(enum instrument i)
{
        assert(i < INSTRUMENTS);
        return instruments[i].name;
}

int instrument_find(const char *name)
{
        int i;

        for (i = 0; i < INSTRUMENTS; i++) {
                if (STREQ(instruments[i].name, name))
                        return i;
        }
        return -ENOENT;
}

size_t instrument_items(enum instrument i)
{
        assert(i < INSTRUMENTS);
        return instruments[i].items;
}

int rating_read(enum instrument instrument, const int64_t *answer, size_t n, struct rating *ret,
                char why[static COURSE_WHY])
{
        struct rating r = {.instrument = instrument};
        size_t i;

        assert(instrument < INSTRUMENTS);
        if (n != instruments[instrument].items) {
                (void)snprintf(why, COURSE_WHY, "%s has %u items, and %zu answers are given; give one for each item",
                               instruments[instrument].name, instruments[instrument].items, n);
                return -EINVAL;
        }
        for (i = 0; i < n; i++) {
                if (answer[i] < 0 || answer[i] > instruments[instrument].most[i]) {
                        (void)snprintf(why, COURSE_WHY,
                                       "item %zu of %s is answered with %lld, and its answers are 0 to %u; look at the "
                                       "form again",
                                       i + 1, instruments[instrument].name, (long long)answer[i],
                                       instruments[instrument].most[i]);
                        return -EINVAL;
                }
                r.item[i] = (uint8_t)answer[i];
        }
        *ret = r;
        return 0;
}

unsigned rating_total(const struct rating *r)
{
        unsigned total = 0;
        size_t i;

        for (i = 0; i < instrument_items(r->instrument); i++)
                total += r->item[i];
        return total;
}

const char *rating_severity(const struct rating *r)
{
        const struct band *band = instruments[r->instrument].band;
        const unsigned total = rating_total(r);
        const char *severity = NULL;
        size_t i;

        for (i = 0; i < ELEMENTS(instruments[0].band); i++) {
                if (total >= band[i].from)
                        severity = band[i].severity;
        }
        return severity;
}

/* Has the total fallen by at least that much in 100 of what it was? */
static bool has_fallen(unsigned before, unsigned now, unsigned in_100)
{
        return now <= before && (before - now) * 100 >= before * in_100;
}

enum response rating_response(const struct rating *before, const struct rating *now)
{
        const unsigned was = rating_total(before), is = rating_total(now);

        assert(before->instrument == now->instrument);
        if (was == 0)
                return RESPONSE_NONE;
        if (has_fallen(was, is, instruments[now->instrument].full))
                return RESPONSE_FULL;
        if (instruments[now->instrument].partial && has_fallen(was, is, instruments[now->instrument].partial))
                return RESPONSE_PARTIAL;
        return RESPONSE_NONE;
}

bool rating_is_remission(const struct rating *r)
{
        return (int)rating_total(r) <= instruments[r->instrument].remission;
}

/* As encoded in a clinic's software: HAM-D17 at most 7 is a remission; better by less than 20 in 100, no response. */
enum week3 rating_week3(const struct rating *before, const struct rating *now)
{
        assert(before->instrument == now->instrument);
        if (now->instrument != INSTRUMENT_HAMD17 || rating_total(before) == 0)
                return WEEK3_UNKNOWN;
        if (rating_is_remission(now))
                return WEEK3_REMISSION;
        return has_fallen(rating_total(before), rating_total(now), 20) ? WEEK3_CONTINUE : WEEK3_NO_RESPONSE;
}

enum suicidality rating_suicidality(const struct rating *last, const struct rating *now)
{
        const unsigned item = instruments[now->instrument].suicidality;

        assert(!last || last->instrument == now->instrument);
        if (item == 0 || now->item[item - 1] == 0)
                return SUICIDALITY_NONE;
        return last && now->item[item - 1] > last->item[item - 1] ? SUICIDALITY_RISEN : SUICIDALITY_PRESENT;
}
