/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds a verb by its words, and checks that it takes the options and arguments given; see verb.h. */
#include "verb.h"

static bool is_name_of(const struct verb *v, const char *first, const char *second)
{
        const char *space = strchr(v->name, ' ');

        if (!space)
                return STREQ(v->name, first);
        return second && strlen(first) == (size_t)(space - v->name) && strncmp(v->name, first, strlen(first)) == 0 &&
               STREQ(space + 1, second);
}

const struct verb *verb_find(const struct verb *verbs, const char *first, const char *second)
{
        size_t i;

        for (i = 0; verbs[i].name; i++)
                if (is_name_of(&verbs[i], first, second))
                        return &verbs[i];
        return NULL;
}

/* The verb that was probably meant, or NULL. A verb of two words is compared with both words that were typed. */
static const struct verb *nearest_verb(const struct verb *verbs, const char *first, const char *second)
{
        const struct verb *nearest = NULL;
        unsigned least = UINT32_MAX;
        char typed[128];
        size_t i;

        for (i = 0; verbs[i].name; i++) {
                bool both = second && strchr(verbs[i].name, ' ');
                unsigned d;

                (void)snprintf(typed, sizeof(typed), "%s%s%s", first, both ? " " : "", both ? second : "");
                d = word_distance(typed, verbs[i].name);
                if (d < least && word_is_slip(typed, d)) {
                        least = d;
                        nearest = &verbs[i];
                }
        }
        return nearest;
}

int verb_unknown(const struct verb *verbs, const char *first, const char *second)
{
        const struct verb *nearest = nearest_verb(verbs, first, second);

        if (STREQ(first, "version"))
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "'version' is not a verb; did you mean '--version'?");
        if (nearest && strchr(nearest->name, ' '))
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "'%s %s' is not a verb; did you mean '%s'?", first,
                            second, nearest->name);
        if (nearest)
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "'%s' is not a verb; did you mean '%s'?", first,
                            nearest->name);
        if (word_is_slip(first, word_distance(first, "audit")))
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                            "'%s%s%s' is not a verb; expected audit verify, audit show or audit export", first,
                            second ? " " : "", second ? second : "");
        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "'%s' is not a verb; see tmsctl help", first);
}

int verb_call(const struct verb *v, int argc, char **argv, uint32_t given)
{
        size_t i;

        for (i = 0; long_options[i].name; i++)
                if (given & BIT(i) & ~v->options)
                        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "%s does not take --%s; see tmsctl help %s",
                                    v->name, long_options[i].name, v->name);
        if (argc < v->min)
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "%s wants more: tmsctl %s %s", v->name, v->name,
                            v->arguments);
        if (argc > v->max)
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "%s does not take '%s'; see tmsctl help %s", v->name,
                            argv[v->max], v->name);
        return v->run(argc, argv);
}
