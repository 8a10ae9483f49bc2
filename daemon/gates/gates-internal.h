/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Within gates/: what the rows of the table in gates.c look at. */
#ifndef TMSD_GATES_INTERNAL_H
#define TMSD_GATES_INTERNAL_H

#include "gates.h"

/* A look at a gate that holds leaves it as it is given: closed, without a word. g: of this moment. */
typedef void (*gate_look_fn)(const struct gated *who, const struct gates *g, struct gate_look *ret);

/* ret does not hold. The remedy is to be a sentence of its own. */
void gate_fails(struct gate_look *ret, enum error error, const char *remedy, const char *format, ...) _printf_(4, 5);

/* --- gates-clock.c --- */

/* Looks at the clock and at the day. */
void gates_look_at_day(const struct gated *who, struct gates *ret);
void gate_look_clock(const struct gated *who, const struct gates *g, struct gate_look *ret);
void gate_look_day_known(const struct gated *who, const struct gates *g, struct gate_look *ret);
void gate_look_clock_as_prepared(const struct gated *who, const struct gates *g, struct gate_look *ret);
void gate_look_dose_as_prepared(const struct gated *who, const struct gates *g, struct gate_look *ret);
/* The journal gets a clock that refuses. */
void gate_log_clock(const struct gated *who, const char *method, const struct gates *g);

/* --- gates-card.c --- */

/* Is that gate, one of the card's own, open? Then *ret says so. */
void gate_look_interlock(uint32_t open, unsigned number, struct gate_look *ret);
/* All open interlocks, those that only a newer driver knows as well, in one refusal. */
void gate_refuse_interlocks(struct request *q, uint32_t open);

#endif
