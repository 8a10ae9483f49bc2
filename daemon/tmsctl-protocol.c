/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A protocol by file or id, the dose that options give, verdicts; needs no card and no daemon. */
#include <fcntl.h>

#include "tmsctl.h"

static bool ends_with(const char *s, const char *end)
{
        size_t n = strlen(s), m = strlen(end);

        return n >= m && STREQ(s + n - m, end);
}

bool is_file_name(const char *text)
{
        return strchr(text, '/') || ends_with(text, ".yaml") || ends_with(text, ".yml");
}

struct nearest {
        const char *id;
        char found[96];
        unsigned least;
};

static int look_how_near(const char *path, struct tms_protocol *p, const struct tms_error *error, void *userdata)
{
        struct nearest *n = userdata;
        unsigned d = p ? word_distance(n->id, tms_protocol_id(p)) : SLIP_MAX + 1;

        /* Of a short word half would be another word. */
        if (d < n->least && 2 * d < strlen(n->id)) {
                n->least = d;
                (void)snprintf(n->found, sizeof(n->found), "%s", tms_protocol_id(p));
        }
        return 0;
}

int parse_coil(const char *text, const char *option, const char **ret)
{
        const char *name, *near = NULL;
        unsigned d, least = SLIP_MAX + 1;
        char all[128] = "";
        uint32_t type;

        /* Type 0 is no coil. */
        for (type = 1; name = tms_coil_name(type), !STREQ(name, "unknown"); type++) {
                if (STREQ(text, name)) {
                        *ret = name;
                        return 0;
                }
                d = word_distance(text, name);
                /* H9 is one letter from H4, and no slip of it. */
                if (d < least && 2 * d < strlen(text)) {
                        least = d;
                        near = name;
                }
                (void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", *all ? ", " : "", name);
        }
        if (near)
                return fail(STATUS_BAD_INPUT, "BadUsage", "--%s is '%s', which is no coil; did you mean '%s'?", option,
                            text, near);
        return fail(STATUS_BAD_INPUT, "BadUsage", "--%s is '%s', which is no coil; expected one of %s", option, text,
                    all);
}

int protocol_get(const char *file_or_id, struct tms_protocol **ret)
{
        struct tms_error error = {0};
        int r;

        if (is_file_name(file_or_id))
                r = tms_protocol_load(file_or_id, ret, &error);
        else
                r = tms_protocol_find(file_or_id, ret, &error);
        if (r >= 0)
                return 0;
        /* Whoever is in the file's folder may forget the "./". */
        if (r == -ENOENT && !is_file_name(file_or_id) && access(file_or_id, F_OK) == 0)
                return -fail(STATUS_BAD_INPUT, "NoSuchProtocol",
                             "no installed protocol is called '%s'; for the file write ./%s", file_or_id, file_or_id);
        if (r == -ENOENT && !is_file_name(file_or_id)) {
                struct nearest n = {.id = file_or_id, .least = SLIP_MAX + 1};

                if (tms_protocol_foreach(look_how_near, &n) >= 0 && *n.found)
                        return -fail(STATUS_BAD_INPUT, "NoSuchProtocol",
                                     "no installed protocol is called '%s'; did you mean '%s'?", file_or_id, n.found);
        }
        return -fail_tms(STATUS_BAD_INPUT, r == -ENOENT ? "NoSuchProtocol" : "InvalidProtocol", &error);
}

/* Not larger than a protocol may be; *ret_size bytes and a NUL. */
static int read_file(const char *path, char **ret, size_t *ret_size)
{
        _cleanup_(freep) char *buf = calloc(1, TMS_PROTOCOL_SIZE_MAX + 2);
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        size_t have = 0;
        ssize_t n;

        if (!buf)
                return -fail_memory();
        if (fd < 0)
                return -fail(STATUS_BAD_INPUT, "InvalidProtocol", "%s: cannot be opened: %s; %s", path, strerror(errno),
                             errno == ENOENT ? "see that the name is right; tmsctl list shows what is installed"
                                             : tms_errno_step(errno));
        while ((n = read(fd, buf + have, TMS_PROTOCOL_SIZE_MAX + 1 - have)) > 0)
                have += (size_t)n;
        if (n < 0)
                return -fail(STATUS_BAD_INPUT, "InvalidProtocol", "%s: cannot be read: %s; %s", path, strerror(errno),
                             tms_errno_step(errno));
        if (have > TMS_PROTOCOL_SIZE_MAX)
                return -fail(STATUS_BAD_INPUT, "InvalidProtocol",
                             "%s: larger than %u KiB, the most that a protocol may be; give a smaller one", path,
                             TMS_PROTOCOL_SIZE_MAX / 1024);
        if (have == 0)
                return -fail(STATUS_BAD_INPUT, "InvalidProtocol", "%s: is empty; expected a protocol in YAML", path);
        *ret = TAKE_PTR(buf);
        *ret_size = have;
        return 0;
}

int protocol_text(const char *path, char **ret)
{
        _cleanup_(tms_protocol_freep) struct tms_protocol *p = NULL;
        _cleanup_(json_decrefp) json_t *text = NULL;
        _cleanup_(freep) char *buf = NULL;
        size_t size = 0;
        int r;

        r = read_file(path, &buf, &size);
        if (r < 0)
                return r;
        text = json_stringn(buf, size);
        if (!text || strlen(buf) != size) {
                /* The bus carries text only. The parser knows to say where this is none. */
                r = protocol_get(path, &p);
                return r < 0 ? r
                             : -fail(STATUS_BAD_INPUT, "InvalidProtocol", "%s: is not UTF-8 text; save it as UTF-8",
                                     path);
        }
        *ret = TAKE_PTR(buf);
        return 0;
}

/*
 * A protocol that cannot be read goes to the daemon all the same, which refuses
 * it and keeps a record of that. The coil is never filled in like this: which
 * one the threshold was measured with, only the operator knows.
 */
void protocol_kind(const struct tms_protocol *p, char ret[static KIND_TEXT])
{
        const char *kind = opt.threshold_kind;

        if (!kind)
                kind = p ? tms_protocol_reference(p) : "rMT";
        (void)snprintf(ret, KIND_TEXT, "%s", STREQ(kind, "MSO") ? "" : kind);
}

static int set_text(char *out, size_t size, const char *text, const char *option)
{
        if ((size_t)snprintf(out, size, "%s", text) >= size)
                return -fail(STATUS_BAD_INPUT, "BadUsage", "%s '%s' is too long; give at most %zu bytes", option, text,
                             size - 1);
        return 0;
}

bool protocol_has_threshold(const struct tms_protocol *p)
{
        size_t i;

        for (i = 0; opt.mt_permille == 0 && i < tms_protocol_legs(p); i++)
                if (opt.leg_mt_permille[i] == 0)
                        return false;
        return true;
}

int protocol_idle_options(const struct tms_protocol *p, bool shape)
{
        const struct {
                const char *name;
                bool given;
                bool of_verdict; /* bears on nothing else */
                bool of_shape;   /* bears on that without a threshold too */
        } options[] = {
                        {"--today", opt.today > 0, true, false},
                        {"--mt-method", opt.mt_method, true, false},
                        {"--percent", opt.percent_permille > 0, false, true},
                        {"--coil", opt.coil, false, false},
                        {"--threshold-kind", opt.threshold_kind, false, false},
                        {"--other-mt", opt.other_mt_permille > 0, false, false},
                        {"--leg-mt", opt.leg_mt_permille[0] > 0, false, false},
                        {"--adjusted-mt", opt.adjusted_mt_permille > 0 || opt.leg_adjusted_permille[0] > 0, false,
                         false},
                        {"--adjustment", opt.adjustment, false, false},
        };
        bool threshold = protocol_has_threshold(p);
        size_t i;

        for (i = 0; i < ELEMENTS(options); i++) {
                if (!options[i].given)
                        continue;
                if (!threshold && !(shape && options[i].of_shape))
                        return fail(STATUS_BAD_INPUT, "BadUsage", "%s has no effect without --mt; give that too",
                                    options[i].name);
                if (shape && options[i].of_verdict)
                        return fail(STATUS_BAD_INPUT, "BadUsage",
                                    "%s has no effect with --timeline; leave one of them out", options[i].name);
        }
        return 0;
}

int protocol_dose(const struct tms_protocol *p, bool wanted, struct tms_dose *ret)
{
        const char *reference = tms_protocol_reference(p);
        const char *coil;
        char each[64] = "";
        bool absolute = STREQ(reference, "MSO");
        struct tms_dose dose = {
                        .threshold_permille = opt.mt_permille,
                        .percent_permille = opt.percent_permille,
                        .other_threshold_permille = opt.other_mt_permille,
                        .adjusted_threshold_permille = opt.adjusted_mt_permille,
        };
        int r;

        if (wanted && !absolute && !protocol_has_threshold(p)) {
                if (tms_protocol_legs(p) > 1)
                        (void)snprintf(each, sizeof(each), ", or with --leg-mt for each of its %zu legs",
                                       tms_protocol_legs(p));
                return -fail(STATUS_BAD_INPUT, "BadUsage",
                             "the protocol's intensity is in %% of the motor threshold (%s): give it with --mt%s",
                             reference, each);
        }
        r = set_text(dose.threshold_kind, sizeof(dose.threshold_kind),
                     opt.threshold_kind ? opt.threshold_kind
                     : absolute         ? ""
                                        : reference,
                     "--threshold-kind");
        if (r < 0)
                return r;
        coil = opt.coil ? opt.coil : STREQ(tms_protocol_coil(p), "any") ? "" : tms_protocol_coil(p);
        r = set_text(dose.threshold_coil, sizeof(dose.threshold_coil), coil, "--coil");
        if (r < 0)
                return r;
        if (opt.adjustment) {
                r = set_text(dose.adjustment, sizeof(dose.adjustment), opt.adjustment, "--adjustment");
                if (r < 0)
                        return r;
        }
        memcpy(dose.leg_threshold_permille, opt.leg_mt_permille, sizeof(dose.leg_threshold_permille));
        memcpy(dose.leg_adjusted_permille, opt.leg_adjusted_permille, sizeof(dose.leg_adjusted_permille));
        (void)snprintf(dose.threshold_method, sizeof(dose.threshold_method), "%s", opt.mt_method ? opt.mt_method : "");
        *ret = dose;
        return 0;
}

int fail_dose(int r, const struct tms_error *e)
{
        if (r == -ERANGE)
                return fail_tms(STATUS_NEVER, "LimitExceeded", e);
        return fail_tms(STATUS_BAD_INPUT, "InvalidArgument", e);
}

int protocol_compile(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_timeline *ret)
{
        struct tms_error error = {0};
        struct tms_safety safety;
        int r;

        r = tms_compile(p, dose, ret, &error);
        if (r >= 0)
                return 0;
        /* For programs the verdict of check, whoever was asked; people have asked for something else. */
        if (r == -ERANGE && opt.json &&
            tms_safety_verdict(p, dose, &(struct tms_today){.treatment = opt.today}, NULL, &safety, NULL) >= 0 &&
            safety.class_ == TMS_SAFETY_NEVER)
                return -print_json(protocol_json(p, &safety), STATUS_NEVER);
        return -fail_dose(r, &error);
}

/* Each percentage of the threshold that it is of, as if that were this; nothing is printed. */
static int compile_percentages(const struct tms_protocol *p, struct tms_dose dose, uint32_t threshold,
                               struct tms_timeline *ret, struct tms_error *error)
{
        uint32_t i;
        int r;

        dose.threshold_permille = dose.other_threshold_permille = threshold;
        r = tms_compile(p, &dose, ret, error);
        if (r < 0)
                return r;
        for (i = 0; i < ret->count; i++) {
                struct tms_pulse *q = &ret->pulses[i];

                q->intensity_permille = (uint16_t)((q->intensity_permille * 1000U + threshold / 2) / threshold);
        }
        ret->max_permille = (ret->max_permille * 1000U + threshold / 2) / threshold;
        return 0;
}

int protocol_compile_shape(const struct tms_protocol *p, struct tms_timeline *ret, bool *ret_relative)
{
        /* The library knows intensities in 0.1 % of the maximum output, none above it. Of all of it a percentage is
         * exact as it stands, and of these parts of it in steps of 0.5 %. */
        static const uint32_t thresholds[] = {1000, 800, 600, 400, 200, 100, 40};
        struct tms_error error = {0};
        struct tms_dose dose;
        int r = -ERANGE;
        size_t i;

        *ret_relative = !STREQ(tms_protocol_reference(p), "MSO") && !protocol_has_threshold(p);
        if (protocol_dose(p, false, &dose) < 0)
                return -STATUS_BAD_INPUT;
        if (!*ret_relative)
                return protocol_compile(p, &dose, ret);
        for (i = 0; r == -ERANGE && i < ELEMENTS(thresholds); i++)
                r = compile_percentages(p, dose, thresholds[i], ret, &error);
        if (r == -ERANGE)
                return -fail(STATUS_BAD_INPUT, "BadUsage",
                             "the intensities cannot be told without a threshold: give it with --mt");
        return r < 0 ? -fail_dose(r, &error) : 0;
}

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

/* Every reading in use of the pattern's times, null where the pattern has no such time. */
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
        return STREQ(class, "allowed") ? COLOUR_GREEN : STREQ(class, "notice") ? COLOUR_YELLOW : COLOUR_RED;
}

void print_verdict(const char *verdict, const json_t *reasons, bool all)
{
        static const struct {
                const char *class, *words;
        } words[] = {
                        {"allowed", "allowed"},
                        {"notice", "allowed, with a notice to confirm"},
                        {"override", "needs a prescriber's override with a reason"},
                        {"never", "never allowed; its reasons say what to do"},
        };
        const char *text = verdict;
        const json_t *reason;
        size_t i;

        for (i = 0; i < ELEMENTS(words); i++)
                if (STREQ(words[i].class, verdict))
                        text = words[i].words;
        printf("%s%s%s\n", colour(class_colour(verdict)), text, colour(COLOUR_NONE));
        json_array_foreach(reasons, i, reason) {
                const char *class = json_get_str(reason, "class"), *source = json_get_str(reason, "source");

                if (!all && STREQ(class, "allowed"))
                        continue;
                printf("  %s%-8s%s  %s", colour(class_colour(class)), class, colour(COLOUR_NONE),
                       json_get_str(reason, "sentence"));
                if (*source)
                        printf(" %s[%s]%s", colour(COLOUR_DIM), source, colour(COLOUR_NONE));
                (void)putchar('\n');
        }
}
