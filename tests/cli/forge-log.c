/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forge-log: makes a whole audit log in a new directory, prints that directory and key 0's fingerprint.
 * forge-log DIR: prints the archive of that audit directory as the daemon makes it for OpenAudit.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "audit-forge.h"
#include "snapshot.h"

static int archive(const char *dir)
{
        const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct snapshot s = {0};
        int r = fd < 0 ? -errno : snapshot_take(&s, fd);

        if (r >= 0)
                r = snapshot_write(&s, fd, STDOUT_FILENO, 10000);
        snapshot_clear(&s);
        return r < 0;
}

int main(int argc, char **argv)
{
        struct forge f;

        if (argc > 1)
                return archive(argv[1]);
        forge_init(&f);
        forge_session(&f);
        forge_write(&f);
        printf("%s %s\n", f.base, f.key0_fingerprint);
        forge_forget(&f);
        return 0;
}
