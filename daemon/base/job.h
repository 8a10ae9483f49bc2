/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs blocking work beside the event loop: reading protocol files, and waiting in the kernel until the card is
 * charged. Each piece of work gets a thread of its own, which ends with it.
 */
#ifndef TMSD_JOB_H
#define TMSD_JOB_H

#include <systemd/sd-event.h>

/*
 * run is called on the new thread and may use nothing of the loop's but userdata. done is called on the loop after run
 * has returned.
 */
typedef void (*job_fn)(void *userdata);

/* When this returns 0, done() will be called, as long as the loop runs. */
int job_start(sd_event *event, job_fn run, job_fn done, void *userdata);

#endif
