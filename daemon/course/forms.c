/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forms of a course; see forms.h. */
#include "forms.h"
#include "indication.h"
#include "instrument.h"
#include "plan.h"
#include "prescription.h"
#include "screening.h"

/* clang-format off */

#define LIST(...) (const char *const[]){__VA_ARGS__, NULL}

#define WORD(n, ...)          {.name = (n), .kind = FORM_WORD, .words = LIST(__VA_ARGS__)}
#define OPTIONAL_WORD(n, ...) {.name = (n), .kind = FORM_WORD, .words = LIST(__VA_ARGS__), .optional = true}
#define WORDS(n, i, ...)      {.name = (n), .kind = FORM_WORDS, .items = (i), .words = LIST(__VA_ARGS__)}
#define ID(n, l, m, ...)      {.name = (n), .kind = FORM_ID, .least = (l), .most = (m), ##__VA_ARGS__}
#define IDS(n, l, m, i)       {.name = (n), .kind = FORM_IDS, .least = (l), .most = (m), .items = (i)}
#define HEX(n, digits)        {.name = (n), .kind = FORM_HEX, .least = (digits), .most = (digits)}
#define DATE(n)               {.name = (n), .kind = FORM_DATE}
#define NUMBER(n, l, m, ...)  {.name = (n), .kind = FORM_NUMBER, .least = (l), .most = (m), ##__VA_ARGS__}
#define NUMBERS(n, l, m, i, ...) \
        {.name = (n), .kind = FORM_NUMBERS, .least = (l), .most = (m), .items = (i), ##__VA_ARGS__}
#define OPTIONAL .optional = true
#define END {.name = NULL}
#define HAS(...) .fields = (const struct form_field[]){__VA_ARGS__, END}

/* A person of the clinic or a referring one: a login, or a number in a register. */
#define STAFF(n)   ID(n, 1, 32)
#define EARLIER(n) WORD(n, "never", "response", "no-response", "not-tolerated", "not-known")
#define ITEMS(n)   NUMBERS(n, 1, SCREENING_ITEMS, SCREENING_ITEMS)
#define SESSION    ID("session", 1, 39, OPTIONAL)

/* clang-format on */

/* --- What fields have to be together ------------------------------------------------ */

static const struct {
        const char *what;
        const char *const *words; /* NULL: a number of weeks */
} trial_parts[] = {
                {"class", LIST("ssri", "snri", "ndri", "tca", "maoi", "tetracyclic", "augmentation", "antipsychotic",
                               "lithium", "nicotine", "varenicline", "other")},
                {"adequate", LIST("adequate", "not-adequate", "not-known")},
                {"weeks", NULL},
                {"outcome", LIST("response", "partial", "no-response", "not-known")},
                {"tolerance", LIST("tolerated", "not-tolerated", "not-known")},
};

static bool is_one_of(const char *s, size_t n, const char *const *words)
{
        for (; *words; words++) {
                if (strlen(*words) == n && strncmp(*words, s, n) == 0)
                        return true;
        }
        return false;
}

/* 0 to 999, in at most three digits. */
static bool is_weeks(const char *s, size_t n)
{
        return n >= 1 && n <= 3 && strspn(s, "0123456789") >= n;
}

int trial_check(const char *trial, char why[static COURSE_WHY])
{
        const char *p = trial;
        size_t i;

        for (i = 0; i < ELEMENTS(trial_parts); i++) {
                const size_t n = strcspn(p, ",");
                const bool last = i + 1 == ELEMENTS(trial_parts);

                if (!(trial_parts[i].words ? is_one_of(p, n, trial_parts[i].words) : is_weeks(p, n)) ||
                    last != (p[n] == '\0')) {
                        (void)snprintf(why, COURSE_WHY,
                                       "a trial of a medicine is class,adequate,weeks,outcome,tolerance, as in "
                                       "ssri,adequate,8,no-response,tolerated, and its %s is wrong; see "
                                       "org.tmsd1.xml for the words",
                                       trial_parts[i].what);
                        return -EINVAL;
                }
                p += n + 1;
        }
        return 0;
}

/* A letter, digits and dots, and perhaps a letter at the end, as in F32.A: no name is one. */
static bool is_diagnosis(const char *code)
{
        size_t n;

        if (*code < 'A' || *code > 'Z')
                return false;
        code++;
        n = strspn(code, "0123456789.");
        return n >= 1 && (!code[n] || (!code[n + 1] && code[n] >= 'A' && code[n] <= 'Z'));
}

static int about_together(const json_t *filled, char why[static COURSE_WHY])
{
        const json_t *trial;
        size_t i;
        int r;

        r = indication_look(json_get_str(filled, "indication"), (unsigned)json_get_u64(filled, "age"), why);
        json_array_foreach(json_object_get(filled, "trials"), i, trial) {
                if (r < 0)
                        break;
                r = trial_check(json_string_value(trial), why);
        }
        if (r >= 0 && !is_diagnosis(json_get_str(filled, "diagnosis"))) {
                (void)snprintf(why, COURSE_WHY,
                               "diagnosis is a code, a capital letter and digits, as F33.2; give the code "
                               "instead of words");
                r = -EINVAL;
        }
        return r;
}

/* Each item once, in one of the two lists. */
static int screening_together(const json_t *filled, char why[static COURSE_WHY])
{
        static const char *const lists[] = {"yes", "no"};
        unsigned seen[SCREENING_ITEMS + 1] = {0}, item;
        const json_t *v;
        size_t i, k;

        for (i = 0; i < ELEMENTS(lists); i++) {
                json_array_foreach(json_object_get(filled, lists[i]), k, v)
                        seen[json_integer_value(v)]++;
        }
        for (item = 1; item <= SCREENING_ITEMS; item++) {
                if (seen[item] > 1) {
                        (void)snprintf(why, COURSE_WHY,
                                       "item %u of the screening (%s) is answered twice; give it once, with yes or "
                                       "with no",
                                       item, screening_title(item));
                        return -EINVAL;
                }
        }
        return 0;
}

static int decision_together(const json_t *filled, char why[static COURSE_WHY])
{
        if (json_array_size(json_object_get(filled, "items")) > 0)
                return 0;
        (void)snprintf(why, COURSE_WHY, "a decision is about items of the screening; name at least one");
        return -EINVAL;
}

static int score_together(const json_t *filled, char why[static COURSE_WHY])
{
        struct rating rating;

        return rating_of(filled, &rating, why);
}

static int prescription_together(const json_t *filled, char why[static COURSE_WHY])
{
        struct plan plan;

        return prescription_plan(filled, &plan, why);
}

/* --- The forms ------------------------------------------------------------------------ */

/* clang-format off */

/*
 * Effects, phases and that relatedness is asked: the side-effect logs that clinics publish. The grades of relatedness
 * are those of the WHO's causality categories.
 */
const struct form course_forms[COURSE_FORMS] = {
        [COURSE_ABOUT] = {HAS(ID("subject", 1, 64),
                WORD("indication", "depression", "depression-adolescent", "ocd", "smoking"),
                NUMBER("age", 0, 120), ID("diagnosis", 2, 8), DATE("diagnosed"),
                IDS("trials", 1, 63, TRIALS_MAX), EARLIER("earlier_tms"), EARLIER("earlier_ect"),
                STAFF("referred_by"), STAFF("ordered_by")), .together = about_together},
        [COURSE_SCREENING] = {HAS(ITEMS("yes"), ITEMS("no")), .together = screening_together},
        [COURSE_DECISION] = {HAS(ITEMS("items"),
                WORD("reason", "benefit-outweighs", "compatible-device", "clarified", "with-precautions")),
                .together = decision_together},
        [COURSE_CONSENT] = {HAS(ID("version", 1, 16), DATE("date"))},
        [COURSE_AUTHORISATION] = {HAS(NUMBER("sessions", 0, 999), DATE("until"))},
        [COURSE_PRESCRIPTION] = {HAS(ID("protocol", 1, 63), HEX("sha256", 64),
                WORD("target", "left-dlpfc", "right-dlpfc", "bilateral-dlpfc", "left-lateral-pfc", "mpfc-acc",
                     "bilateral-pfc-insula", "m1"),
                WORD("found_by", "beam-f3", "5-cm", "5.5-cm", "6-cm", "mri", "fmri", "motor-hotspot"),
                ID("coil", 1, 15),
                NUMBER("threshold_permille", 1, 1000), WORD("threshold_kind", "rMT", "aMT"),
                WORD("threshold_method", "EMG", "visual"),
                NUMBER("percent_permille", 1, 3000),
                NUMBER("sessions", 1, PLAN_SESSIONS_MAX), NUMBER("per_day", 1, PLAN_PER_DAY_MAX),
                NUMBER("days_per_week", 1, 7),
                WORDS("weekdays", 7, "mon", "tue", "wed", "thu", "fri", "sat", "sun"),
                NUMBER("min_gap_s", 1, 86399, OPTIONAL),
                NUMBERS("taper", 1, 7, PLAN_TAPER_MAX, OPTIONAL),
                NUMBERS("maintenance_sessions", 1, PLAN_SESSIONS_MAX, PLAN_STEPS_MAX, OPTIONAL),
                NUMBERS("maintenance_days", 1, PLAN_EVERY_MAX, PLAN_STEPS_MAX, OPTIONAL),
                NUMBER("max_permille", 1, 1000), NUMBER("max_pulses", 1, 100000)),
                .together = prescription_together},
        [COURSE_PART] = {HAS(WORD("part", "taper", "maintenance"))},
        [COURSE_ENDING] = {HAS(WORD("reason", "completed", "remission", "no-response", "adverse-event", "seizure",
                "consent-withdrawn", "medical", "administrative"))},
        [COURSE_SCORE] = {HAS(WORD("instrument", "phq-9", "ham-d", "madrs", "y-bocs"),
                NUMBERS("items", 0, 6, INSTRUMENT_ITEMS)), .together = score_together},
        [COURSE_EFFECT] = {HAS(WORD("effect", "none", "scalp-pain", "facial-discomfort", "neck-pain", "tooth-pain",
                "headache", "twitching", "syncope", "hearing", "tinnitus", "dizziness", "concentration", "mood-change",
                "other"),
                WORD("phase", "before", "during", "after"), WORD("severity", "none", "mild", "moderate", "severe"),
                WORD("relatedness", "unrelated", "unlikely", "possible", "probable", "certain"), SESSION)},
        [COURSE_SEIZURE] = {HAS(WORD("phase", "before", "during", "after"),
                OPTIONAL_WORD("kind", "focal", "generalised", "not-known"),
                NUMBER("duration_s", 0, 86400, OPTIONAL), SESSION)},
        [COURSE_UNLOCKING] = {HAS(WORD("reason", "no-seizure", "cause-removed", "benefit-outweighs",
                "dose-reduced"))},
        [COURSE_ABSENCE] = {HAS(DATE("date"), WORD("reason", "subject", "illness", "clinic", "device"))},
        [COURSE_NOTHING] = {.fields = (const struct form_field[]){END}},
};

/* clang-format on */
