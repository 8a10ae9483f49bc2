/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reasons of a verdict: how one is added, and how its numbers are written.
 */
#include "safety.h"

#include <errno.h>
#include <inttypes.h>

const char *safety_layer_name(enum layer layer)
{
        static const char *const names[] = {
                        [LAYER_CEILING] = "ceiling", [LAYER_ALLOW_LIST] = "allow-list",
                        [LAYER_TABLE] = "table",     [LAYER_THRESHOLD] = "threshold",
                        [LAYER_CARD] = "card",
        };

        assert((unsigned)layer < ELEMENTS(names));
        return names[layer];
}

struct tms_safety_reason *safety_reason_add(struct safety_check *c, enum tms_safety_class class_, enum layer layer,
                                            const char *table, const char *source)
{
        struct tms_safety *out = c->out;
        struct tms_safety_reason *r = &c->spare;

        /* Without room the reason is lost. It may be the one that forbids the dose, so there is no verdict. */
        if (out->n_reasons < ELEMENTS(out->reasons))
                r = &out->reasons[out->n_reasons++];
        else
                c->full = true;
        *r = (struct tms_safety_reason){.class_ = class_};
        snprintf(r->layer, sizeof(r->layer), "%s", safety_layer_name(layer));
        snprintf(r->table, sizeof(r->table), "%s", table);
        snprintf(r->source, sizeof(r->source), "%s", source);
        if (class_ > out->class_)
                out->class_ = class_;
        /* A verdict is never milder than one of its reasons. */
        assert(out->class_ >= class_ && out->class_ <= TMS_SAFETY_NEVER);
        return r;
}

void safety_percent_text(char *buf, size_t size, uint64_t permille)
{
        if (permille % 10)
                snprintf(buf, size, "%" PRIu64 ".%" PRIu64 " %%", permille / 10, permille % 10);
        else
                snprintf(buf, size, "%" PRIu64 " %%", permille / 10);
}

int safety_no_room(struct tms_error *error)
{
        return tms_error_set(
                        error, E2BIG, NULL, 0, 0, NULL,
                        "there are more reasons than a verdict has room for, so that nothing is known of this dose; "
                        "split the protocol, or give it fewer legs");
}
