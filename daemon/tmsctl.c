/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: verbs, options, help; see tmsctl.h. */
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>

#include "tmsctl.h"

struct options opt;

/* --- Options ------------------------------------------------------------------------- */

enum option_id {
        OPT_JSON,
        OPT_TIMELINE,
        OPT_SVG,
        OPT_LIVE,
        OPT_NOW,
        OPT_CONFIRM,
        OPT_MT,
        OPT_OTHER_MT,
        OPT_LEG_MT,
        OPT_MT_METHOD,
        OPT_ADJUSTED_MT,
        OPT_ADJUSTMENT,
        OPT_OVERRIDE,
        OPT_PERCENT,
        OPT_INTENSITY,
        OPT_TODAY,
        OPT_LINES,
        OPT_THRESHOLD_KIND,
        OPT_COIL,
        OPT_SUBJECT,
        OPT_STIMULATOR,
        OPT_KEY0,
        OPT_SEAL,
        OPT_DIR,
        OPT_TYPE,
        OPT_SESSION,
        OPT_SINCE,
        OPT_UNTIL,
        OPT_HELP,
        OPT_VERSION,
};

#define BIT(id) (1U << (id))
#define DOSE_OPTIONS                                                                                 \
        (BIT(OPT_MT) | BIT(OPT_OTHER_MT) | BIT(OPT_LEG_MT) | BIT(OPT_MT_METHOD) | BIT(OPT_PERCENT) | \
         BIT(OPT_THRESHOLD_KIND) | BIT(OPT_COIL) | BIT(OPT_ADJUSTED_MT) | BIT(OPT_ADJUSTMENT))

/* In the order of enum option_id, which getopt_long() gives as an index. */
static const struct option long_options[] = {
                {"json", no_argument, NULL, 1},
                {"timeline", no_argument, NULL, 1},
                {"svg", no_argument, NULL, 1},
                {"live", no_argument, NULL, 1},
                {"now", no_argument, NULL, 1},
                {"confirm", no_argument, NULL, 1},
                {"mt", required_argument, NULL, 1},
                {"other-mt", required_argument, NULL, 1},
                {"leg-mt", required_argument, NULL, 1},
                {"mt-method", required_argument, NULL, 1},
                {"adjusted-mt", required_argument, NULL, 1},
                {"adjustment", required_argument, NULL, 1},
                {"override", required_argument, NULL, 1},
                {"percent", required_argument, NULL, 1},
                {"intensity", required_argument, NULL, 1},
                {"today", required_argument, NULL, 1},
                {"lines", required_argument, NULL, 1},
                {"threshold-kind", required_argument, NULL, 1},
                {"coil", required_argument, NULL, 1},
                {"subject", required_argument, NULL, 1},
                {"stimulator", required_argument, NULL, 1},
                {"key0", required_argument, NULL, 1},
                {"seal", required_argument, NULL, 1},
                {"dir", required_argument, NULL, 1},
                {"type", required_argument, NULL, 1},
                {"session", required_argument, NULL, 1},
                {"since", required_argument, NULL, 1},
                {"until", required_argument, NULL, 1},
                {"help", no_argument, NULL, 1},
                {"version", no_argument, NULL, 1},
                {NULL, 0, NULL, 0},
};

static int parse_number(const char *text, const char *option, uint64_t max, uint64_t *ret)
{
        char *end;

        errno = 0;
        *ret = strtoull(text, &end, 10);
        if (*text < '0' || *text > '9' || *end || errno != 0 || *ret > max)
                return fail(STATUS_BAD_INPUT, "BadUsage", "--%s is '%s'; expected a whole number up to %llu", option,
                            text, (unsigned long long)max);
        return 0;
}

