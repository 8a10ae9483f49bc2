/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A protocol in words, for people who know the field: the pattern level by
 * level, the totals, and the inter-train interval in both of its meanings.
 */
#include "protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* In milliseconds below a second, else in seconds: "100 ms", "2.5 s". */
static const char *time_words(uint64_t ns, char buf[64])
{
        uint64_t whole = ns / 1000000000, rest = ns % 1000000000;
        char digits[16];
        size_t n;

        if (ns < 1000000000) {
                whole = ns / 1000000;
                rest = ns % 1000000 * 1000;
        }
        n = (size_t)snprintf(digits, sizeof(digits), "%09" PRIu64, rest);
        while (n && digits[n - 1] == '0')
                digits[--n] = 0;
        snprintf(buf, 64, "%" PRIu64 "%s%s %s", whole, n ? "." : "", digits, ns < 1000000000 ? "ms" : "s");
        return buf;
}

/* "2250 s (37:30)" */
static void total_line(FILE *f, const char *what, uint64_t ns)
{
        uint64_t s = ns / 1000000000;
        char buf[64];

        if (ns == TMS_TIME_NONE)
                return;
        fprintf(f, "  %-42s %s", what, time_words(ns, buf));
        if (s >= 3600)
                fprintf(f, " (%" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ")", s / 3600, s / 60 % 60, s % 60);
        else if (s >= 60)
                fprintf(f, " (%" PRIu64 ":%02" PRIu64 ")", s / 60, s % 60);
        fputc('\n', f);
}

/* A level with a single unit is left out, unless that unit waits. */
static bool level_is_said(const struct level *l)
{
        return l->count > 1 || l->wait;
}

static void level_words(FILE *f, const struct tms_protocol *p, const char *level, const struct level *l,
                        const char *unit)
{
        char a[64], b[64];

        fprintf(f, "  %-7s %u %s%s", level, l->count, unit, l->count > 1 ? "s" : "");
        switch (l->count > 1 ? l->spacing : SPACING_NONE) {
        case SPACING_REGULAR:
                fprintf(f, ", onsets %s apart", time_words(ticks_to_ns(l->interval_ticks, p->den), a));
                /* The frequency is shown if it is a whole number of Hz. */
                if (l->interval.num && 1000000000 * l->interval.den % l->interval.num == 0)
                        fprintf(f, " (%" PRIu64 " Hz)", 1000000000 * l->interval.den / l->interval.num);
                break;
        case SPACING_JITTER:
                fprintf(f, ", onsets %s to %s apart at random", time_words(l->jitter_min_ticks / p->den, a),
                        time_words(l->jitter_max_ticks / p->den, b));
                break;
        case SPACING_ONSETS:
                fprintf(f, ", at");
                for (uint32_t i = 0; i < l->count && i < 12; i++)
                        fprintf(f, "%s %s", i ? "," : "", time_words(ticks_to_ns(l->onset_ticks[i], p->den), a));
                if (l->count > 12)
                        fprintf(f, " ... %s", time_words(ticks_to_ns(l->onset_ticks[l->count - 1], p->den), a));
                break;
        case SPACING_NONE:
                break;
        }
        if (l->wait)
                fprintf(f, "; %s waits for the %s", l->count > 1 ? "each" : "it",
                        l->wait == WAIT_TRIGGER ? "external trigger" : "operator");
        fputc('\n', f);
}

static void intensity_words(FILE *f, struct intensity v)
{
        if (v.base == BASE_MAIN && v.permille == 1000)
                fprintf(f, "full");
        else
                fprintf(f, "%u.%u %% %s", v.permille / 10, v.permille % 10,
                        v.base == BASE_MAIN ? "of the session's intensity" : base_names[v.base]);
}

