/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the daemon starts a thread. Its signals are blocked before, in main(): only the loop gets them. */
#ifndef TMSD_THREAD_H
#define TMSD_THREAD_H

#include <pthread.h>

/*
 * stack: its bytes, all of which are locked in memory. name: of 15 letters at most, as ps(1) and top(1) show it; NULL: the
 * process's. Returns 0 or a negative errno.
 */
static inline int thread_start(pthread_t *ret, const char *name, size_t stack, void *(*run)(void *), void *userdata)
{
        pthread_attr_t attr;
        int r;

        r = pthread_attr_init(&attr);
        if (r != 0)
                return -r;
        (void)pthread_attr_setstacksize(&attr, stack);
        r = pthread_create(ret, &attr, run, userdata);
        (void)pthread_attr_destroy(&attr);
        if (r == 0 && name)
                (void)pthread_setname_np(*ret, name);
        return -r;
}

#endif
