/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One seed, one sequence: SplitMix64. TMS_TEST_SEED chooses it, each test says which it had. */
#ifndef TMS_RANDOM_H
#define TMS_RANDOM_H

#include <stdint.h>
#include <stdlib.h>

struct dice {
        uint64_t seed;
        uint64_t state;
};

static inline uint64_t dice_next(struct dice *d)
{
        uint64_t z = d->state += 0x9e3779b97f4a7c15ULL;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
}

/* 0 to @n - 1. */
static inline uint64_t dice_below(struct dice *d, uint64_t n)
{
        return dice_next(d) % n;
}

static inline uint64_t number_from(const char *name, uint64_t otherwise)
{
        const char *text = getenv(name);

        return text ? strtoull(text, NULL, 0) : otherwise;
}

static inline void dice_take(struct dice *d)
{
        d->seed = d->state = number_from("TMS_TEST_SEED", 1);
}

#endif