static void leg_words(FILE *f, const struct tms_protocol *p, size_t index)
{
        const struct leg *leg = &p->legs[index];
        const struct level *burst = &leg->levels[LEVEL_BURST], *train = &leg->levels[LEVEL_TRAIN],
                           *series = &leg->levels[LEVEL_SERIES];
        char buf[64];

        if (p->n_legs > 1) {
                fprintf(f, "Leg %zu: %s, on the %s", index + 1, leg->name, leg->target);
                if (leg->pause_ticks)
                        fprintf(f, ", %s after the leg before", time_words(ticks_to_ns(leg->pause_ticks, p->den), buf));
                if (leg->wait)
                        fprintf(f, ", when the %s comes",
                                leg->wait == WAIT_TRIGGER ? "external trigger" : "operator's word");
                fprintf(f, "\n");
                if (leg->intensity.base != BASE_MAIN || leg->intensity.permille != 1000) {
                        fprintf(f, "  intensity: ");
                        intensity_words(f, leg->intensity);
                        fputc('\n', f);
                }
        }

        if (level_is_said(burst))
                level_words(f, p, "burst:", burst, "pulse");
        if (level_is_said(train) || (burst->count == 1 && series->count == 1))
                level_words(f, p, "train:", train, burst->count > 1 ? "burst" : "pulse");
        if (level_is_said(series))
                level_words(f, p, "series:", series, "train");
        if (leg->intensities) {
                fprintf(f, "  pulses of a burst:");
                for (uint32_t k = 0; k < burst->count; k++) {
                        fprintf(f, "%s ", k ? "," : "");
                        intensity_words(f, leg->intensities[k]);
                }
                fputc('\n', f);
        }
        if (leg->ramp_trains)
                fprintf(f, "  ramp:   from %u.%u %% of the intensity to all of it over %u trains\n",
                        leg->ramp_start_permille / 10, leg->ramp_start_permille % 10, leg->ramp_trains);
        if (leg->jittered)
                fprintf(f, "  seed:   %" PRIu64 "\n", leg->seed);
}

static void readings_words(FILE *f, const struct tms_readings *v)
{
        fprintf(f, "  %-42s %u in %u train%s", "pulses", v->pulses, v->trains, v->trains == 1 ? "" : "s");
        if (v->pulses_per_train && v->trains > 1)
                fprintf(f, " of %u", v->pulses_per_train);
        fputc('\n', f);
        total_line(f, "train duration", v->train_ns);
        total_line(f, "inter-train interval, from the train's end", v->iti_ns);
        total_line(f, "inter-train interval, last to first pulse", v->iti_last_to_first_ns);
        total_line(f, "trains x cycle", v->cycle_total_ns);
        if (v->without_last_iti_ns != v->cycle_total_ns)
                total_line(f, "without the last interval", v->without_last_iti_ns);
        total_line(f, "first to last pulse", v->first_to_last_ns);
        total_line(f, "if a device counts it from the last pulse", v->last_to_first_total_ns);
}

static void protocol_words(FILE *f, const struct tms_protocol *p)
{
        struct tms_readings v;

        fprintf(f, "%s\n", p->title);
        fprintf(f, "%s; %s, %s coil, %s pulses, %u.%u %% %s", p->indication, p->target, coil_names[p->coil],
                waveform_names[p->waveform], p->percent_permille / 10, p->percent_permille % 10,
                tms_protocol_reference(p));
        if (p->muscle)
                fprintf(f, " (%s)", p->muscle);
        fprintf(f, "\n");
        if (p->adjustment)
                fprintf(f, "Adjustment: %s\n", p->adjustment);

        for (size_t i = 0; i < p->n_legs; i++) {
                leg_words(f, p, i);
                if (p->n_legs > 1) {
                        tms_protocol_readings(p, i, &v);
                        readings_words(f, &v);
                }
        }
        if (p->n_legs > 1)
                fprintf(f, "Whole session\n");
        tms_protocol_readings(p, SIZE_MAX, &v);
        readings_words(f, &v);
}

int tms_protocol_describe(const struct tms_protocol *p, char **ret)
{
        char *text = NULL;
        size_t size = 0;
        FILE *f;
        bool failed;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        protocol_words(f, p);
        failed = ferror(f);
        failed |= fclose(f) != 0;
        if (failed) {
                free(text);
                return -ENOMEM;
        }
        *ret = text;
        return 0;
}
