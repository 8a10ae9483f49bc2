/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A protocol and its verdict as JSON and as text. */
#include "lines.h"
#include "tmsctl.h"

/* --- JSON ---------------------------------------------------------------------------- */

json_t *safety_reason_json(const struct tms_safety_reason *reason)
{
        return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "class",
                         tms_safety_class_name(reason->class_), "layer", reason->layer, "table", reason->table, "row",
                         reason->row, "column", reason->column, "limit", reason->limit, "actual", reason->actual,
                         "source", reason->source, "sentence", reason->sentence);
}

static void set_time(json_t *j, const char *key, uint64_t ns)
{
        (void)json_object_set_new(j, key, ns == TMS_TIME_NONE ? json_null() : json_u64(ns));
}

/* The pattern's times in every meaning in use; null: the pattern has no such time. */
static json_t *readings_json(const struct tms_protocol *p)
{
        struct tms_readings t;
        json_t *j;

        if (tms_protocol_readings(p, SIZE_MAX, &t) < 0)
                return json_null();
        j = json_object();
        (void)json_object_set_new(j, "pulses_per_train",
                                  t.pulses_per_train ? json_integer(t.pulses_per_train) : json_null());
        set_time(j, "train_ns", t.train_ns);
        set_time(j, "train_span_ns", t.train_span_ns);
        set_time(j, "cycle_ns", t.cycle_ns);
        set_time(j, "iti_ns", t.iti_ns);
        set_time(j, "iti_last_to_first_ns", t.iti_last_to_first_ns);
        set_time(j, "without_last_iti_ns", t.without_last_iti_ns);
        set_time(j, "last_to_first_total_ns", t.last_to_first_total_ns);
        return j;
}

json_t *protocol_json(const struct tms_protocol *p, const struct tms_safety *safety)
{
        json_t *j, *reasons = json_array();
        size_t i;

        for (i = 0; safety && i < safety->n_reasons; i++)
                (void)json_array_append_new(reasons, safety_reason_json(safety->reasons + i));
        j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", tms_protocol_id(p), "sha256",
                      tms_protocol_sha256(p), "title", tms_protocol_title(p), "indication", tms_protocol_indication(p),
                      "target", tms_protocol_target(p), "coil", tms_protocol_coil(p), "status", tms_protocol_status(p),
                      "reference", tms_protocol_reference(p));
        if (!j) {
                json_decref(reasons);
                return NULL;
        }
        (void)json_object_set_new(j, "percent_permille", json_integer(tms_protocol_percent_permille(p)));
        (void)json_object_set_new(j, "pulses", json_integer(tms_protocol_pulses(p)));
        (void)json_object_set_new(j, "trains", json_integer(tms_protocol_trains(p)));
        set_time(j, "first_to_last_ns", tms_protocol_first_to_last_ns(p));
        set_time(j, "cycle_total_ns", tms_protocol_cycle_total_ns(p));
        (void)json_object_set_new(j, "readings", readings_json(p));
        (void)json_object_set_new(j, "verdict",
                                  safety ? json_string(tms_safety_class_name(safety->class_)) : json_null());
        (void)json_object_set_new(j, "reasons", reasons);
        return j;
}

/* --- Verdicts -------------------------------------------------------------------------- */

int safety_status(enum tms_safety_class c)
{
        switch (c) {
        case TMS_SAFETY_ALLOWED:
        case TMS_SAFETY_NOTICE:
                return STATUS_OK;
        case TMS_SAFETY_OVERRIDE:
                return STATUS_OVERRIDE;
        default:
                return STATUS_NEVER;
        }
}

static enum colour class_colour(const char *class)
{
        return is_class(class, TMS_SAFETY_ALLOWED)  ? COLOUR_GREEN
               : is_class(class, TMS_SAFETY_NOTICE) ? COLOUR_YELLOW
                                                    : COLOUR_RED;
}

/* Where the sentence of a reason begins. */
#define INDENT 12

void print_verdict(const char *verdict, const json_t *reasons, bool all)
{
        static const char *const words[] = {
                        [TMS_SAFETY_ALLOWED] = "allowed",
                        [TMS_SAFETY_NOTICE] = "allowed, with a notice to confirm",
                        [TMS_SAFETY_OVERRIDE] = "needs a prescriber's override with a reason",
                        [TMS_SAFETY_NEVER] = "never allowed; its reasons say what to do",
        };
        const char *text = verdict;
        const json_t *reason;
        struct line line;
        FILE *f;
        size_t i;

        for (i = 0; i < ELEMENTS(words); i++)
                if (is_class(verdict, (enum tms_safety_class)i))
                        text = words[i];
        printf("%s%s%s\n", colour(class_colour(verdict)), text, colour(COLOUR_NONE));
        json_array_foreach(reasons, i, reason) {
                const char *class = json_get_str(reason, "class"), *source = json_get_str(reason, "source");

                if (!all && is_class(class, TMS_SAFETY_ALLOWED))
                        continue;
                f = line_begin(&line);
                (void)fprintf(f, "  %s%-8s%s  %s", colour(class_colour(class)), class, colour(COLOUR_NONE),
                              json_get_str(reason, "sentence"));
                if (*source)
                        (void)fprintf(f, " %s[%s]%s", colour(COLOUR_DIM), source, colour(COLOUR_NONE));
                line_end(&line, INDENT);
        }
}
