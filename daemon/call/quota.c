/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much each caller may ask of the daemon; see quota.h. */
#include <assert.h>

#include "quota.h"
#include "util.h"

/*
 * Of each pair, the first number is what a full purse holds, the second what comes back in a second. A stranger's LOOK
 * and WORK are not paid: such a call waits until its user is known.
 *
 * A user interface asks for all objects once, takes changes from signals and reads a few properties a second. A script
 * may start a few tmsctl in a second, each of which asks for all objects. Neither comes near these limits.
 *
 * LOOK: a user has 2 % of one processor. Such a call is served when nothing urgent is left, so a full purse delays no
 * Stop. But answers that nobody reads stay in the bus daemon's memory, and when 127 MB of ours are there, it takes
 * nothing more from us. A user can add 20 answers of 10 kB a second at most.
 *
 * ACT: such a call is served when it arrives, so that all that was asked for before a Stop is done before it. Each
 * takes up to 50 µs, so a user's full purse delays a Stop by 1 ms.
 *
 * WORK: each is a file, a thread or a signature, and a sync of the disk. A program that polkit has let in prepares one
 * session at a time.
 *
 * Root's programs are trusted from the beginning. Any other program pays for its first call from its user's purse, and
 * gets that back when polkit says yes. So a script may run tmsctl as often as it likes.
 */
static const struct {
        unsigned most, per_s;
} limits[QUOTA_RANKS][QUOTA_KINDS] = {
                [RANK_STRANGER] = {[QUOTA_LOOK] = {0, 1}, [QUOTA_ACT] = {20, 10}, [QUOTA_WORK] = {0, 1}},
                [RANK_CONNECTION] = {[QUOTA_LOOK] = {60000, 12000}, [QUOTA_ACT] = {10, 3}, [QUOTA_WORK] = {10, 1}},
                [RANK_USER] = {[QUOTA_LOOK] = {100000, 20000}, [QUOTA_ACT] = {20, 5}, [QUOTA_WORK] = {20, 2}},
                [RANK_TRUSTED] = {[QUOTA_LOOK] = {500000, 100000}, [QUOTA_ACT] = {200, 50}, [QUOTA_WORK] = {100, 10}},
};

bool quota_pay(struct purse *purse, enum quota_rank rank, enum quota_kind kind, unsigned cost, uint64_t now_ns)
{
        uint64_t each_ns, full_ns;

        assert(rank < QUOTA_RANKS && kind < QUOTA_KINDS);
        each_ns = NS_PER_S / limits[rank][kind].per_s;
        full_ns = purse->full_ns[kind];
        if (full_ns < now_ns)
                full_ns = now_ns;
        full_ns += cost * each_ns;
        if (full_ns - now_ns > limits[rank][kind].most * each_ns)
                return false;
        purse->full_ns[kind] = full_ns;
        return true;
}

void quota_charge(struct purse *purse, enum quota_rank rank, enum quota_kind kind, unsigned cost, uint64_t now_ns)
{
        if (purse->full_ns[kind] < now_ns)
                purse->full_ns[kind] = now_ns;
        purse->full_ns[kind] += cost * (NS_PER_S / limits[rank][kind].per_s);
}

void quota_give_back(struct purse *purse, enum quota_rank rank, enum quota_kind kind, unsigned cost)
{
        uint64_t paid_ns = cost * (NS_PER_S / limits[rank][kind].per_s);

        purse->full_ns[kind] -= paid_ns < purse->full_ns[kind] ? paid_ns : purse->full_ns[kind];
}

bool quota_is_full(const struct purse *purse, uint64_t now_ns)
{
        size_t i;

        for (i = 0; i < QUOTA_KINDS; i++) {
                if (purse->full_ns[i] > now_ns)
                        return false;
        }
        return true;
}
