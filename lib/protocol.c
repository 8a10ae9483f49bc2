/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The protocol file: which keys it has, in what order they are checked, and
 * the object that comes out. tms-protocol(5) is the same in words.
 */
#include "protocol.h"

#include <errno.h>
#include <string.h>

#define TEXT_MAX 2000
#define TITLE_MAX 120
#define CITATIONS_MAX 32

const char *const protocol_coils[] = {"figure-8", "circular", "double-cone", "H1", "H4", "H7", "sham", "any", NULL};
/* Counted as the driver does: TMS_LOAD_BIPHASIC and so on. */
const char *const protocol_waveforms[] = {"biphasic", "monophasic", "halfsine", NULL};
const char *const protocol_statuses[] = {"cleared", "published", "research", NULL};
const char *const citation_bases[] = {"source", "code", "calculation", "general-knowledge", NULL};
static const char *const reference_names[] = {"rMT", "aMT", "MSO", NULL};

enum { BASIS_GENERAL_KNOWLEDGE = 3 };

/* Words, in any number of lines. */
static int text_read(const struct reader *reader, const struct node *map, const char *key, bool required, char **ret)
{
        const struct node *n = node_get(map, key);

        if (n)
                return read_text(reader, n, TEXT_MAX, ret);
        return required ? node_missing(reader, map, key, "words") : 0;
}

/* What is shown beside other things, and must not look like another line of them. */
static int line_read(const struct reader *reader, const struct node *map, const char *key, bool required, char **ret)
{
        const struct node *n = node_get(map, key);

        if (n)
                return read_line(reader, n, TITLE_MAX, ret);
        return required ? node_missing(reader, map, key, "words") : 0;
}

static int choice_read(const struct reader *reader, const struct node *map, const char *key, const char *const *choices,
                       unsigned *ret)
{
        const struct node *n = node_get(map, key);
        char list[160] = "one of: ";

        if (n)
                return read_choice(reader, n, choices, ret);
        for (size_t i = 0; choices[i]; i++)
                snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "", choices[i]);
        return node_missing(reader, map, key, list);
}

/* An absent key leaves 0. */
static int number_read(const struct reader *reader, const struct node *map, const char *key, uint64_t min, uint64_t max,
                       uint32_t *ret)
{
        const struct node *n = node_get(map, key);
        uint64_t v;
        int r;

        if (!n)
                return 0;
        r = read_count(reader, n, min, max, &v);
        if (r < 0)
                return r;
        *ret = (uint32_t)v;
        return 0;
}

static int format_read(const struct reader *reader, const struct node *root)
{
        const struct node *n = node_get(root, "format");

        if (!n)
                return node_missing(reader, root, "format", "\"format: 1\"");
        if (n->kind != NODE_TEXT || n->escaped || strcmp(n->text, "1") != 0)
                return node_fail(reader, n, "this format is not known; expected \"1\"");
        return 0;
}

/* a-z, 0-9 and single dashes: safe as a file name and a path of an object. */
static int id_read(const struct reader *reader, const struct node *root, char **ret)
{
        const struct node *n = node_get(root, "id");
        _cleanup_free_ char *id = NULL;
        int r;

        if (!n)
                return node_missing(reader, root, "id", "the file's name without \".yaml\"");
        r = read_line(reader, n, 63, &id);
        if (r >= 0)
                r = node_check_spelling(reader, n, "expected small letters, digits and single dashes between them");
        if (r < 0)
                return r;
        for (const char *c = id; *c; c++) {
                bool word = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');

                if (!word && (*c != '-' || c == id || !c[1] || c[1] == '-'))
                        return node_fail(reader, n,
                                         "\"%.63s\" cannot be an id; expected small letters, digits and single dashes "
                                         "between them",
                                         id);
        }
        *ret = TAKE_PTR(id);
        return 0;
}

