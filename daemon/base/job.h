/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A blocking piece of work beside the event loop: reading protocol files,
 * waiting in the kernel until the card is charged. One short-lived thread each.
 */
#ifndef TMSD_JOB_H
#define TMSD_JOB_H

#include <systemd/sd-event.h>

/* run: on its own thread, with nothing of the loop's but userdata. done: on the loop, once run has returned. */
typedef void (*job_fn)(void *userdata);

/* After success done() is certain to be called, as long as the loop runs. */
int job_start(sd_event *event, job_fn run, job_fn done, void *userdata);

#endif