/* "52", "52.5", "52.5%": at most one decimal, for a card sets tenths of a percent and nothing between. */
static int parse_permille(const char *text, const char *option, uint32_t max, uint32_t *ret)
{
        uint32_t v = 0;
        const char *s = text;

        for (; *s >= '0' && *s <= '9' && v <= max; s++)
                v = v * 10 + (uint32_t)(*s - '0');
        v *= 10;
        if (s > text && s[0] == '.' && s[1] >= '0' && s[1] <= '9') {
                v += (uint32_t)(s[1] - '0');
                s += 2;
        }
        if (s > text && *s == '%')
                s++;
        if (s > text && s[0] == ',' && s[1] >= '0' && s[1] <= '9')
                return fail(STATUS_BAD_INPUT, "BadUsage", "--%s is '%s'; write its decimal with a point: %.*s.%s",
                            option, text, (int)(s - text), text, s + 1);
        if (s == text || *s || v == 0 || v > max)
                return fail(STATUS_BAD_INPUT, "BadUsage",
                            "--%s is '%s'; expected a percentage from 0.1 to %u with one decimal at most", option, text,
                            max / 10);
        *ret = v;
        return 0;
}

/* "52,55.5": one for each leg, in their order. */
static int parse_legs(const char *text, const char *option, uint32_t legs[static TMS_LEGS_MAX])
{
        char one[32];
        size_t i, n;
        int r;

        for (i = 0; i < TMS_LEGS_MAX; i++, text++) {
                n = strcspn(text, ",");
                (void)snprintf(one, sizeof(one), "%.*s", (int)n, text);
                r = parse_permille(one, option, 1000, &legs[i]);
                if (r != 0)
                        return r;
                text += n;
                if (!*text)
                        return 0;
        }
        return fail(STATUS_BAD_INPUT, "BadUsage",
                    "--%s has more than %d thresholds; a protocol has %d legs at most; give one for each leg", option,
                    TMS_LEGS_MAX, TMS_LEGS_MAX);
}

static int set_option(enum option_id id, const char *value)
{
        const char *name = long_options[id].name;
        uint64_t n = 0;
        int r = 0;

        switch (id) {
        case OPT_TIMELINE:
                opt.timeline = true;
                break;
        case OPT_SVG:
                opt.svg = true;
                break;
        case OPT_LIVE:
                opt.live = true;
                break;
        case OPT_NOW:
                opt.now = true;
                break;
        case OPT_CONFIRM:
                opt.confirm = true;
                break;
        case OPT_MT:
                return parse_permille(value, name, 1000, &opt.mt_permille);
        case OPT_PERCENT:
                return parse_permille(value, name, 3000, &opt.percent_permille);
        case OPT_OTHER_MT:
                return parse_permille(value, name, 1000, &opt.other_mt_permille);
        case OPT_LEG_MT:
                return parse_legs(value, name, opt.leg_mt_permille);
        case OPT_ADJUSTED_MT:
                return strchr(value, ',') ? parse_legs(value, name, opt.leg_adjusted_permille)
                                          : parse_permille(value, name, 1000, &opt.adjusted_mt_permille);
        case OPT_ADJUSTMENT:
                opt.adjustment = value;
                break;
        case OPT_MT_METHOD:
                if (!STREQ(value, "EMG") && !STREQ(value, "visual"))
                        return fail(STATUS_BAD_INPUT, "BadUsage", "--%s is '%s'; expected EMG or visual", name, value);
                opt.mt_method = value;
                break;
        case OPT_OVERRIDE:
                if (!value[strspn(value, " \t\r\n")])
                        return fail(STATUS_BAD_INPUT, "BadUsage", "--%s wants the reason in words", name);
                opt.override_reason = value;
                break;
        case OPT_INTENSITY:
                return parse_permille(value, name, 1000, &opt.intensity_permille);
        case OPT_TODAY:
                r = parse_number(value, name, UINT32_MAX, &n);
                opt.today = (uint32_t)n;
                return r;
        case OPT_LINES:
                return parse_number(value, name, 1000000, &opt.lines);
        case OPT_THRESHOLD_KIND:
                if (!STREQ(value, "rMT") && !STREQ(value, "aMT"))
                        return fail(STATUS_BAD_INPUT, "BadUsage", "--%s is '%s'; expected rMT or aMT", name, value);
                opt.threshold_kind = value;
                break;
        case OPT_COIL:
                return parse_coil(value, name, &opt.coil);
        case OPT_SUBJECT:
                opt.subject = value;
                break;
        case OPT_STIMULATOR:
                opt.stimulator = value;
                break;
        case OPT_KEY0:
                opt.key0 = value;
                break;
        case OPT_SEAL:
                opt.seal = value;
                break;
        case OPT_DIR:
                opt.dir = value;
                break;
        case OPT_TYPE:
                opt.type = value;
                break;
        case OPT_SESSION:
                opt.session = value;
                break;
        case OPT_SINCE:
                opt.since = value;
                break;
        case OPT_UNTIL:
                opt.until = value;
                break;
        default:
                break;
        }
        return r;
}