static int age_read(const struct reader *reader, const struct node *n, struct tms_protocol *p)
{
        static const char *const keys[] = {"from", "to", NULL};
        int r;

        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;
        r = number_read(reader, n, "from", 1, 120, &p->age_from);
        if (r < 0)
                return r;
        r = number_read(reader, n, "to", 1, 120, &p->age_to);
        if (r < 0)
                return r;
        if (p->age_from && p->age_to && p->age_from > p->age_to)
                return node_fail(reader, node_get(n, "to"), "expected an age not below \"from\"");
        return 0;
}

static int main_intensity_read(const struct reader *reader, const struct node *n, struct tms_protocol *p)
{
        static const char *const keys[] = {"reference", "percent", "highest", "muscle", "adjustment", NULL};
        static const enum base bases[] = {BASE_RMT, BASE_AMT, BASE_MSO};
        const struct node *percent, *highest;
        unsigned reference;
        uint32_t max;
        int r;

        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;
        r = choice_read(reader, n, "reference", reference_names, &reference);
        if (r < 0)
                return r;
        p->reference = bases[reference];

        percent = node_get(n, "percent");
        if (!percent)
                return node_missing(reader, n, "percent", "how much of the reference, such as \"120 %\"");
        max = p->reference == BASE_MSO ? 1000 : PERCENT_MAX_PERMILLE;
        r = read_percent(reader, percent, max, &p->percent_permille);
        if (r < 0)
                return r;

        p->highest_permille = p->percent_permille;
        highest = node_get(n, "highest");
        if (highest) {
                r = read_percent(reader, highest, max, &p->highest_permille);
                if (r < 0)
                        return r;
                if (p->highest_permille < p->percent_permille)
                        return node_fail(reader, highest, "this is below \"percent\"; expected at least that");
        }

        r = line_read(reader, n, "muscle", false, &p->muscle);
        if (r < 0)
                return r;
        return text_read(reader, n, "adjustment", false, &p->adjustment);
}

static int leg_read(const struct reader *reader, const struct node *n, size_t index, struct leg *leg)
{
        static const char *const keys[] = {"name", "target", "intensity", "pattern", "pause", "wait", "totals", NULL};
        static const char *const waits[] = {"none", "trigger", "operator", NULL};
        const struct node *k;
        unsigned wait = WAIT_NONE;
        int r;

        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;
        r = line_read(reader, n, "name", true, &leg->name);
        if (r < 0)
                return r;
        r = line_read(reader, n, "target", true, &leg->target);
        if (r < 0)
                return r;

        k = node_get(n, "intensity");
        if (k) {
                r = intensity_read(reader, k, true, &leg->intensity);
                if (r < 0)
                        return r;
        }
        k = node_get(n, "pause");
        if (k) {
                if (index == 0)
                        return node_fail(reader, k, "there is no leg before the first; expected no pause here");
                r = read_time(reader, k, &leg->pause);
                if (r < 0)
                        return r;
        }
        k = node_get(n, "wait");
        if (k) {
                r = read_choice(reader, k, waits, &wait);
                if (r < 0)
                        return r;
        }
        leg->wait = (enum wait)wait;

        k = node_get(n, "pattern");
        if (!k)
                return node_missing(reader, n, "pattern", "burst, train and series");
        return pattern_read(reader, k, leg);
}

