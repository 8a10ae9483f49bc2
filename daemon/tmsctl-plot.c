/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plot: a picture of the timeline on the terminal; see tmsctl-plot.h. */
#include <inttypes.h>

#include "tmsctl-plot.h"

#define ROWS 4
#define MARGIN 8 /* columns left of the picture, for the scale */
#define WIDTH_MAX 200

/* --- Panels ------------------------------------------------------------------------------ */

/* How many pulses from there on up to and including the one with that flag. */
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

static void make_panels(struct picture *pic)
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
        /* The first burst that is one: a pulse of its own is its own end. */
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
                /* A day of nanoseconds times the width of a picture stays far below 2^64. */
                size_t bin = span > 0 ? (size_t)((q->t_ns - p->from_ns) * (n - 1) / span) : 0;

                if (q->intensity_permille > ret[bin])
                        ret[bin] = q->intensity_permille;
        }
}

/* --- The terminal --------------------------------------------------------------------------- */

static const char *cell(unsigned eighths)
{
        static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

        if (is_utf8())
                return blocks[eighths];
        return eighths >= 4 ? "|" : eighths > 0 ? "." : " ";
}

static void draw_axis(const struct panel *p, unsigned width)
{
        char end[CLOCK_TEXT], middle[CLOCK_TEXT];
        uint64_t span = p->to_ns - p->from_ns;
        unsigned i;

        printf("%*s%s", MARGIN - 1, "", is_utf8() ? "└" : "+");
        for (i = 0; i < width; i++)
                (void)fputs(is_utf8() ? "─" : "-", stdout);
        (void)clock_text(span, end);
        (void)clock_text(span / 2, middle);
        if (span == 0)
                printf("\n%*s0\n", MARGIN, "");
        else
                printf("\n%*s0%*s%*s\n", MARGIN, "", (int)(width / 2 + strlen(middle) / 2) - 1, middle,
                       (int)(width - width / 2 - strlen(middle) / 2), end);
}

static void draw_panel(const struct picture *pic, const struct panel *p, unsigned width)
{
        uint16_t bins[WIDTH_MAX];
        char max[CLOCK_TEXT], scale[CLOCK_TEXT + 4];
        int row;
        unsigned i;

        panel_bins(pic, p, bins, width);
        printf("%s%s%s\n", colour(COLOUR_BOLD), p->title, colour(COLOUR_NONE));
        (void)snprintf(scale, sizeof(scale), "%s %%", permille_text(pic->timeline.max_permille, max));
        for (row = ROWS - 1; row >= 0; row--) {
                printf("%*s%s%s", MARGIN - 1, row == ROWS - 1 ? scale : "", is_utf8() ? "│" : "|",
                       colour(COLOUR_GREEN));
                for (i = 0; i < width; i++) {
                        int eighths = (int)(bins[i] * 8U * ROWS / pic->timeline.max_permille) - row * 8;

                        (void)fputs(cell(eighths < 0 ? 0 : eighths > 8 ? 8 : (unsigned)eighths), stdout);
                }
                printf("%s\n", colour(COLOUR_NONE));
        }
        draw_axis(p, width);
}

static void draw_picture(const struct picture *pic)
{
        unsigned width = columns() - MARGIN - 1;
        size_t i;

        if (width > WIDTH_MAX)
                width = WIDTH_MAX;
        printf("%s%s%s  %s\n", colour(COLOUR_BOLD), tms_protocol_id(pic->protocol), colour(COLOUR_NONE),
               tms_protocol_title(pic->protocol));
        printf("intensity in %% of %s\n", pic->relative ? tms_protocol_reference(pic->protocol) : "MSO");
        for (i = 0; i < pic->panels; i++) {
                (void)putchar('\n');
                draw_panel(pic, pic->panel + i, width);
        }
}

/* --- JSON -------------------------------------------------------------------------------------- */

static json_t *panel_json(const struct picture *pic, const struct panel *p)
{
        json_t *permille = json_array();
        uint16_t bins[PLOT_BINS];
        size_t i;

        panel_bins(pic, p, bins, ELEMENTS(bins));
        for (i = 0; i < ELEMENTS(bins); i++)
                (void)json_array_append_new(permille, json_integer(bins[i]));
        return json_pack("{s:s, s:s, s:i, s:i, s:o, s:o, s:o}", "name", p->name, "title", p->title, "first_pulse",
                         (int)p->first, "pulses", (int)p->count, "from_ns", json_u64(p->from_ns), "to_ns",
                         json_u64(p->to_ns), "permille", permille);
}

static int picture_json(const struct picture *pic)
{
        bool with_dose = protocol_has_threshold(pic->protocol);
        struct tms_safety safety;
        json_t *j, *panels;
        size_t i;
        int r;

        r = with_dose ? protocol_verdict(pic->protocol, &safety) : 0;
        if (r < 0)
                return -r;
        j = protocol_json(pic->protocol, with_dose ? &safety : NULL);
        panels = json_array();
        for (i = 0; i < pic->panels; i++)
                (void)json_array_append_new(panels, panel_json(pic, pic->panel + i));
        (void)json_object_set_new(j, "unit", json_string(timeline_unit(pic->relative)));
        (void)json_object_set_new(j, "max_permille", json_integer(pic->timeline.max_permille));
        (void)json_object_set_new(j, "panels", panels);
        return print_json(j, STATUS_OK);
}

int verb_plot(int argc, char **argv)
{
        _cleanup_(tms_protocol_freep) struct tms_protocol *p = NULL;
        struct picture pic = {0};
        int r;

        if (opt.svg && opt.json)
                return fail(STATUS_BAD_INPUT, "BadUsage", "plot gives --svg or --json, not both");
        r = protocol_get(argv[0], &p);
        if (r < 0)
                return -r;
        r = protocol_idle_options(p, true);
        if (r != 0)
                return r;
        pic.protocol = p;
        r = protocol_compile_shape(p, &pic.timeline, &pic.relative);
        if (r < 0)
                return -r;
        make_panels(&pic);
        if (opt.svg)
                picture_svg(&pic);
        else if (opt.json)
                r = picture_json(&pic);
        else
                draw_picture(&pic);
        tms_timeline_clear(&pic.timeline);
        return r;
}
