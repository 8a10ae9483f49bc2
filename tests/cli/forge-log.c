/* SPDX-License-Identifier: GPL-2.0-or-later */
/* forge-log: makes a whole audit log in a new directory, prints that directory and key 0's fingerprint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "audit-forge.h"

int main(void)
{
        struct forge f;

        forge_init(&f);
        forge_session(&f);
        forge_write(&f);
        printf("%s %s\n", f.base, f.key0_fingerprint);
        forge_forget(&f);
        return 0;
}
