/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs that call, by their names on the bus, and their users; each has a purse (see quota.h). Up to 2048 names
 * are remembered, as a system bus admits no more connections. The bus never gives a name twice, so what was learned of
 * a name stays true.
 */
#ifndef TMSD_CALLERS_H
#define TMSD_CALLERS_H

#include <sys/types.h>
#include "quota.h"

struct callers;

/* One user. The pointer to it stays valid while held is above 0. */
struct user {
        uid_t uid;
        unsigned held; /* counts the line of his calls that wait, and his questions at polkit */
        unsigned waiting, questions;
        struct purse purse;
        uint64_t refused_ns; /* CLOCK_MONOTONIC of the last refusal that was recorded; 0: none was */
};

/* One program. The pointer to it is valid only until the next callers_remember(). */
struct caller {
        char name[24];
        uid_t uid;
        bool trusted; /* polkit has said yes to a call of it, or it runs as root */
        unsigned questions;
        uint64_t used; /* number of the look-up that found it last */
        struct purse purse;
};

int callers_new(struct callers **ret);
struct callers *callers_free(struct callers *c); /* returns NULL, takes NULL */

/* NULL: the program is not known, or was forgotten. */
struct caller *callers_find(struct callers *c, const char *name);
/* NULL: the name is too long to be kept. */
struct caller *callers_remember(struct callers *c, const char *name, uid_t uid);
/*
 * Polkit has said yes to this program: from now on the program has a purse and a share of polkit's questions of its
 * own. What its first call took from its user's purse is given back.
 */
void callers_let_in(struct callers *c, const char *name, uint64_t now_ns);

/* Never NULL: users who find no place share one struct user. */
struct user *callers_user(struct callers *c, uid_t uid, uint64_t now_ns);

/*
 * May polkit be asked one more question on behalf of this program? False: it has too many open already. True: the
 * question counts until callers_answered() is called with *ret.
 */
struct question_share {
        bool counted, trusted;
        struct user *user;
};
bool callers_may_question(struct callers *c, const char *name, uid_t uid, uint64_t now_ns, struct question_share *ret);
void callers_answered(struct callers *c, const char *name, struct question_share *share);

#endif