static int legs_read(const struct reader *reader, const struct node *root, struct tms_protocol *p)
{
        const struct node *pattern = node_get(root, "pattern"), *legs = node_get(root, "legs");
        int r;

        for (size_t i = 0; i < TMS_LEGS_MAX; i++)
                p->legs[i].intensity = (struct intensity){BASE_MAIN, 1000};

        if (pattern && legs)
                return node_fail(reader, legs, "expected either one pattern or a list of legs, not both");
        if (!pattern && !legs)
                return node_missing(reader, root, "pattern", "burst, train and series");
        if (pattern) {
                p->n_legs = 1;
                return pattern_read(reader, pattern, &p->legs[0]);
        }

        r = node_check_list(reader, legs, 2, TMS_LEGS_MAX, "legs, each with name, target and pattern");
        if (r < 0)
                return r;
        for (size_t i = 0; i < legs->n; i++) {
                p->n_legs = i + 1;
                r = leg_read(reader, legs->children[i], i, &p->legs[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int all_totals_read(const struct reader *reader, const struct node *root, struct tms_protocol *p)
{
        const struct node *n = node_get(root, "totals"), *legs = node_get(root, "legs");
        int r;

        if (!n)
                return node_missing(reader, root, "totals", "pulses, trains and first_to_last");
        for (size_t i = 0; legs && i < legs->n; i++) {
                const struct node *k = node_get(legs->children[i], "totals");

                r = k ? totals_read(reader, k, p, &p->legs[i], NULL) : 0;
                if (r < 0)
                        return r;
        }
        return totals_read(reader, n, p, NULL, &p->stated);
}

static int course_read(const struct reader *reader, const struct node *n, struct tms_protocol *p)
{
        static const char *const keys[] = {"sessions", "sessions_per_day", "days_per_week", "weeks",
                                           "taper",    "min_gap",          "maintenance",   NULL};
        struct tms_course_defaults *c = &p->course;
        const struct node *k;
        int r;

        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;
        r = number_read(reader, n, "sessions", 1, 1000, &c->sessions);
        if (r < 0)
                return r;
        r = number_read(reader, n, "sessions_per_day", 1, 24, &c->sessions_per_day);
        if (r < 0)
                return r;
        r = number_read(reader, n, "days_per_week", 1, 7, &c->days_per_week);
        if (r < 0)
                return r;
        r = number_read(reader, n, "weeks", 1, 104, &c->weeks);
        if (r < 0)
                return r;

        k = node_get(n, "taper");
        if (k) {
                r = node_check_list(reader, k, 1, ELEMENTSOF(c->taper),
                                    "numbers of sessions, one a week, such as \"[3, 2, 1]\"");
                if (r < 0)
                        return r;
                for (size_t i = 0; i < k->n; i++) {
                        uint64_t v;

                        r = read_count(reader, k->children[i], 1, 50, &v);
                        if (r < 0)
                                return r;
                        c->taper[i] = (uint32_t)v;
                }
                c->taper_weeks = (uint32_t)k->n;
        }

        k = node_get(n, "min_gap");
        if (k) {
                struct ratio gap;

                r = read_time(reader, k, &gap);
                if (r < 0)
                        return r;
                c->min_gap_ns = ticks_to_ns(gap.num, gap.den);
        }

        if (c->sessions && c->sessions_per_day && c->days_per_week && c->weeks &&
            c->sessions > (uint64_t)c->sessions_per_day * c->days_per_week * c->weeks)
                return node_fail(reader, node_get(n, "sessions"),
                                 "%u sessions do not fit into %u weeks of %u days with %u a day; mend one of the four",
                                 c->sessions, c->weeks, c->days_per_week, c->sessions_per_day);

        return text_read(reader, n, "maintenance", false, &p->maintenance);
}

static int citation_read(const struct reader *reader, const struct node *n, struct citation *ret)
{
        static const char *const keys[] = {"text", "supports", "basis", "verified", NULL};
        const struct node *verified;
        int r;

        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;
        r = text_read(reader, n, "text", true, &ret->text);
        if (r < 0)
                return r;
        r = text_read(reader, n, "supports", true, &ret->supports);
        if (r < 0)
                return r;
        r = choice_read(reader, n, "basis", citation_bases, &ret->basis);
        if (r < 0)
                return r;

        verified = node_get(n, "verified");
        if (!verified)
                return node_missing(reader, n, "verified", "\"true\" or \"false\"");
        r = read_bool(reader, verified, &ret->verified);
        if (r < 0)
                return r;
        if (ret->verified && ret->basis == BASIS_GENERAL_KNOWLEDGE)
                return node_fail(reader, verified,
                                 "general knowledge has no source to be verified against; expected \"false\" or "
                                 "another basis");
        return 0;
}

static int citations_read(const struct reader *reader, const struct node *root, struct tms_protocol *p)
{
        const struct node *n = node_get(root, "citations"), *verified = node_get(root, "verified");
        bool all = true;
        int r;

        if (!n && protocol_statuses[p->status][0] == 'r') {
                /* One's own pattern has nothing to cite, and nobody has verified it. */
                r = verified ? read_bool(reader, verified, &p->verified) : 0;
                if (r >= 0 && p->verified)
                        return node_fail(reader, verified, "there are no citations; expected \"false\"");
                return r;
        }
        if (!n)
                return node_missing(reader, root, "citations", "a list that says where the numbers come from");
        r = node_check_list(reader, n, 1, CITATIONS_MAX, "citations, each with text, supports, basis and verified");
        if (r < 0)
                return r;
        p->citations = calloc(n->n, sizeof(*p->citations));
        if (!p->citations)
                return -ENOMEM;
        for (size_t i = 0; i < n->n; i++) {
                p->n_citations = i + 1;
                r = citation_read(reader, n->children[i], &p->citations[i]);
                if (r < 0)
                        return r;
                all &= p->citations[i].verified;
        }

        if (!verified)
                return node_missing(reader, root, "verified", "\"true\" if every citation is, else \"false\"");
        r = read_bool(reader, verified, &p->verified);
        if (r < 0)
                return r;
        if (p->verified != all)
                return node_fail(reader, verified, "expected \"%s\", since %s", all ? "true" : "false",
                                 all ? "every citation is verified" : "not every citation is verified");
        return 0;
}

static int protocol_read(const struct reader *reader, const struct node *root, struct tms_protocol *p)
{
        static const char *const keys[] = {
                        "format", "id",       "title",  "indication", "age",       "target",
                        "coil",   "waveform", "status", "verified",   "intensity", "pattern",
                        "legs",   "totals",   "course", "citations",  "notes",     NULL,
        };
        const struct node *n;
        int r;

        r = node_check_keys(reader, root, keys);
        if (r < 0)
                return r;
        r = format_read(reader, root);
        if (r < 0)
                return r;
        r = id_read(reader, root, &p->id);
        if (r < 0)
                return r;
        r = line_read(reader, root, "title", true, &p->title);
        if (r < 0)
                return r;
        r = line_read(reader, root, "indication", true, &p->indication);
        if (r < 0)
                return r;
        r = line_read(reader, root, "target", true, &p->target);
        if (r < 0)
                return r;
        r = text_read(reader, root, "notes", false, &p->notes);
        if (r < 0)
                return r;
        n = node_get(root, "age");
        if (n) {
                r = age_read(reader, n, p);
                if (r < 0)
                        return r;
        }
        r = choice_read(reader, root, "coil", protocol_coils, &p->coil);
        if (r < 0)
                return r;
        r = choice_read(reader, root, "waveform", protocol_waveforms, &p->waveform);
        if (r < 0)
                return r;
        r = choice_read(reader, root, "status", protocol_statuses, &p->status);
        if (r < 0)
                return r;

        n = node_get(root, "intensity");
        if (!n)
                return node_missing(reader, root, "intensity", "reference and percent");
        r = main_intensity_read(reader, n, p);
        if (r < 0)
                return r;

        r = legs_read(reader, root, p);
        if (r < 0)
                return r;
        r = legs_finish(reader, root, p);
        if (r < 0)
                return r;
        r = all_totals_read(reader, root, p);
        if (r < 0)
                return r;

        n = node_get(root, "course");
        if (n) {
                r = course_read(reader, n, p);
                if (r < 0)
                        return r;
        }
        return citations_read(reader, root, p);
}

int tms_protocol_parse(const char *name, const char *text, size_t size, struct tms_protocol **ret,
                       struct tms_error *error)
{
        _cleanup_(tms_protocol_freep) struct tms_protocol *p = NULL;
        _cleanup_(node_freep) struct node *root = NULL;
        struct tms_error own = {};
        struct reader reader = {name, error ?: &own};
        int r;

        r = tree_parse(&reader, text, size, &root);
        if (r < 0)
                return r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return error_memory(error, name);

        r = protocol_read(&reader, root, p);
        if (r == -ENOMEM)
                return error_memory(error, name);
        if (r < 0)
                return r;

        p->text = malloc(size + 1);
        if (!p->text || tms_sha256_hex(text, size, p->sha256) < 0)
                return error_memory(error, name);
        memcpy(p->text, text, size);
        p->text[size] = 0;
        p->size = size;

        *ret = TAKE_PTR(p);
        return 0;
}

struct tms_protocol *tms_protocol_free(struct tms_protocol *p)
{
        if (!p)
                return NULL;

        for (size_t i = 0; i < TMS_LEGS_MAX; i++)
                leg_clear(&p->legs[i]);
        for (size_t i = 0; i < p->n_citations; i++) {
                free(p->citations[i].text);
                free(p->citations[i].supports);
        }
        free(p->citations);
        free(p->text);
        free(p->id);
        free(p->title);
        free(p->indication);
        free(p->target);
        free(p->notes);
        free(p->muscle);
        free(p->adjustment);
        free(p->maintenance);
        free(p);
        return NULL;
}

const char *tms_protocol_id(const struct tms_protocol *p)
{
        return p->id;
}

const char *tms_protocol_title(const struct tms_protocol *p)
{
        return p->title;
}

const char *tms_protocol_indication(const struct tms_protocol *p)
{
        return p->indication;
}

const char *tms_protocol_target(const struct tms_protocol *p)
{
        return p->target;
}

const char *tms_protocol_coil(const struct tms_protocol *p)
{
        return protocol_coils[p->coil];
}

const char *tms_protocol_waveform(const struct tms_protocol *p)
{
        return protocol_waveforms[p->waveform];
}

const char *tms_protocol_status(const struct tms_protocol *p)
{
        return protocol_statuses[p->status];
}

const char *tms_protocol_sha256(const struct tms_protocol *p)
{
        return p->sha256;
}

const char *tms_protocol_text(const struct tms_protocol *p, size_t *ret_size)
{
        if (ret_size)
                *ret_size = p->size;
        return p->text;
}

const char *tms_protocol_reference(const struct tms_protocol *p)
{
        return reference_names[p->reference - BASE_RMT];
}

uint32_t tms_protocol_percent_permille(const struct tms_protocol *p)
{
        return p->percent_permille;
}

uint32_t tms_protocol_highest_permille(const struct tms_protocol *p)
{
        return p->highest_permille;
}

const char *tms_protocol_notes(const struct tms_protocol *p)
{
        return p->notes ?: "";
}

bool tms_protocol_verified(const struct tms_protocol *p)
{
        return p->verified;
}

size_t tms_protocol_legs(const struct tms_protocol *p)
{
        return p->n_legs;
}

const char *tms_protocol_leg_name(const struct tms_protocol *p, size_t leg)
{
        return leg < p->n_legs && p->legs[leg].name ? p->legs[leg].name : "";
}

const char *tms_protocol_leg_target(const struct tms_protocol *p, size_t leg)
{
        return leg < p->n_legs && p->legs[leg].target ? p->legs[leg].target : p->target;
}

void tms_protocol_course(const struct tms_protocol *p, struct tms_course_defaults *ret)
{
        *ret = p->course;
}

const char *tms_protocol_maintenance(const struct tms_protocol *p)
{
        return p->maintenance ?: "";
}

size_t tms_protocol_citations(const struct tms_protocol *p)
{
        return p->n_citations;
}

int tms_protocol_citation(const struct tms_protocol *p, size_t index, struct tms_citation *ret)
{
        if (index >= p->n_citations)
                return -EINVAL;
        *ret = (struct tms_citation){
                        .text = p->citations[index].text,
                        .supports = p->citations[index].supports,
                        .basis = citation_bases[p->citations[index].basis],
                        .verified = p->citations[index].verified,
        };
        return 0;
}
