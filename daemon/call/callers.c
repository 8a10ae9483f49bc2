/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs and the users that call; see callers.h. */
#include "callers.h"
#include "util.h"

/* SETS * WAYS programs are remembered, as many as a system bus admits. A program's set follows from its name. */
#define SETS 512
#define WAYS 4
#define USERS 64

struct callers {
        struct caller callers[SETS][WAYS];
        uint64_t looks;
        struct user users[USERS];
        struct user others; /* shared by all who find no place in users */
        unsigned n_users;
        unsigned questions, questions_trusted;
};

int callers_new(struct callers **ret)
{
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

struct callers *callers_free(struct callers *c)
{
        free(c);
        return NULL;
}

/* --- Programs ------------------------------------------------------------------------------- */

/*
 * The bus counts up the number at the end of each name that it gives. The set is that number's remainder, so programs
 * that came one after the other fall into different sets.
 */
static struct caller *set_of(struct callers *c, const char *name)
{
        unsigned n = 0;

        for (; *name; name++)
                n = *name == '.' ? 0 : n * 10 + (unsigned char)*name - '0';
        return c->callers[n % SETS];
}

struct caller *callers_find(struct callers *c, const char *name)
{
        struct caller *set = set_of(c, name);
        size_t i;

        for (i = 0; i < WAYS; i++) {
                if (STREQ(set[i].name, name)) {
                        set[i].used = ++c->looks;
                        return set + i;
                }
        }
        return NULL;
}

/*
 * Whether a is rather forgotten than b. A trusted program is forgotten only if all of its set are trusted, so that
 * nobody can push out the operator's program by coming with many names.
 */
static bool is_rather_forgotten(const struct caller *a, const struct caller *b)
{
        return a->trusted != b->trusted ? b->trusted : a->used < b->used;
}

struct caller *callers_remember(struct callers *c, const char *name, uid_t uid)
{
        struct caller *known = callers_find(c, name), *set = set_of(c, name), *place = set;
        size_t i;

        if (known || strlen(name) >= sizeof(place->name))
                return known;
        for (i = 1; i < WAYS; i++) {
                if (is_rather_forgotten(set + i, place))
                        place = set + i;
        }
        *place = (struct caller){.uid = uid, .trusted = uid == 0, .used = ++c->looks};
        strcpy(place->name, name);
        return place;
}

/* --- Users ------------------------------------------------------------------------------------ */

struct user *callers_user(struct callers *c, uid_t uid, uint64_t now_ns)
{
        struct user *place = NULL;
        unsigned i;

        for (i = 0; i < c->n_users; i++) {
                struct user *u = c->users + i;

                if (u->uid == uid)
                        return u;
                /*
                 * A user whose purse is full, and who holds nothing, is treated like a new one. So that place can be
                 * given away.
                 */
                if (u->held == 0 && quota_is_full(&u->purse, now_ns))
                        place = u;
        }
        if (c->n_users < USERS)
                place = c->users + c->n_users++;
        if (!place)
                return &c->others;
        *place = (struct user){.uid = uid};
        return place;
}

void callers_let_in(struct callers *c, const char *name, uint64_t now_ns)
{
        struct caller *caller = callers_find(c, name);
        struct user *user;

        if (!caller || caller->trusted)
                return;
        caller->trusted = true;
        user = callers_user(c, caller->uid, now_ns);
        quota_give_back(&user->purse, RANK_USER, QUOTA_ACT, 1);
        quota_give_back(&user->purse, RANK_USER, QUOTA_WORK, 1);
}

/* --- Questions at polkit ------------------------------------------------------------------------ */

bool callers_may_question(struct callers *c, const char *name, uid_t uid, uint64_t now_ns, struct question_share *ret)
{
        struct caller *caller = callers_find(c, name);
        bool trusted = caller && caller->trusted;
        struct user *user = callers_user(c, uid, now_ns);

        if (caller && caller->questions >= (trusted ? QUESTIONS_PER_TRUSTED : QUESTIONS_PER_CONNECTION))
                return false;
        if (trusted ? c->questions_trusted >= QUESTIONS_MAX_TRUSTED
                    : user->questions >= QUESTIONS_PER_USER || c->questions >= QUESTIONS_MAX)
                return false;
        *ret = (struct question_share){.counted = true, .trusted = trusted, .user = user};
        if (caller)
                caller->questions++;
        user->held++;
        if (trusted) {
                c->questions_trusted++;
        } else {
                user->questions++;
                c->questions++;
        }
        return true;
}

void callers_answered(struct callers *c, const char *name, struct question_share *share)
{
        struct caller *caller = callers_find(c, name);

        if (!share->counted)
                return;
        if (caller && caller->questions > 0)
                caller->questions--;
        share->user->held--;
        if (share->trusted) {
                c->questions_trusted--;
        } else {
                share->user->questions--;
                c->questions--;
        }
        share->counted = false;
}
