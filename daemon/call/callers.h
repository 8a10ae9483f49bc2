/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who calls: the names on the bus whose user is known, and the users, each
 * with a purse (see quota.h). Names are remembered by the thousand, as the
 * bus has room for no more connections; a name that is given up is never
 * given again, so what was learned of it stays true.
 */
#ifndef TMSD_CALLERS_H
#define TMSD_CALLERS_H

#include <sys/types.h>
#include "quota.h"

struct callers;

/* Of one user; stays where it is while held. */
struct user {
        uid_t uid;
        unsigned held; /* by calls that wait, and by questions at polkit */
        unsigned waiting, questions;
        struct purse purse;
        uint64_t refused_ns; /* when a refusal of his was last recorded; 0: never */
};

/* One program; only until another one is remembered. */
struct caller {
        char name[24];
        uid_t uid;
        bool trusted; /* polkit has let it in, or it is root's */
        unsigned questions;
        uint64_t used; /* when it was last looked for; counts looks */
        struct purse purse;
};

int callers_new(struct callers **ret);
struct callers *callers_free(struct callers *c); /* returns NULL, takes NULL */

/* NULL for one that is not known, or not any more. */
struct caller *callers_find(struct callers *c, const char *name);
/* NULL for a name that cannot be kept. */
struct caller *callers_remember(struct callers *c, const char *name, uid_t uid);
/* Polkit has said yes: from now on the program does not share with those who may have no rights. */
void callers_let_in(struct callers *c, const char *name, uint64_t now_ns);

/* Never NULL: when there are too many users at once, the others share one purse. */
struct user *callers_user(struct callers *c, uid_t uid, uint64_t now_ns);

/*
 * One more question at polkit about him? False when there are enough; else it
 * counts until callers_answered() with what ret was set to.
 */
struct question_share {
        bool counted, trusted;
        struct user *user;
};
bool callers_may_question(struct callers *c, const char *name, uid_t uid, uint64_t now_ns, struct question_share *ret);
void callers_answered(struct callers *c, const char *name, struct question_share *share);

#endif
