/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The panels of a picture of a timeline, and the height of each column in them; see picture.h. */
#include "picture.h"

/* How many pulses there are from pulse from to the next one with that flag, both included. */
static uint32_t run_length(const struct tms_timeline *t, uint32_t from, uint16_t flag)
{
        uint32_t i = from;

        while (i + 1 < t->count && !(t->pulses[i].flags & flag))
                i++;
        return i - from + 1;
}

static struct panel *add_panel(struct picture *pic, const char *name, uint32_t first, uint32_t count)
{
        struct panel *p = &pic->panel[pic->panels++];

        *p = (struct panel){
                        .name = name,
                        .first = first,
                        .count = count,
                        .from_ns = pic->timeline.pulses[first].t_ns,
                        .to_ns = pic->timeline.pulses[first + count - 1].t_ns,
        };
        return p;
}

static const char *plural(uint32_t n)
{
        return n == 1 ? "" : "s";
}

void picture_make_panels(struct picture *pic)
{
        const struct tms_timeline *t = &pic->timeline;
        uint32_t train = run_length(t, 0, TMS_PULSE_END_OF_TRAIN), burst = 1, at = 0;
        char span[CLOCK_TEXT], after[CLOCK_TEXT];
        struct panel *p;

        p = add_panel(pic, "whole", 0, t->count);
        (void)snprintf(p->title, sizeof(p->title), "whole: %u pulse%s in %u train%s, %s", t->count, plural(t->count),
                       t->trains, plural(t->trains), clock_text(p->to_ns - p->from_ns, span));
        if (train < t->count && train > 1) {
                p = add_panel(pic, "train", 0, train);
                (void)snprintf(p->title, sizeof(p->title), "first train: %u pulses, %s, next one %s after its onset",
                               train, clock_text(p->to_ns - p->from_ns, span),
                               clock_text(t->pulses[train].t_ns - p->from_ns, after));
        }
        /* The first burst with more than one pulse: a single pulse has the flag too. */
        while (at < train && (burst = run_length(t, at, TMS_PULSE_END_OF_BURST)) == 1)
                at++;
        if (burst > 1 && burst < train) {
                p = add_panel(pic, "burst", at, burst);
                (void)snprintf(p->title, sizeof(p->title), "first burst: %u pulses, %s, next one %s after its onset",
                               burst, clock_text(p->to_ns - p->from_ns, span),
                               clock_text(t->pulses[at + burst].t_ns - p->from_ns, after));
        }
}

void panel_bins(const struct picture *pic, const struct panel *p, uint16_t *ret, size_t n)
{
        uint64_t span = p->to_ns - p->from_ns;
        uint32_t i;

        memset(ret, 0, n * sizeof(*ret));
        for (i = p->first; i < p->first + p->count; i++) {
                const struct tms_pulse *q = pic->timeline.pulses + i;
                /* No overflow: a day in nanoseconds times n is far below 2^64. */
                size_t bin = span > 0 ? (size_t)((q->t_ns - p->from_ns) * (n - 1) / span) : 0;

                if (q->intensity_permille > ret[bin])
                        ret[bin] = q->intensity_permille;
        }
}
