/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints a picture as SVG, with one line for each column that has a pulse; see picture.h. */
#include "picture.h"

#define MARGIN_LEFT 60
#define MARGIN_RIGHT 20
#define WIDTH (MARGIN_LEFT + PLOT_BINS + MARGIN_RIGHT)
#define PANEL_HEIGHT 150
#define PLOT_TOP 34
#define PLOT_HEIGHT 80
#define HEAD_HEIGHT 50
#define PLOT_WIDTH PLOT_BINS

static void print_escaped(const char *s)
{
        for (; *s; s++) {
                switch (*s) {
                case '<':
                        (void)fputs("&lt;", stdout);
                        break;
                case '>':
                        (void)fputs("&gt;", stdout);
                        break;
                case '&':
                        (void)fputs("&amp;", stdout);
                        break;
                default:
                        (void)putchar(*s);
                }
        }
}

static void text_at(int x, int y, const char *anchor, const char *text)
{
        printf("<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">", x, y, anchor);
        print_escaped(text);
        puts("</text>");
}

static void draw_strokes(const struct picture *pic, const struct panel *p, int base)
{
        uint16_t bins[PLOT_WIDTH];
        int i;

        panel_bins(pic, p, bins, PLOT_WIDTH);
        printf("<path class=\"p\" d=\"");
        for (i = 0; i < PLOT_WIDTH; i++)
                if (bins[i] > 0)
                        printf("M%d.5 %dv-%u", MARGIN_LEFT + i, base,
                               (unsigned)bins[i] * PLOT_HEIGHT / pic->timeline.max_permille);
        puts("\"/>");
}

static void draw_panel(const struct picture *pic, const struct panel *p, int top)
{
        char max[CLOCK_TEXT], scale[CLOCK_TEXT + 4], time[CLOCK_TEXT];
        uint64_t span = p->to_ns - p->from_ns;
        int base = top + PLOT_TOP + PLOT_HEIGHT;

        (void)snprintf(scale, sizeof(scale), "%s %%", permille_text(pic->timeline.max_permille, max));
        text_at(MARGIN_LEFT, top + 20, "start", p->title);
        text_at(MARGIN_LEFT - 6, base - PLOT_HEIGHT + 5, "end", scale);
        text_at(MARGIN_LEFT - 6, base, "end", "0");
        printf("<path class=\"a\" d=\"M%d %dh%d\"/>\n", MARGIN_LEFT, base, PLOT_WIDTH);
        draw_strokes(pic, p, base);
        text_at(MARGIN_LEFT, base + 18, "start", "0");
        if (span == 0)
                return;
        text_at(MARGIN_LEFT + PLOT_WIDTH / 2, base + 18, "middle", clock_text(span / 2, time));
        text_at(MARGIN_LEFT + PLOT_WIDTH, base + 18, "end", clock_text(span, time));
}

void picture_svg(const struct picture *pic)
{
        int height = HEAD_HEIGHT + (int)pic->panels * PANEL_HEIGHT;
        size_t i;

        printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n", WIDTH,
               height, WIDTH, height);
        puts("<style>text{font:13px sans-serif}.p{stroke:#175e9c;fill:none}.a{stroke:#000;fill:none}</style>");
        puts("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>");
        text_at(MARGIN_LEFT, 24, "start", tms_protocol_title(pic->protocol));
        printf("<text x=\"%d\" y=\"42\">", MARGIN_LEFT);
        print_escaped(tms_protocol_id(pic->protocol));
        printf(", intensity in %% of %s</text>\n",
               pic->relative ? tms_protocol_reference(pic->protocol) : TMS_REFERENCE_MSO);
        for (i = 0; i < pic->panels; i++)
                draw_panel(pic, pic->panel + i, HEAD_HEIGHT + (int)i * PANEL_HEIGHT);
        puts("</svg>");
}
