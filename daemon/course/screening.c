/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screening before a course; see screening.h. */
#include "screening.h"
#include "util.h"

/*
 * Items, and that a yes is no absolute contraindication: Rossi 2011, "Screening questionnaire before TMS: an update".
 * What makers exclude: metal in the head or within 30 cm of the coil; implants that physiological signals control
 * (pacemakers, vagus nerve stimulators) at any distance (contraindications of a stimulator's manual, the Rapid2's).
 * Cochlear implants and infusion devices are metal or electronics within 30 cm until a prescriber has looked.
 */
static const struct {
        const char *title;
        enum screening_weight weight;
} items[SCREENING_ITEMS] = {
                {"seizure or epilepsy", SCREENING_DECIDE},
                {"fainting", SCREENING_DECIDE},
                {"head injury", SCREENING_DECIDE},
                {"hearing", SCREENING_DECIDE},
                {"cochlear implant", SCREENING_EXCLUDE},
                {"pregnancy", SCREENING_DECIDE},
                {"metal in the body", SCREENING_EXCLUDE},
                {"neurostimulator", SCREENING_EXCLUDE},
                {"pacemaker or cardiac lines", SCREENING_EXCLUDE},
                {"infusion device", SCREENING_EXCLUDE},
                {"medicines", SCREENING_DECIDE},
                {"problems with earlier TMS", SCREENING_DECIDE},
                {"problems with earlier MRI", SCREENING_DECIDE},
};

const char *screening_title(unsigned item)
{
        assert(item >= 1 && item <= SCREENING_ITEMS);
        return items[item - 1].title;
}

enum screening_weight screening_weight(unsigned item)
{
        assert(item >= 1 && item <= SCREENING_ITEMS);
        return items[item - 1].weight;
}

int screening_look(const struct screening *s, char why[static COURSE_WHY])
{
        unsigned i;

        for (i = 0; i < SCREENING_ITEMS; i++) {
                if (!s->answered[i]) {
                        (void)snprintf(why, COURSE_WHY,
                                       "item %u of the screening (%s) has no answer; ask the subject and record it",
                                       i + 1, items[i].title);
                        return -EACCES;
                }
        }
        for (i = 0; i < SCREENING_ITEMS; i++) {
                if (s->yes[i] && !s->decided[i]) {
                        (void)snprintf(why, COURSE_WHY,
                                       "item %u of the screening (%s) is answered with yes%s; a prescriber decides "
                                       "whether the course may go on, and that is recorded",
                                       i + 1, items[i].title,
                                       items[i].weight == SCREENING_EXCLUDE ? ", which makers of stimulators exclude"
                                                                            : "");
                        return -EACCES;
                }
        }
        return 0;
}