/* --- Verbs ------------------------------------------------------------------------------ */

static int verb_help(int argc, char **argv);

static const struct verb {
        const char *name; /* may be two words */
        int min, max;     /* arguments after it */
        uint32_t options;
        verb_fn run;
        const char *arguments, *what;
} verbs[] = {
                {"status", 0, 0, BIT(OPT_JSON), verb_status, "",
                 "what is connected and its state (also without any verb)"},
                {"list", 0, 1, BIT(OPT_JSON), verb_list, "[protocols|stimulators]",
                 "the installed protocols, or the stimulators"},
                {"show", 1, 1, BIT(OPT_JSON) | BIT(OPT_TIMELINE) | BIT(OPT_TODAY) | DOSE_OPTIONS, verb_show,
                 "FILE|ID [--timeline]",
                 "a protocol in words, its totals and both readings of its inter-train interval"},
                {"check", 1, 1, BIT(OPT_JSON) | BIT(OPT_TODAY) | DOSE_OPTIONS, verb_check,
                 "FILE|ID --mt % [--percent %] [--coil TYPE]",
                 "the safety verdict on a protocol for this motor threshold"},
                {"plot", 1, 1, BIT(OPT_JSON) | BIT(OPT_SVG) | (DOSE_OPTIONS & ~BIT(OPT_MT_METHOD)), verb_plot,
                 "FILE|ID [--svg]", "a picture of a protocol's timeline"},
                {"run", 1, 1,
                 BIT(OPT_JSON) | BIT(OPT_SUBJECT) | BIT(OPT_STIMULATOR) | BIT(OPT_OVERRIDE) | BIT(OPT_CONFIRM) |
                                 DOSE_OPTIONS,
                 verb_run,
                 "FILE|ID --mt % [--percent %] [--coil TYPE] [--subject CODE] [--confirm] [--override REASON]",
                 "one treatment with live progress; ^C stops it at once"},
                {"go", 0, 1, BIT(OPT_JSON) | BIT(OPT_INTENSITY), verb_go, "[SESSION] [--intensity %]",
                 "let the pulse go that waits for the operator"},
                {"pause", 0, 1, BIT(OPT_JSON) | BIT(OPT_NOW), verb_pause, "[SESSION] [--now]",
                 "at the end of the train, or at once"},
                {"resume", 0, 1, BIT(OPT_JSON), verb_resume, "[SESSION]", "go on after a pause"},
                {"stop", 0, 1, BIT(OPT_JSON), verb_stop, "[STIMULATOR]", "at once; anyone may"},
                {"session", 0, 1, BIT(OPT_JSON), verb_session, "[SESSION]", "the sessions since the daemon started"},
                {"events", 0, 0, BIT(OPT_JSON), verb_events, "", "follow every change until ^C"},
                {"latency", 0, 1, BIT(OPT_JSON), verb_latency, "[STIMULATOR]",
                 "how exact the last pulses were, and what would help"},
                {"clear-fault", 0, 1, BIT(OPT_JSON), verb_clear_fault, "[STIMULATOR]",
                 "after the cause of a fault has been mended"},
                {"audit verify", 0, 1, BIT(OPT_JSON) | BIT(OPT_KEY0) | BIT(OPT_SEAL) | BIT(OPT_LIVE), verb_audit_verify,
                 "[DIR] [--key0 FINGERPRINT] [--seal FILE] [--live]", "is the audit log what was written?"},
                {"audit show", 0, 0,
                 BIT(OPT_JSON) | BIT(OPT_DIR) | BIT(OPT_TYPE) | BIT(OPT_SESSION) | BIT(OPT_SINCE) | BIT(OPT_UNTIL) |
                                 BIT(OPT_LINES),
                 verb_audit_show, "[--type GLOB] [--session ID] [--since UTC] [--until UTC] [--lines N]",
                 "the log's records"},
                {"audit export", 1, 1, BIT(OPT_JSON) | BIT(OPT_DIR) | BIT(OPT_KEY0) | BIT(OPT_LIVE), verb_audit_export,
                 "DIR [--live]", "a verified copy of the log for someone elsewhere"},
                {"help", 0, 2, 0, verb_help, "[VERB]", "this, or one verb in full"},
};

