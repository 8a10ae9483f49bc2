/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a daemon does beside an export: whenever tmsctl opens a log, the command in TMSD_TEST_AT_LOG runs
 * first. And who calls tmsctl: the user TMSD_TEST_UID, to whom the daemon gives a copy where he is not root. Linked into a tmsctl of its own (see tests/unit/cli.mk).
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

int __real_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...);

int __wrap_openat(int dir, const char *name, int flags, ...)
{
        const char *command = getenv("TMSD_TEST_AT_LOG");
        mode_t mode = 0;
        va_list args;

        va_start(args, flags);
        if (flags & O_CREAT)
                mode = va_arg(args, mode_t);
        va_end(args);
        if (command && strcmp(name, "log.jsonl") == 0 && !(flags & O_CREAT) && system(command) != 0)
                abort();
        return __real_openat(dir, name, flags, mode);
}

uid_t __wrap_geteuid(void);
uid_t __real_geteuid(void);

uid_t __wrap_geteuid(void)
{
        const char *uid = getenv("TMSD_TEST_UID");

        return uid ? (uid_t)atoi(uid) : __real_geteuid();
}
