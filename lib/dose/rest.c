/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is left of a timeline that was not played to its end, as a timeline of
 * its own. It begins at a burst that nothing came of: a burst or a pair that was
 * begun is not begun again, since half of it would then be given twice.
 */
#include "dose.h"

#include <errno.h>

/* The first pulse of the first burst that has none of the pulses before behind. */
static uint32_t begins_at(const struct tms_timeline *whole, uint32_t behind)
{
        while (behind > 0 && behind < whole->count && !(whole->pulses[behind - 1].flags & TMS_PULSE_END_OF_BURST))
                behind++;
        return behind;
}

int tms_timeline_rest(const struct tms_timeline *whole, uint32_t behind, struct tms_timeline *ret,
                      uint32_t *ret_first_pulse, uint32_t *ret_first_train)
{
        struct tms_timeline t;
        const struct tms_pulse *from;
        uint32_t first;

        if (whole->count == 0 || behind > whole->count)
                return -EINVAL;
        first = begins_at(whole, behind);
        if (first == whole->count)
                return -ENODATA;
        from = &whole->pulses[first];
        if (ret) {
                t = (struct tms_timeline){
                                .count = whole->count - first,
                                .trains = whole->trains - from->train,
                                .waveform = whole->waveform,
                };
                t.pulses = malloc(t.count * sizeof(*t.pulses));
                if (!t.pulses)
                        return -ENOMEM;
                for (uint32_t i = 0; i < t.count; i++) {
                        struct tms_pulse *p = &t.pulses[i];

                        *p = from[i];
                        p->t_ns -= from->t_ns;
                        p->train -= from->train;
                        if (p->intensity_permille > t.max_permille)
                                t.max_permille = p->intensity_permille;
                }
                *ret = t;
        }
        if (ret_first_pulse)
                *ret_first_pulse = first;
        if (ret_first_train)
                *ret_first_train = from->train;
        return 0;
}
