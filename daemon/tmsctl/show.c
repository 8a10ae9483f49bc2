/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list, show, check: verbs for protocols that need no card. */
#include <inttypes.h>

#include "lines.h"
#include "tmsctl.h"

/* --- list ------------------------------------------------------------------------------ */

static int list_one_json(const char *path, struct tms_protocol *p, const struct tms_error *error, void *userdata)
{
        char text[1024];
        json_t *j;

        if (p)
                j = protocol_json(p, NULL);
        else
                j = json_pack("{s:s}", "error", tms_error_format(error, text, sizeof(text)));
        if (!j || json_object_set_new(j, "path", json_string(path)) < 0)
                return -ENOMEM;
        return json_array_append_new(userdata, j) < 0 ? -ENOMEM : 0;
}

/* Where the title of a protocol begins. */
#define TITLE_INDENT 52

static int list_one(const char *path, struct tms_protocol *p, const struct tms_error *error, void *userdata)
{
        unsigned *n = userdata;
        char text[1024], total[CLOCK_TEXT];
        struct line line;
        FILE *f;

        if ((*n)++ == 0)
                printf("%s%-24s %6s %7s  %-9s  %s%s\n", colour(COLOUR_BOLD), "ID", "PULSES", "TIME", "STATUS", "TITLE",
                       colour(COLOUR_NONE));
        f = line_begin(&line);
        if (!p) {
                (void)fprintf(f, "%scannot be used: %s%s", colour(COLOUR_RED),
                              tms_error_format(error, text, sizeof(text)), colour(COLOUR_NONE));
                line_end(&line, 4);
                return 0;
        }
        (void)fprintf(f, "%-24s %6u %7s  %-9s  %s", tms_protocol_id(p), tms_protocol_pulses(p),
                      countdown_text(tms_protocol_first_to_last_ns(p), total), tms_protocol_status(p),
                      tms_protocol_title(p));
        line_end(&line, TITLE_INDENT);
        return 0;
}

static int list_protocols(void)
{
        _cleanup_(json_decrefp) json_t *j = json_array();
        unsigned n = 0;
        int r;

        r = opt.json ? tms_protocol_foreach(list_one_json, j) : tms_protocol_foreach(list_one, &n);
        if (r < 0)
                return fail(STATUS_FAILED, FAILURE_FAILED, "the installed protocols cannot be listed: %s; %s",
                            strerror(-r), tms_errno_step(-r));
        if (opt.json)
                return print_json(TAKE_PTR(j), STATUS_OK);
        if (n == 0)
                print_lines("no protocol is installed; your own belong into /etc/tmsd/protocols, make install brings "
                            "those of tmsd",
                            4);
        return STATUS_OK;
}

int verb_list(int argc, char **argv)
{
        if (argc == 0 || STREQ(argv[0], "protocols"))
                return list_protocols();
        if (STREQ(argv[0], "stimulators"))
                return verb_status(0, NULL);
        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "'%s' cannot be listed; expected protocols or stimulators",
                    argv[0]);
}

/* --- show -------------------------------------------------------------------------------- */

/* Prints a line for each pulse, with --json too. Without --mt the intensity is in 0.1 % of the threshold. */
static int show_timeline(const struct tms_protocol *p)
{
        struct tms_timeline t = {0};
        bool relative;
        uint32_t i;
        int r;

        r = protocol_compile_shape(p, &t, &relative);
        if (r < 0)
                return -r;
        if (!opt.json)
                printf("pulse\tt_ns\ttrain\t%s\tflags\n", timeline_unit(relative));
        for (i = 0; i < t.count; i++) {
                const struct tms_pulse *q = t.pulses + i;
                char flags[80];

                (void)snprintf(flags, sizeof(flags), "%s%s%s%s",
                               q->flags & TMS_PULSE_END_OF_BURST ? ",end_of_burst" : "",
                               q->flags & TMS_PULSE_END_OF_TRAIN ? ",end_of_train" : "",
                               q->flags & TMS_PULSE_WAIT_TRIGGER ? ",wait_trigger" : "",
                               q->flags & TMS_PULSE_WAIT_OPERATOR ? ",wait_operator" : "");
                /* printf() and not libjansson: a million pulses have to be printed in a second. */
                printf(opt.json ? "{\"pulse\":%u,\"t_ns\":%" PRIu64 ",\"train\":%u,\"%s\":%u,\"flags\":\"%s\"}\n"
                                : "%u\t%" PRIu64 "\t%u\t%.0s%u\t%s\n",
                       i, (uint64_t)q->t_ns, q->train, timeline_unit(relative), q->intensity_permille,
                       flags[0] ? flags + 1 : (opt.json ? "" : "-"));
        }
        tms_timeline_clear(&t);
        return STATUS_OK;
}

