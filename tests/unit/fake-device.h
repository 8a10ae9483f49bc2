/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stimulator that the test plays: the library's device calls, without a
 * device. It lives in memory shared with the daemon's process, so that the
 * test can open interlocks and fire pulses, and see what was asked and whether
 * it was on disk by then.
 */
#ifndef FAKE_DEVICE_H
#define FAKE_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>
#include "tms.h"

#define FAKE_EVENTS 8192

struct fake {
        pthread_mutex_t lock;
        char audit[256]; /* the audit directory that promises are checked against; "" none */

        /* Set by the test. */
        bool present, controlled_elsewhere;
        bool second; /* there is another card, /dev/tms1, that only can be taken, asked and loaded */
        int open_error;
        bool stale;      /* records wait for too long, says the next renewal of the lease */
        int arm_late_ms; /* so long the caller of ARM is on its way into the kernel */
        int arm_ms, arm_error, start_error, go_error, limits_error, load_error, latency_error;
        int info_error, stop_error, loaded_error;
        int resume_error;
        uint32_t opens_then; /* interlocks that open at the moment in which START is refused */
        bool load_flips;     /* LOAD loads another timeline than it is given: one bit differs */
        struct tms_why why;  /* what each call says */
        bool pause_waits;    /* one that is not at once takes no hold, as in the middle of a train */

        /* The device. */
        struct tms_info info;
        struct tms_status status;
        struct tms_event events[FAKE_EVENTS];
        uint64_t acked;
        uint64_t triggered_ns; /* of the last trigger */
        bool has_controller;
        int control_fd, monitor_fd, second_fd; /* eventfds */
        unsigned files;                        /* that are open */

        /* What was asked of it. */
        uint32_t waveform;           /* of the last load */
        struct tms_loaded loaded[2]; /* of the first and the second card */
        unsigned loads, arms, starts, stops, keepalives, pauses, resumes, clears, opens;
        struct tms_limits limits;
        unsigned gos;
        uint32_t go_pulse, go_permille; /* of the last one */
        uint64_t start_delay_ns;        /* of the last START */
        /* Promises that were broken; must stay 0. */
        unsigned starts_without_intent, arms_without_intent, gos_without_intent, acks_before_disk;
};

extern struct fake *fake;
/* While it looks into the audit log for a promise: what it allocates then is not the daemon's. */
extern __thread int fake_looks;

void fake_new(void);
void fake_free(void);
/* A state event and the state itself. */
void fake_set_state(uint32_t state, uint32_t cause);
/* n pulses, each fired and answered. */
void fake_play(unsigned n);
/* And waits until the daemon has said that all records are on disk; the program is aborted if it never does. */
void fake_play_kept(unsigned n);
void fake_miss(unsigned n);
/*
 * A trigger that the card has taken, and its discharge. Its answer comes by fake_answer(): as the card's, or as the
 * driver's word that none came (TMS_PULSE_OUTCOME_UNKNOWN).
 */
void fake_trigger(bool fires);
void fake_answer(uint32_t code);
/* The card is pulled, or there again. Its files say so. */
void fake_unplug(void);
void fake_plug(void);
void fake_open_interlocks(uint32_t bits);
/* What the kernel does when the controller's process dies. */
void fake_controller_died(void);
uint64_t fake_head(void);
/* SIGSTOP, not while the child holds the lock of the device: nobody else would ever get it. */
bool fake_freeze(pid_t child);

#endif
