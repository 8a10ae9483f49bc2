/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line's words into options; see arguments.h. */
#include "arguments.h"

/* --- Values ------------------------------------------------------------------------------ */

static int parse_number(const char *text, const char *option, uint64_t max, uint64_t *ret)
{
        char *end;

        errno = 0;
        *ret = strtoull(text, &end, 10);
        if (*text < '0' || *text > '9' || *end || errno != 0 || *ret > max)
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "--%s is '%s'; expected a whole number up to %llu",
                            option, text, (unsigned long long)max);
        return 0;
}

/* "52", "52.5", "52.5%". At most one decimal, because a card is set in tenths of a percent. */
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
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                            "--%s is '%s'; write its decimal with a point: %.*s.%s", option, text, (int)(s - text),
                            text, s + 1);
        if (s == text || *s || v == 0 || v > max)
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                            "--%s is '%s'; expected a percentage from 0.1 to %u with one decimal at most", option, text,
                            max / 10);
        *ret = v;
        return 0;
}

/* "52,55.5": one number for each leg, in the order of the legs. */
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
        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
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
        case OPT_FULL:
                opt.full = true;
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
                if (!STREQ(value, TMS_METHOD_EMG) && !STREQ(value, TMS_METHOD_VISUAL))
                        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "--%s is '%s'; expected EMG or visual", name,
                                    value);
                opt.mt_method = value;
                break;
        case OPT_OVERRIDE:
                if (!value[strspn(value, " \t\r\n")])
                        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "--%s wants the reason in words", name);
                opt.override_reason = value;
                break;
        case OPT_INTENSITY:
                return parse_permille(value, name, 1000, &opt.intensity_permille);
        case OPT_TODAY:
                r = parse_number(value, name, UINT32_MAX, &n);
                opt.today = (uint32_t)n;
                return r;
        case OPT_LINES:
                r = parse_number(value, name, 1000000, &opt.lines);
                if (r == 0 && opt.lines == 0)
                        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                                    "--%s is '%s'; expected how many records at most, from 1 on, such as 20", name,
                                    value);
                return r;
        case OPT_THRESHOLD_KIND:
                if (!STREQ(value, TMS_KIND_RMT) && !STREQ(value, TMS_KIND_AMT))
                        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "--%s is '%s'; expected rMT or aMT", name,
                                    value);
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
        case OPT_REST:
                opt.rest = path_id(value);
                if (!*opt.rest)
                        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                                    "--%s wants a session's id, such as 20260131T090000Z_0123abcd; see tmsctl audit "
                                    "show --type session.end",
                                    name);
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

/* --- Words ------------------------------------------------------------------------------- */

void arguments_look_for_json(int argc, char **argv)
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

/* The first word with letters after a single dash. getopt_long() tells only the letter that it does not know. */
static const char *short_word(int argc, char **argv)
{
        int i;

        for (i = 1; i < argc && !STREQ(argv[i], "--"); i++)
                if (argv[i][0] == '-' && argv[i][1] && argv[i][1] != '-' && !STREQ(argv[i], "-h"))
                        return argv[i];
        return NULL;
}

/* The name of the option that was probably meant, or NULL. */
static const char *nearest_option(const char *word)
{
        const char *nearest = NULL;
        char typed[64];
        unsigned least = UINT32_MAX, d, i;

        word += strspn(word, "-");
        (void)snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(word, "="), word);
        for (i = 0; long_options[i].name; i++) {
                d = word_distance(typed, long_options[i].name);
                if (d < least && word_is_slip(typed, d)) {
                        least = d;
                        nearest = long_options[i].name;
                }
        }
        return nearest;
}

static int fail_option(const char *word)
{
        const char *nearest = nearest_option(word);

        /* An option that exists was given a value that it does not take. */
        if (nearest && !option_of(word))
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "'%s' is not an option; did you mean '--%s'?", word,
                            nearest);
        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "'%s' is not an option, or takes no value; see tmsctl help",
                    word);
}

int arguments_parse(int argc, char **argv, uint32_t *ret_given)
{
        const char *word;
        int id = 0, c, r;

        opterr = 0;
        while ((c = getopt_long(argc, argv, ":h", long_options, &id)) >= 0) {
                if (c == 'h')
                        id = OPT_HELP;
                else if (c == ':')
                        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "%s wants a value; see tmsctl help",
                                    argv[optind - 1]);
                else if (c == '?' && optopt && short_word(argc, argv))
                        return fail_option(short_word(argc, argv));
                else if (c == '?')
                        return fail_option(argv[optind - 1]);
                /* Refuse a shortened option: a later version may have another option that begins like this. */
                word = argv[optind - (optarg && optarg == argv[optind - 1] ? 2 : 1)];
                if (c != 'h' && !option_of(word))
                        return fail_option(word);
                if (long_options[id].has_arg && *ret_given & BIT(id))
                        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "--%s is given twice; give it once",
                                    long_options[id].name);
                r = set_option((enum option_id)id, optarg);
                if (r != 0)
                        return r;
                *ret_given |= BIT(id);
        }
        return -1;
}
