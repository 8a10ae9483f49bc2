/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the host late on purpose: holds up the interrupts of one CPU, as a badly
 * behaved driver would, for exactly as long as a test says.
 *
 * A BPF program on a tracepoint that each such interrupt passes before its work,
 * interrupts off, reads the clock until it is time. Functions return 0 or a
 * negative errno.
 */
#ifndef TMS_HOLD_H
#define TMS_HOLD_H

#include <stdint.h>

/*
 * The timer's interrupts; those of all devices. And tasks that keep interrupts off: all at each change;
 * the module's caller, whenever a card's state changes.
 */
#define HOLD_TIMER "irq_vectors/local_timer_entry"
#define HOLD_DEVICES "irq/irq_handler_entry"
#define HOLD_TASKS "sched/sched_switch"
#define HOLD_STATE "tms/tms_state"

/* Longer than this nothing is held. */
#define HOLD_MAX_NS 1500000ULL

struct hold_window {
        uint64_t from_ns; /* 0: holds nothing */
        uint64_t to_ns;
        uint64_t until_ns;
        uint64_t delay_ns;
        uint64_t count; /* interrupts held so far */
};

struct hold {
        struct hold_window *window;
        int map;
        int program;
        int event;
};

int hold_open(struct hold *h, const char *tracepoint, int cpu);
void hold_close(struct hold *h);

/* Interrupts that come in [@from_ns, @to_ns), CLOCK_MONOTONIC, are held until @until_ns, */
void hold_until(struct hold *h, uint64_t from_ns, uint64_t to_ns, uint64_t until_ns);
/* or each for @delay_ns. */
void hold_each(struct hold *h, uint64_t from_ns, uint64_t to_ns, uint64_t delay_ns);
void hold_off(struct hold *h);

#endif