static bool is_name_of(const struct verb *v, const char *first, const char *second)
{
        const char *space = strchr(v->name, ' ');

        if (!space)
                return STREQ(v->name, first);
        return second && strlen(first) == (size_t)(space - v->name) && strncmp(v->name, first, strlen(first)) == 0 &&
               STREQ(space + 1, second);
}

static const struct verb *find_verb(const char *first, const char *second)
{
        size_t i;

        for (i = 0; i < ELEMENTS(verbs); i++)
                if (is_name_of(&verbs[i], first, second))
                        return &verbs[i];
        return NULL;
}

static int fail_unknown(const char *first, const char *second)
{
        const struct verb *nearest = NULL;
        char typed[64];
        unsigned least = SLIP_MAX + 1;
        size_t i;

        if (STREQ(first, "audit"))
                return fail(STATUS_BAD_INPUT, "BadUsage",
                            "'audit %s' is not a verb; expected audit verify, audit show or audit export",
                            second ? second : "");
        (void)snprintf(typed, sizeof(typed), "%s", first);
        for (i = 0; i < ELEMENTS(verbs); i++) {
                unsigned d = word_distance(typed, verbs[i].name);

                if (d < least) {
                        least = d;
                        nearest = &verbs[i];
                }
        }
        if (STREQ(first, "version"))
                return fail(STATUS_BAD_INPUT, "BadUsage", "'version' is not a verb; did you mean '--version'?");
        if (nearest)
                return fail(STATUS_BAD_INPUT, "BadUsage", "'%s' is not a verb; did you mean '%s'?", first,
                            nearest->name);
        return fail(STATUS_BAD_INPUT, "BadUsage", "'%s' is not a verb; see tmsctl help", first);
}

/* --- Help -------------------------------------------------------------------------------------- */

static void print_usage(const struct verb *v)
{
        printf("tmsctl %s%s%s\n    %s\n", v->name, *v->arguments ? " " : "", v->arguments, v->what);
}

