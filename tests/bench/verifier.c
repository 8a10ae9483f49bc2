/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast user space compiles and verifies, against memcpy of the same bytes.
 *
 *   verifier FILE...
 *
 * For each protocol file one line: pulses=N compile_ns=… verify_ns=… memcpy_ns=…,
 * each the best of several, taken in turns, so that a busy machine hits all alike.
 */
#include "lib/base/card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 15

/* The card that CARD.md describes, with a coil and a day that a million weak pulses do not wear out. */
static const struct tms_info card = {
                .card_flags = UINT32_MAX,
                REFERENCE_CARD,
                .max_pulses_per_s = 100,
                .max_pulses_per_day = TMS_PULSES_MAX,
};

static uint64_t now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void keep_best(uint64_t *best, uint64_t begun_ns)
{
        uint64_t took_ns = now_ns() - begun_ns;

        if (took_ns < *best)
                *best = took_ns;
}

static int race(const struct tms_protocol *p, struct tms_error *error)
{
        struct tms_dose dose = {};
        uint64_t compile_ns = UINT64_MAX, verify_ns = UINT64_MAX, memcpy_ns = UINT64_MAX, begun_ns;
        struct tms_pulse *copy = NULL;
        struct tms_limits limits;
        uint32_t count = 0;
        int r;

        r = tms_session_limits(p, &dose, &limits, error);
        for (int i = 0; r >= 0 && i < ROUNDS; i++) {
                struct tms_timeline t = {};
                struct tms_verdict verdict;
                size_t size;

                begun_ns = now_ns();
                r = tms_compile(p, &dose, &t, error);
                if (r < 0)
                        break;
                keep_best(&compile_ns, begun_ns);
                count = t.count;

                begun_ns = now_ns();
                r = tms_timeline_check(&t, &card, &limits, &verdict);
                keep_best(&verify_ns, begun_ns);
                if (r < 0)
                        tms_verdict_format(&verdict, error->message, sizeof(error->message));

                size = t.count * sizeof(*copy);
                if (!copy) {
                        copy = malloc(size);
                        if (!copy)
                                abort();
                        /* Its pages are there before the race. */
                        memset(copy, 1, size);
                }
                begun_ns = now_ns();
                memcpy(copy, t.pulses, size);
                /* As if somebody looked at the copy, or it would not be made. */
                __asm__ volatile("" : : "r"(copy) : "memory");
                keep_best(&memcpy_ns, begun_ns);
                tms_timeline_clear(&t);
        }
        free(copy);
        if (r >= 0)
                printf("pulses=%u compile_ns=%llu verify_ns=%llu memcpy_ns=%llu\n", count,
                       (unsigned long long)compile_ns, (unsigned long long)verify_ns, (unsigned long long)memcpy_ns);
        return r;
}

int main(int argc, char *argv[])
{
        for (int i = 1; i < argc; i++) {
                struct tms_protocol *p = NULL;
                struct tms_error error = {};
                char text[1024];
                int r;

                r = tms_protocol_load(argv[i], &p, &error);
                if (r >= 0)
                        r = race(p, &error);
                tms_protocol_free(p);
                if (r < 0) {
                        fprintf(stderr, "verifier: %s: %s\n", argv[i], tms_error_format(&error, text, sizeof(text)));
                        return 1;
                }
        }
        return 0;
}