/* Where the value of a field begins, and each further line of it, so that none looks like the name of a field. */
#define FIELD_INDENT 12

/* Prints the value of a field into a line; its own further lines are indented here, as line_end() sees each by itself. */
static void add_text(FILE *f, const char *text)
{
        for (; *text; text++) {
                (void)fputc(*text, f);
                if (*text == '\n')
                        (void)fprintf(f, "%*s", FIELD_INDENT, "");
        }
}

static void print_field(const char *name, const char *value)
{
        struct line line;
        FILE *f;

        if (!value || !*value)
                return;
        f = line_begin(&line);
        (void)fprintf(f, "%-*s", FIELD_INDENT, name);
        add_text(f, value);
        line_end(&line, FIELD_INDENT);
}

static void print_citations(const struct tms_protocol *p)
{
        struct tms_citation c;
        struct line line;
        size_t i;
        FILE *f;

        for (i = 0; i < tms_protocol_citations(p); i++) {
                if (tms_protocol_citation(p, i, &c) < 0)
                        continue;
                f = line_begin(&line);
                (void)fprintf(f, "%-*s", FIELD_INDENT, i == 0 ? "sources" : "");
                add_text(f, c.text);
                (void)fputs(": ", f);
                add_text(f, c.supports);
                (void)fprintf(f, "%s%s%s", c.verified ? "" : colour(COLOUR_YELLOW), c.verified ? "" : " (not verified)",
                              c.verified ? "" : colour(COLOUR_NONE));
                line_end(&line, FIELD_INDENT);
        }
}

/*
 * Gets what is shown: the words, malloc'd, and with_dose the verdict. Both are made before anything is printed. On
 * failure prints it and returns minus an exit status.
 */
static int look_at(const struct tms_protocol *p, bool with_dose, char **ret_words, struct tms_safety *ret)
{
        int r;

        r = with_dose ? protocol_verdict(p, ret) : 0;
        if (r < 0)
                return r;
        r = tms_protocol_describe(p, ret_words);
        if (r < 0)
                return -fail(STATUS_FAILED, FAILURE_FAILED, "the protocol cannot be described: %s; %s", strerror(-r),
                             tms_errno_step(-r));
        return 0;
}

/* How far a line of the description goes in that did not fit. */
#define WORDS_INDENT 4

static int show_text(const struct tms_protocol *p)
{
        _cleanup_(freep) char *words = NULL;
        _cleanup_(json_decrefp) json_t *j = NULL;
        bool with_dose = protocol_has_threshold(p);
        struct tms_safety safety = {0};
        int r;

        r = look_at(p, with_dose, &words, &safety);
        if (r < 0)
                return -r;
        print_lines(words, WORDS_INDENT);
        (void)putchar('\n');
        print_field("id", tms_protocol_id(p));
        print_field("status", tms_protocol_status(p));
        print_field("sha256", tms_protocol_sha256(p));
        print_field("notes", tms_protocol_notes(p));
        print_citations(p);
        if (!with_dose)
                return STATUS_OK;
        j = protocol_json(p, &safety);
        printf("verdict     ");
        print_verdict(tms_safety_class_name(safety.class_), json_object_get(j, "reasons"), false);
        return STATUS_OK;
}

static int show_json(const struct tms_protocol *p)
{
        _cleanup_(freep) char *words = NULL;
        struct tms_safety safety = {0};
        bool with_dose = protocol_has_threshold(p);
        json_t *j;
        int r;

        r = look_at(p, with_dose, &words, &safety);
        if (r < 0)
                return -r;
        j = protocol_json(p, with_dose ? &safety : NULL);
        if (!j || json_object_set_new(j, "description", json_string(words)) < 0)
                return fail_memory();
        return print_json(j, STATUS_OK);
}

