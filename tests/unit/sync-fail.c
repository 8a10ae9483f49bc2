/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Syncs that fail when the test says so; see sync-fail.h. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sync-fail.h"

atomic_int *fail_sync, *hold_sync, *made_syncs;
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

/* Shared with every process that is forked later. */
static __attribute__((constructor)) void share(void)
{
        atomic_int *shared = mmap(NULL, 3 * sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (shared == MAP_FAILED)
                abort();
        fail_sync = &shared[0];
        hold_sync = &shared[1];
        made_syncs = &shared[2];
}

void sync_fail_reset(void)
{
        atomic_store(fail_sync, 0);
        atomic_store(hold_sync, 0);
        atomic_store(made_syncs, 0);
}

int __wrap_fdatasync(int fd)
{
        atomic_fetch_add(made_syncs, 1);
        while (atomic_load(hold_sync))
                usleep(1000);
        if (atomic_load(fail_sync)) {
                errno = atomic_load(fail_sync) == 1 ? EIO : atomic_load(fail_sync);
                return -1;
        }
        return __real_fdatasync(fd);
}
