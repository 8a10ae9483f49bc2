/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sentences of a verdict that somebody has to confirm. */
#include "notices.h"
#include "util.h"

char **notices_free(char **notices)
{
        char **p;

        for (p = notices; p && *p; p++)
                free(*p);
        free(notices);
        return NULL;
}

int notices_new(const struct tms_safety *safety, char ***ret)
{
        char **texts = calloc(ELEMENTS(safety->reasons) + 1, sizeof(*texts));
        size_t i, n = 0;

        if (!texts)
                return -ENOMEM;
        for (i = 0; i < safety->n_reasons; i++) {
                if (safety->reasons[i].class_ != TMS_SAFETY_NOTICE)
                        continue;
                texts[n] = strdup(safety->reasons[i].sentence);
                if (!texts[n++]) {
                        notices_free(texts);
                        return -ENOMEM;
                }
        }
        *ret = n > 0 ? texts : notices_free(texts);
        return 0;
}