int verb_show(int argc, char **argv)
{
        _cleanup_(tms_protocol_freep) struct tms_protocol *p = NULL;
        int r;

        r = protocol_get(argv[0], &p);
        if (r < 0)
                return -r;
        r = protocol_idle_options(p, opt.timeline);
        if (r != 0)
                return r;
        if (opt.timeline)
                return show_timeline(p);
        return opt.json ? show_json(p) : show_text(p);
}

/* --- check ---------------------------------------------------------------------------------- */

/* "52"; with a threshold for each leg, "40, 52"; with an adjusted one, "52 (adjusted to 60)". */
static const char *thresholds_text(const struct tms_protocol *p, const struct tms_dose *dose, char *buf, size_t size)
{
        size_t legs = tms_protocol_legs(p), used = 0, i;
        bool own = false;
        char one[CLOCK_TEXT];

        for (i = 0; i < legs; i++)
                own = own || dose->leg_threshold_permille[i] > 0 || dose->leg_adjusted_permille[i] > 0;
        for (i = 0; i < (own ? legs : 1) && used < size; i++) {
                uint32_t leg = dose->leg_threshold_permille[i], adjusted = dose->leg_adjusted_permille[i];

                if (!leg && !adjusted)
                        adjusted = dose->adjusted_threshold_permille;
                used += (size_t)snprintf(buf + used, size - used, "%s%s", i > 0 ? ", " : "",
                                         permille_text(leg ? leg : dose->threshold_permille, one));
                if (adjusted && used < size)
                        used += (size_t)snprintf(buf + used, size - used, " (adjusted to %s)",
                                                 permille_text(adjusted, one));
        }
        return buf;
}

static void check_text(const struct tms_protocol *p, const struct tms_dose *dose, const struct tms_timeline *t,
                       const json_t *j)
{
        char mt[TMS_LEGS_MAX * (2 * CLOCK_TEXT + 16)], percent[CLOCK_TEXT], max[CLOCK_TEXT], time[CLOCK_TEXT];
        uint32_t used = dose->percent_permille ? dose->percent_permille : tms_protocol_percent_permille(p);
        struct line line;
        FILE *f;

        f = line_begin(&line);
        (void)fprintf(f, "%s%s%s: %u pulses in %u trains, %s from first to last", colour(COLOUR_BOLD),
                      tms_protocol_id(p), colour(COLOUR_NONE), tms_protocol_pulses(p), tms_protocol_trains(p),
                      clock_text(tms_protocol_first_to_last_ns(p), time));
        if (!STREQ(tms_protocol_reference(p), TMS_REFERENCE_MSO))
                (void)fprintf(f, "; %s %% of %s %s %% MSO", permille_text(used, percent), tms_protocol_reference(p),
                              thresholds_text(p, dose, mt, sizeof(mt)));
        if (t->count > 0)
                (void)fprintf(f, ", %s %% MSO at most", permille_text(t->max_permille, max));
        line_end(&line, WORDS_INDENT);
        print_verdict(json_get_str(j, "verdict"), json_object_get(j, "reasons"), true);
}

static int check(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_timeline *t)
{
        struct tms_error error = {0};
        struct tms_safety safety;
        json_t *j;
        int r;

        r = protocol_verdict_of(p, dose, &safety);
        if (r < 0)
                return -r;
        /* If the verdict is "never", it does not matter that the dose cannot be compiled. */
        r = tms_compile(p, dose, t, &error);
        if (r < 0 && safety.class_ != TMS_SAFETY_NEVER)
                return fail_dose(r, &error);
        j = protocol_json(p, &safety);
        if (!j)
                return fail_memory();
        (void)json_object_set_new(j, "max_permille", t->count > 0 ? json_integer(t->max_permille) : json_null());
        if (opt.json)
                return print_json(j, safety_status(safety.class_));
        check_text(p, dose, t, j);
        json_decref(j);
        return safety_status(safety.class_);
}

int verb_check(int argc, char **argv)
{
        _cleanup_(tms_protocol_freep) struct tms_protocol *p = NULL;
        struct tms_timeline t = {0};
        struct tms_dose dose;
        int r;

        r = protocol_get(argv[0], &p);
        if (r >= 0)
                r = protocol_dose(p, true, &dose);
        if (r < 0)
                return -r;
        r = check(p, &dose, &t);
        tms_timeline_clear(&t);
        return r;
}
