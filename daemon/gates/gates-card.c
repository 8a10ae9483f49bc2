/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The card's own gates: its interlocks. See gates.h. */
#include <assert.h>

#include "gates-internal.h"

/* The bits below this one have a gate each; what only a newer driver knows has the last one together. */
#define KNOWN (CARD_GATES - 1)

void card_gates_text(uint32_t open, char *buf, size_t size)
{
        size_t used = 0;
        unsigned bit;

        buf[0] = '\0';
        for (bit = 0; bit < 32 && used < size; bit++) {
                if (open & (1U << bit))
                        used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "",
                                                 tms_interlock_sentence(bit));
        }
}

void gate_look_interlock(uint32_t open, unsigned number, struct gate_look *ret)
{
        const uint32_t bits = number < KNOWN ? 1U << number : UINT32_MAX << KNOWN;
        const char *both, *end;

        assert(number < CARD_GATES);
        if (!(open & bits))
                return;
        /* A sentence of the library says what is so, and in the next sentence what to do. */
        both = tms_interlock_sentence(number);
        end = strstr(both, ". ");
        assert(end);
        gate_fails(ret, ERROR_INTERLOCK_OPEN, end + 2, "%.*s", (int)(end - both) + 1, both);
}

void gate_refuse_interlocks(struct request *q, uint32_t open)
{
        char text[INTERLOCK_TEXT_SIZE];

        card_gates_text(open, text, sizeof(text));
        request_refuse(q, ERROR_INTERLOCK_OPEN, "%s", text);
}

static void look(const struct card_gates *card, unsigned number, struct gate_look *ret)
{
        *ret = (struct gate_look){0};
        gate_look_interlock(*card->interlocks, number, ret);
}

bool card_gates_see(struct card_gates *card)
{
        const uint64_t now = now_ns(CLOCK_REALTIME);
        bool changed = false;
        unsigned i;

        for (i = 0; i < CARD_GATES; i++) {
                struct gate_look l;

                look(card, i, &l);
                if (card->seen[i].since_ns != 0 && card->seen[i].state == l.state)
                        continue;
                card->seen[i] = (struct gate_seen){l.state, now};
                changed = true;
        }
        return changed;
}

void card_gates_describe(const struct card_gates *card, struct gate_look *looks)
{
        unsigned i;

        for (i = 0; i < CARD_GATES; i++)
                look(card, i, looks + i);
}