static void print_options(const struct verb *v)
{
        static const char *const what[] = {
                        [OPT_JSON] = "for programs: JSON on standard output, errors too",
                        [OPT_TIMELINE] = "one line a pulse",
                        [OPT_SVG] = "an SVG document instead of a picture of characters",
                        [OPT_LIVE] = "demand a fresh seal from the daemon",
                        [OPT_NOW] = "not only at the end of the train",
                        [OPT_CONFIRM] = "notices are known and confirmed; without it a terminal is asked",
                        [OPT_MT] = "motor threshold in % of maximum stimulator output, such as 52 or 52.5",
                        [OPT_OTHER_MT] = "threshold of the other kind, for protocols that use both",
                        [OPT_LEG_MT] = "a threshold for each leg, such as 52,55.5",
                        [OPT_MT_METHOD] = "how the threshold was found: EMG or visual",
                        [OPT_ADJUSTED_MT] = "what the measured threshold was adjusted to; for legs such as 60,64.5",
                        [OPT_ADJUSTMENT] = "how and by whom it was adjusted",
                        [OPT_OVERRIDE] = "a prescriber's reason to treat outside the published tables",
                        [OPT_PERCENT] = "what of the threshold, in %; the protocol's own without it",
                        [OPT_INTENSITY] = "for this pulse, in % of maximum stimulator output; lower than prescribed",
                        [OPT_TODAY] = "pulses that the subject has had today",
                        [OPT_LINES] = "the last N only",
                        [OPT_THRESHOLD_KIND] = "rMT or aMT; the protocol's own without it",
                        [OPT_COIL] = "coil that the threshold was measured with, such as figure-8",
                        [OPT_SUBJECT] = "a pseudonymous code, never a name",
                        [OPT_STIMULATOR] = "such as /dev/tms0; needed only when there are several",
                        [OPT_KEY0] = "SHA-256 of the first public key, as noted at installation",
                        [OPT_SEAL] = "file with a seal that was held elsewhere",
                        [OPT_DIR] = "the log's directory, /var/lib/tmsd/audit without it",
                        [OPT_TYPE] = "records of this type, such as 'session.*'",
                        [OPT_SESSION] = "records of this session",
                        [OPT_SINCE] = "records from this time on, such as 2026-01-31T09",
                        [OPT_UNTIL] = "records up to this time",
        };
        size_t i;

        for (i = 0; i < ELEMENTS(what); i++)
                if (v->options & BIT(i))
                        printf("    --%-16s %s\n", long_options[i].name, what[i]);
}

static int verb_help(int argc, char **argv)
{
        const struct verb *v;
        size_t i;

        /* "audit" is no verb by itself, but three. */
        if (argc == 1 && STREQ(argv[0], "audit")) {
                for (i = 0; i < ELEMENTS(verbs); i++)
                        if (strncmp(verbs[i].name, "audit ", 6) == 0)
                                print_usage(&verbs[i]);
                return STATUS_OK;
        }
        if (argc > 0) {
                v = find_verb(argv[0], argc > 1 ? argv[1] : NULL);
                if (!v)
                        return fail_unknown(argv[0], argc > 1 ? argv[1] : NULL);
                print_usage(v);
                print_options(v);
                return STATUS_OK;
        }
        puts("tmsctl [VERB] [ARGUMENTS] [OPTIONS]: transcranial magnetic stimulation\n");
        for (i = 0; i < ELEMENTS(verbs); i++)
                printf("  %-13s %s\n", verbs[i].name, verbs[i].what);
        puts("\ntmsctl help VERB tells a verb's arguments and options, tmsctl(1) its exit statuses.");
        return STATUS_OK;
}

/* --- main ---------------------------------------------------------------------------------------- */

/* A descriptor that is not open would be the next file's or socket's, and what is printed would go there. */
static void fill_standard_files(void)
{
        int fd;

        for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0)
                        /* Nothing can be written to it, nor read from the first one: that is to be seen. */
                        (void)open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_NOCTTY);
}

/* The option that this is in full, with or without "=VALUE"; NULL: none. */
static const struct option *option_of(const char *word)
{
        size_t n = strcspn(word, "="), i;

        for (i = 0; long_options[i].name; i++)
                if (n == strlen(long_options[i].name) + 2 && strncmp(word, "--", 2) == 0 &&
                    strncmp(word + 2, long_options[i].name, n - 2) == 0)
                        return &long_options[i];
        return NULL;
}

/* Wanted in any message, so it is looked for before anything can go wrong. */
static void look_for_json(int argc, char **argv)
{
        int i;

        for (i = 1; i < argc && !STREQ(argv[i], "--"); i++) {
                const struct option *o = option_of(argv[i]);

                if (STREQ(argv[i], "--json"))
                        opt.json = true;
                else if (o && o->has_arg == required_argument && !strchr(argv[i], '='))
                        i++;
        }
}

