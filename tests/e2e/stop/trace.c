/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the bus wrote a Stop to the daemon's socket: a probe at sendmsg(2) that looks at the message's own
 * header, where its serial number is. The bus passes that number on as the client chose it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "stop.h"

#define TRACEFS "/sys/kernel/tracing/"

static void put(const char *name, const char *text)
{
        int fd = open(name, O_WRONLY | O_TRUNC | O_CLOEXEC);

        if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
                die("%s: %m: '%s'", name, text);
        close(fd);
}

void trace_begin(void)
{
        char filter[64];

        if (access(TRACEFS "trace_clock", W_OK) < 0 && mount("tracefs", TRACEFS, "tracefs", 0, NULL) < 0)
                die(TRACEFS ": %m");
        put(TRACEFS "trace_clock", "mono");
        /* x86-64's struct pt_regs: di at 112, si at 104; struct user_msghdr: msg_iov at 16. */
        put(TRACEFS "kprobe_events", "p:stop/sent __x64_sys_sendmsg fd=+112($arg1):s32 "
                                     "serial=+u8(+u0(+u16(+104($arg1)))):u32\n");
        (void)snprintf(filter, sizeof(filter), "serial >= %u && serial < %u", COOKIE_FIRST, COOKIE_FIRST + 0x1000000);
        put(TRACEFS "events/stop/sent/filter", filter);
        put(TRACEFS "events/stop/sent/enable", "1");
        put(TRACEFS "events/tms/tms_state/enable", "1");
        put(TRACEFS "tracing_on", "1");
}

void trace_end(const char *path)
{
        put(TRACEFS "tracing_on", "0");
        shell("cat " TRACEFS "trace >%s", path);
}
