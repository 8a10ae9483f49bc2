/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a course is given for; see indication.h. */
#include "indication.h"
#include "util.h"

/*
 * Depression of adolescents: 15 to 21 years, as cleared (K231926, K251125, K243869). That adults' indications begin
 * where it ends, with 22, is the project's reading of that border. Ages above 120 are slips of the typist.
 */
static const struct {
        const char *name;
        unsigned from, to;
} indications[] = {
                {"depression", 22, 120},
                {"depression-adolescent", 15, 21},
                {"ocd", 22, 120},
                {"smoking", 22, 120},
};

const char *indication_name(unsigned i)
{
        return i < ELEMENTS(indications) ? indications[i].name : NULL;
}

int indication_look(const char *name, unsigned years, char why[static COURSE_WHY])
{
        size_t i;

        for (i = 0; i < ELEMENTS(indications); i++) {
                if (!STREQ(indications[i].name, name))
                        continue;
                if (years >= indications[i].from && years <= indications[i].to)
                        return 0;
                (void)snprintf(why, COURSE_WHY,
                               "the indication %s is for %u to %u years, and the subject is %u years old; choose the "
                               "indication for that age, or correct the age",
                               name, indications[i].from, indications[i].to, years);
                return -EINVAL;
        }
        (void)snprintf(why, COURSE_WHY,
                       "there is no indication of that name; choose depression, depression-adolescent, ocd or smoking");
        return -EINVAL;
}
