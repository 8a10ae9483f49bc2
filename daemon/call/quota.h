/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much anybody may ask of the daemon: every limit, with its reason, is in
 * quota.c. A purse that is all zeros is full; it fills by itself with time.
 */
#ifndef TMSD_QUOTA_H
#define TMSD_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

/* What is paid for. */
enum quota_kind {
        QUOTA_LOOK, /* properties, objects, lists: in µs of the loop's time */
        QUOTA_ACT,  /* methods that are served in the order of their arrival, like a Stop: in calls */
        QUOTA_WORK, /* what makes a file, a thread or a signature: in calls */
        QUOTA_KINDS,
};

/* Who pays. */
enum quota_rank {
        RANK_STRANGER,   /* all together whose user the bus has not told yet */
        RANK_CONNECTION, /* one program; it pays from its user's purse as well */
        RANK_USER,       /* all programs of a user but those that polkit has let in */
        RANK_TRUSTED,    /* one program that polkit has let in; it pays from no other purse */
        QUOTA_RANKS,
};

struct purse {
        uint64_t full_ns[QUOTA_KINDS]; /* when there will be all in it again, CLOCK_MONOTONIC */
};

/* False, and nothing is paid, when there is not enough in it. */
bool quota_pay(struct purse *purse, enum quota_rank rank, enum quota_kind kind, unsigned cost, uint64_t now_ns);
/* What has been had already, also beyond what was in it: there is less next time. */
void quota_charge(struct purse *purse, enum quota_rank rank, enum quota_kind kind, unsigned cost, uint64_t now_ns);
/* The reverse, for what turned out to be no bystander's. */
void quota_give_back(struct purse *purse, enum quota_rank rank, enum quota_kind kind, unsigned cost);
bool quota_is_full(const struct purse *purse, uint64_t now_ns);

/* What a call costs in QUOTA_LOOK. */
#define COST_GET 20         /* one property, and whatever has no price of its own */
#define COST_GET_ALL 100    /* an object's properties */
#define COST_LATENCY 100    /* two histograms that the kernel is asked for */
#define COST_INTROSPECT 500 /* some 10 kB of XML */
#define COST_OBJECTS 500    /* all objects with all properties, some 10 kB */
#define COST_PROTOCOLS 500  /* a list of some 10 kB, and a look at some 20 files */

/* A text is looked through byte by byte before it can be seen that it is too long: so many in a µs. */
#define BYTES_PER_COST 200

/* --- Waiting, see admission.h ----------------------------------------------------------------- */

/* A program that pipelines all its questions at its start has fewer than these. */
#define WAITING_PER_STRANGER 64
#define WAITING_PER_USER 128
#define WAITING_TRUSTED 1024 /* of all programs that polkit has let in */
#define STRANGERS_MAX 512
/* Refusals that are not written yet; more than a socket holds, so that a Stop behind a flood is read before them. */
#define REFUSED_MAX 4096
/* What the bus has not taken from our socket, as the kernel counts it: a dozen small messages. More waits until it has. */
#define UNREAD_MAX_BYTES 16384
/* At least one that waits is served in so many calls that are read, however long these go on to come. */
#define SERVE_EVERY 256
/* So many messages that the bus does not take from us: then nothing is added that only costs more. */
#define UNSENT_MAX 1024

/* --- Questions at polkit, see polkit.h ----------------------------------------------------------- */

/*
 * The bus lets us have 128 answers outstanding. A person at a password's
 * window keeps one of them for up to two minutes; programs that polkit has
 * let in before have a share that nobody else can use up.
 */
#define QUESTIONS_PER_CONNECTION 2
#define QUESTIONS_PER_USER 4
#define QUESTIONS_MAX 16
#define QUESTIONS_PER_TRUSTED 4
#define QUESTIONS_MAX_TRUSTED 48

#endif
