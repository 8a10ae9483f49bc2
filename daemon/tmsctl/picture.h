/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pictures of a timeline. A picture has panels: the whole timeline, its first
 * train, its first burst. plot.c draws them on a terminal or as JSON, svg.c as
 * SVG.
 */
#ifndef TMSCTL_PICTURE_H
#define TMSCTL_PICTURE_H

#include "tmsctl.h"

#define PANELS_MAX 3

#define PLOT_BINS 820 /* columns of a panel in JSON or SVG */

struct panel {
        const char *name; /* for programs */
        char title[160];
        uint32_t first, count; /* pulses of the timeline */
        uint64_t from_ns, to_ns;
};

struct picture {
        const struct tms_protocol *protocol;
        struct tms_timeline timeline;
        bool relative; /* intensities are in 0.1 % of the threshold, not of the maximum output */
        struct panel panel[PANELS_MAX];
        size_t panels;
};

/* Makes the panels of the timeline, which has at least one pulse. */
void picture_make_panels(struct picture *pic);
/* ret: the highest intensity in each of n equal parts of the panel; 0: no pulse is there. */
void panel_bins(const struct picture *pic, const struct panel *p, uint16_t *ret, size_t n);

/* svg.c: prints a whole SVG document. */
void picture_svg(const struct picture *pic);

#endif
