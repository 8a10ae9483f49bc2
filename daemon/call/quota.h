/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much each caller may ask of the daemon. A purse is what a caller has left of it; it fills again with time, and a
 * purse of zeros is full. The numbers and their reasons are in quota.c.
 */
#ifndef TMSD_QUOTA_H
#define TMSD_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

/* What a caller pays for. */
enum quota_kind {
        QUOTA_LOOK, /* properties, objects, lists; counted in µs of the loop's time */
        QUOTA_ACT,  /* methods that are served when they arrive, as a Stop is; counted in calls */
        QUOTA_WORK, /* methods that make a file, a thread or a signature; counted in calls */
        QUOTA_KINDS,
};

/* Who pays. */
enum quota_rank {
        RANK_STRANGER,   /* one purse for all programs whose user the bus has not told yet */
        RANK_CONNECTION, /* one program, which pays from its user's purse too */
        RANK_USER,       /* all programs of one user, without those that polkit has let in */
        RANK_TRUSTED,    /* one program that polkit has let in; it pays from no other purse */
        QUOTA_RANKS,
};

struct purse {
        uint64_t full_ns[QUOTA_KINDS]; /* CLOCK_MONOTONIC when the purse will be full again */
};

/* False: the purse does not hold as much, and nothing was taken. */
bool quota_pay(struct purse *purse, enum quota_rank rank, enum quota_kind kind, unsigned cost, uint64_t now_ns);
/* Takes the cost of what was done already, even more than the purse holds; the caller then has to wait longer. */
void quota_charge(struct purse *purse, enum quota_rank rank, enum quota_kind kind, unsigned cost, uint64_t now_ns);
/* Puts a cost back that was paid for a call to which polkit said yes later. */
void quota_give_back(struct purse *purse, enum quota_rank rank, enum quota_kind kind, unsigned cost);
bool quota_is_full(const struct purse *purse, uint64_t now_ns);

/* What a call costs in QUOTA_LOOK. */
#define COST_GET 20         /* one property, or a method without a price of its own */
#define COST_GET_ALL 100    /* an object's properties */
#define COST_LATENCY 100    /* two histograms that the kernel is asked for */
#define COST_INTROSPECT 500 /* some 10 kB of XML */
#define COST_OBJECTS 500    /* all objects with all properties, some 10 kB */
#define COST_PROTOCOLS 500  /* a list of some 10 kB, and a look at some 20 files */

/* A text's bytes have to be counted before it can be refused as too long; counting so many costs 1 of QUOTA_LOOK. */
#define BYTES_PER_COST 200

/* --- Waiting, see admission.h ----------------------------------------------------------------- */

/*
 * Calls that wait of one program whose user is not known yet. A program that sends all its questions at its start
 * without waiting for answers has fewer.
 */
#define WAITING_PER_STRANGER 64
#define WAITING_PER_USER 128
#define WAITING_TRUSTED 1024 /* of all programs together that polkit has let in */
#define STRANGERS_MAX 512
/*
 * Refusals that are not sent yet. These are more than a socket holds, so a Stop behind a flood of calls is read before
 * their refusals are sent.
 */
#define REFUSED_MAX 4096
/*
 * Bytes that we sent and the bus daemon has not read, as the kernel counts them: a dozen small messages. While there
 * are more, whatever can wait is not done.
 */
#define UNREAD_MAX_BYTES 16384
/* After so many calls that were read, one that waits is served, even if more are there to be read. */
#define SERVE_EVERY 256
/* Messages that sd-bus still has to send. While there are more, no refusal is added, which would only cost memory. */
#define UNSENT_MAX 1024

/* --- Questions at polkit, see polkit.h ----------------------------------------------------------- */

/*
 * The bus lets us have 128 calls without an answer. While a person is asked for a password, the question stays open for
 * up to two minutes. Programs that polkit has let in have a share of their own, which nobody else can use up.
 */
#define QUESTIONS_PER_CONNECTION 2
#define QUESTIONS_PER_USER 4
#define QUESTIONS_MAX 16
#define QUESTIONS_PER_TRUSTED 4
#define QUESTIONS_MAX_TRUSTED 48

#endif
