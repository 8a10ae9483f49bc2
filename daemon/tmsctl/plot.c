/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plot: a picture of the timeline on the terminal, in JSON or as SVG; see picture.h. */
#include "picture.h"

#define ROWS 4
#define MARGIN 8 /* columns left of the picture, for the scale */
#define WIDTH_MAX 200

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
        printf("intensity in %% of %s\n", pic->relative ? tms_protocol_reference(pic->protocol) : TMS_REFERENCE_MSO);
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
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "plot gives --svg or --json, not both");
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
        picture_make_panels(&pic);
        if (opt.svg)
                picture_svg(&pic);
        else if (opt.json)
                r = picture_json(&pic);
        else
                draw_picture(&pic);
        tms_timeline_clear(&pic.timeline);
        return r;
}
