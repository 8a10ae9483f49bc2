/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The card model's port, that no real card has; see tests/vm/card/README.md. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stop.h"

#define PORT_WRITE 0x5d0
#define PORT_READ 0x5d1

static int port = -1;

void lab_open(void)
{
        port = open("/dev/port", O_RDWR | O_CLOEXEC);
        if (port < 0)
                die("/dev/port: %m");
}

/* The model answers within the write of the newline: between those two times. */
static int64_t ask(const char *line, char *reply, size_t size)
{
        const char *c;
        size_t n = 0;
        int64_t before, after;

        for (c = line; *c; c++) {
                if (pwrite(port, c, 1, PORT_WRITE) != 1)
                        die("lab port: %m");
        }
        before = mono_ns();
        if (pwrite(port, "\n", 1, PORT_WRITE) != 1)
                die("lab port: %m");
        after = mono_ns();
        while (n < size - 1 && pread(port, reply + n, 1, PORT_READ) == 1 && reply[n])
                n++;
        reply[n] = '\0';
        if (strncmp(reply, "ok", 2) != 0)
                die("lab port: '%s' is answered '%s'", line, reply);
        return before + (after - before) / 2;
}

/* The number behind that key. */
static int64_t number(const char *reply, const char *key)
{
        const char *at = strstr(reply, key);

        if (!at)
                die("lab port: no %s in '%s'", key, reply);
        return strtoll(at + strlen(key), NULL, 10);
}

int64_t lab_offset_ns(void)
{
        char reply[512];
        int64_t mono = ask("query", reply, sizeof(reply));

        return number(reply, "t_ns=") - mono;
}

struct card lab_card(unsigned card)
{
        char line[32], reply[4096];

        (void)snprintf(line, sizeof(line), "card=%u counts", card);
        (void)ask(line, reply, sizeof(reply));
        return (struct card){
                        .safe = strstr(reply, "\"now\":\"SAFE\""),
                        .safe_ns = number(reply, "\"safe_ns\":"),
        };
}
