/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each form of a course, filled in as it should be; see course-samples.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "course-samples.h"

const char *const course_samples[COURSE_FORMS] = {
                [COURSE_ABOUT] = "{'subject':'S-1','indication':'depression','age':44,'diagnosis':'F33.2',"
                                 "'diagnosed':'2021-03-14',"
                                 "'trials':['ssri,adequate,8,no-response,tolerated','snri,not-adequate,2,partial,"
                                 "not-tolerated'],"
                                 "'earlier_tms':'never','earlier_ect':'no-response','referred_by':'LANR-123456789',"
                                 "'ordered_by':'ward3.dr'}",
                [COURSE_SCREENING] = "{'yes':[11],'no':[1,2,3,4,5,6,7,8,9,10,12,13]}",
                [COURSE_DECISION] = "{'items':[11],'reason':'benefit-outweighs'}",
                [COURSE_CONSENT] = "{'version':'2026-1','date':'2026-01-30'}",
                [COURSE_AUTHORISATION] = "{'sessions':36,'until':'2099-12-31'}",
                [COURSE_PRESCRIPTION] =
                                "{'protocol':'mdd-hfl-10hz','sha256':'" SAMPLE_SHA256 "','target':'left-dlpfc',"
                                "'found_by':'beam-f3','coil':'figure-8','threshold_permille':520,"
                                "'threshold_kind':'rMT','threshold_method':'EMG','percent_permille':1200,"
                                "'sessions':30,'per_day':1,'days_per_week':5,'weekdays':['mon','tue','wed','thu',"
                                "'fri'],'taper':[3,2,1],'maintenance_sessions':[4],'maintenance_days':[7],"
                                "'min_gap_s':28800,'max_permille':700,'max_pulses':3000}",
                [COURSE_PART] = "{'part':'taper'}",
                [COURSE_ENDING] = "{'reason':'completed'}",
                [COURSE_SCORE] = "{'instrument':'phq-9','items':[2,2,1,3,0,1,2,0,1]}",
                [COURSE_EFFECT] = "{'effect':'headache','phase':'after','severity':'mild','relatedness':'probable',"
                                  "'session':'20260131T090000Z_0123abcd'}",
                [COURSE_SEIZURE] = "{'phase':'during','kind':'generalised','duration_s':40,"
                                   "'session':'20260131T090000Z_0123abcd'}",
                [COURSE_UNLOCKING] = "{'reason':'cause-removed'}",
                [COURSE_ABSENCE] = "{'date':'2026-02-03','reason':'illness'}",
                [COURSE_NOTHING] = "{}",
};

json_t *course_sample(const char *text)
{
        char *json = strdup(text), *p;
        json_error_t error;
        json_t *o;

        for (p = json; (p = strchr(p, '\'')); p++)
                *p = '"';
        o = json_loads(json, 0, &error);
        if (!o)
                fail_msg("%s: %s", error.text, text);
        free(json);
        return o;
}
