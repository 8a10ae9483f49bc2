/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pictures of a timeline: the whole, its first train, its first burst. Each
 * panel is a stretch of pulses; how it is drawn, on a terminal or as SVG, is
 * another file's concern.
 */
#ifndef TMSCTL_PICTURE_H
#define TMSCTL_PICTURE_H

#include "tmsctl.h"

#define PANELS_MAX 3

#define PLOT_BINS 820 /* of a picture that is not a terminal's */

struct panel {
        const char *name; /* for programs */
        char title[160];
        uint32_t first, count; /* pulses of the timeline */
        uint64_t from_ns, to_ns;
};

struct picture {
        const struct tms_protocol *protocol;
        struct tms_timeline timeline;
        bool relative; /* intensities are of the threshold, not of the stimulator's maximum */
        struct panel panel[PANELS_MAX];
        size_t panels;
};

/* Of the timeline, which has a pulse at least. */
void picture_make_panels(struct picture *pic);
/* The highest intensity in each of n equal stretches of the panel, 0 where there is no pulse. */
void panel_bins(const struct picture *pic, const struct panel *p, uint16_t *ret, size_t n);

/* svg.c: a whole SVG document on standard output. */
void picture_svg(const struct picture *pic);

#endif
