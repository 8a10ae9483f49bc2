/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The display of how far a session is; see progress.h. */
#include <inttypes.h>

#include "progress.h"

#define SAY_EVERY_NS (5 * NS_PER_S)
#define BAR_MAX 40
#define BAR_MIN 8

void progress_init(struct progress *p)
{
        const char *term = getenv("TERM");

        *p = (struct progress){.terminal = !opt.json && isatty(STDOUT_FILENO) && !(term && STREQ(term, "dumb"))};
}

/* "running", or what the session waits for and how to go on. */
static const char *state_words(const struct progress *p, const json_t *properties)
{
        const char *waiting = json_get_str(properties, "waiting");

        if (STREQ(waiting, WAITS_OPERATOR))
                return p->asks ? "waits for the operator (press Enter)" : "waits for the operator (tmsctl go)";
        if (STREQ(waiting, WAITS_TRIGGER))
                return "waits for the external trigger";
        if (p->asks && STREQ(json_get_str(properties, "state"), STATE_PAUSED))
                return "paused (r resumes, s stops)";
        return json_get_str(properties, "state");
}

/* The text beside the bar. It has no colour, because its length is needed. */
static void words(const struct progress *p, const json_t *properties, uint64_t since_ns, char *buf, size_t size)
{
        uint64_t pulses = json_get_u64(properties, "pulses"), delivered = json_get_u64(properties, "delivered");
        uint64_t trains = json_get_u64(properties, "trains"), train = json_get_u64(properties, "train");
        uint64_t left = json_get_u64(properties, "time_left"), missed = json_get_u64(properties, "missed");
        uint64_t unknown = json_get_u64(properties, "unknown");
        const char *state = state_words(p, properties);
        char left_text[CLOCK_TEXT], missed_text[48] = "", unknown_text[48] = "";

        if (STREQ(state, STATE_RUNNING))
                left = left > since_ns ? left - since_ns : 0;
        if (missed > 0)
                (void)snprintf(missed_text, sizeof(missed_text), ", %" PRIu64 " missed", missed);
        if (unknown > 0)
                (void)snprintf(unknown_text, sizeof(unknown_text), ", %" PRIu64 " unknown", unknown);
        (void)snprintf(buf, size, "%-7s pulse %" PRIu64 "/%" PRIu64 "%s%s  train %" PRIu64 "/%" PRIu64 "  %s left",
                       state, delivered, pulses, missed_text, unknown_text, train < trains ? train + 1 : trains, trains,
                       countdown_text(left, left_text));
}

static void draw_bar(unsigned width, uint64_t done, uint64_t all)
{
        unsigned filled = all > 0 ? (unsigned)(done * width / all) : 0, i;
        bool utf8 = is_utf8();

        printf("%s%s", utf8 ? "" : "[", colour(COLOUR_GREEN));
        for (i = 0; i < filled; i++)
                (void)fputs(utf8 ? "█" : "#", stdout);
        printf("%s", colour(COLOUR_NONE));
        for (; i < width; i++)
                (void)fputs(utf8 ? "░" : ".", stdout);
        printf("%s  ", utf8 ? "" : "]");
}

static void draw(struct progress *p, const json_t *properties, uint64_t since_ns)
{
        char text[240];
        unsigned room = columns(), bar;

        words(p, properties, since_ns, text, sizeof(text));
        bar = room > strlen(text) + 5 ? room - (unsigned)strlen(text) - 5 : 0;
        if (bar > BAR_MAX)
                bar = BAR_MAX;
        printf("\r");
        if (bar >= BAR_MIN)
                draw_bar(bar, json_get_u64(properties, "delivered"), json_get_u64(properties, "pulses"));
        /* The escape sequence clears the rest of a longer line that was there before. */
        printf("%.*s\033[K", (int)room - 1, text);
        p->drawn = true;
}

void progress_show(struct progress *p, const json_t *properties, uint64_t since_ns)
{
        const char *state = state_words(p, properties);
        uint64_t now = now_ns(CLOCK_MONOTONIC);
        char text[240];

        if (opt.json)
                return;
        if (p->terminal) {
                draw(p, properties, since_ns);
        } else if (!STREQ(state, p->said_state) || now - p->said_ns >= SAY_EVERY_NS) {
                words(p, properties, since_ns, text, sizeof(text));
                puts(text);
                p->said_ns = now;
                (void)snprintf(p->said_state, sizeof(p->said_state), "%s", state);
        }
        (void)fflush(stdout);
}

void progress_finish(struct progress *p, const json_t *properties)
{
        if (p->drawn)
                draw(p, properties, 0);
}

void progress_end(struct progress *p)
{
        if (p->drawn)
                (void)putchar('\n');
        p->drawn = false;
        (void)fflush(stdout);
}