/* The first word of letters behind a single dash: getopt_long() tells the letter only. */
static const char *short_word(int argc, char **argv)
{
        int i;

        for (i = 1; i < argc && !STREQ(argv[i], "--"); i++)
                if (argv[i][0] == '-' && argv[i][1] && argv[i][1] != '-' && !STREQ(argv[i], "-h"))
                        return argv[i];
        return NULL;
}

static int fail_option(const char *word)
{
        char full[64];

        /* "-mt" */
        (void)snprintf(full, sizeof(full), "-%.60s", word);
        if (word[0] == '-' && word[1] != '-' && option_of(full))
                return fail(STATUS_BAD_INPUT, "BadUsage", "'%s' is not an option; did you mean '%s'?", word, full);
        return fail(STATUS_BAD_INPUT, "BadUsage", "'%s' is not an option, or takes no value; see tmsctl help", word);
}

/* Fills the options and *ret_given; returns an exit status, or -1 to go on. */
static int parse_options(int argc, char **argv, uint32_t *ret_given)
{
        const char *word;
        int id = 0, c, r;

        opterr = 0;
        while ((c = getopt_long(argc, argv, ":h", long_options, &id)) >= 0) {
                if (c == 'h')
                        id = OPT_HELP;
                else if (c == ':')
                        return fail(STATUS_BAD_INPUT, "BadUsage", "%s wants a value; see tmsctl help",
                                    argv[optind - 1]);
                else if (c == '?' && optopt && short_word(argc, argv))
                        return fail_option(short_word(argc, argv));
                else if (c == '?')
                        return fail_option(argv[optind - 1]);
                /* Cut short: what is clear today need not be when there are more options. */
                word = argv[optind - (optarg && optarg == argv[optind - 1] ? 2 : 1)];
                if (c != 'h' && !option_of(word))
                        return fail_option(word);
                if (long_options[id].has_arg && *ret_given & BIT(id))
                        return fail(STATUS_BAD_INPUT, "BadUsage", "--%s is given twice; give it once",
                                    long_options[id].name);
                r = set_option((enum option_id)id, optarg);
                if (r != 0)
                        return r;
                *ret_given |= BIT(id);
        }
        return -1;
}

static int run_verb(const struct verb *v, int argc, char **argv, uint32_t given)
{
        size_t i;

        for (i = 0; i < ELEMENTS(long_options) - 1; i++)
                if (given & BIT(i) & ~v->options)
                        return fail(STATUS_BAD_INPUT, "BadUsage", "%s does not take --%s; see tmsctl help %s", v->name,
                                    long_options[i].name, v->name);
        if (argc < v->min)
                return fail(STATUS_BAD_INPUT, "BadUsage", "%s wants more: tmsctl %s %s", v->name, v->name,
                            v->arguments);
        if (argc > v->max)
                return fail(STATUS_BAD_INPUT, "BadUsage", "%s does not take '%s'; see tmsctl help %s", v->name,
                            argv[v->max], v->name);
        return v->run(argc, argv);
}

static int run(int argc, char **argv)
{
        const struct verb *v = &verbs[0];
        uint32_t given = 0;
        int words = 0, r;

        look_for_json(argc, argv);
        r = parse_options(argc, argv, &given);
        if (r >= 0)
                return r;
        argc -= optind;
        argv += optind;
        if (given & BIT(OPT_VERSION)) {
                if (opt.json)
                        return print_json(json_pack("{s:s}", "version", TMS_VERSION), STATUS_OK);
                puts("tmsctl " TMS_VERSION);
                return STATUS_OK;
        }
        if (argc > 0) {
                v = find_verb(argv[0], argc > 1 ? argv[1] : NULL);
                if (!v)
                        return fail_unknown(argv[0], argc > 1 ? argv[1] : NULL);
                words = strchr(v->name, ' ') ? 2 : 1;
        }
        if (given & BIT(OPT_HELP))
                return verb_help(words, argv);
        return run_verb(v, argc - words, argv + words, given);
}

int main(int argc, char **argv)
{
        fill_standard_files();
        (void)setlocale(LC_CTYPE, "");
        return out_end(run(argc, argv));
}
