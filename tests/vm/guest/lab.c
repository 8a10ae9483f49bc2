// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tms-lab: tells the card model, from inside the test machine, to misbehave.
 *
 * The model listens on an I/O port that no real card has. Arguments go out as
 * one line, byte by byte; the answer comes back the same way until a zero.
 * Root only, as all of /dev/port. Exit status 1 when the model says "error".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LAB_PORT_WRITE 0x5d0
#define LAB_PORT_READ 0x5d1
#define LAB_REPLY_MAX 4096

static int say(int fd, const char *s, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (pwrite(fd, s + i, 1, LAB_PORT_WRITE) != 1)
                        return -errno;
        return 0;
}

static int hear(int fd, char *reply, size_t size)
{
        size_t n = 0;
        char c;

        while (n < size - 1) {
                if (pread(fd, &c, 1, LAB_PORT_READ) != 1)
                        return -errno;
                /* Nobody behind the port: it reads all ones. */
                if (c == (char)0xff)
                        return -ENODEV;
                if (!c)
                        break;
                reply[n++] = c;
        }
        reply[n] = 0;
        return 0;
}

int main(int argc, char *argv[])
{
        char reply[LAB_REPLY_MAX];
        int fd, r = 0;

        if (argc < 2) {
                fprintf(stderr, "usage: tms-lab WORD...: one line for the card model's lab port\n");
                return 2;
        }

        fd = open("/dev/port", O_RDWR | O_CLOEXEC);
        if (fd < 0) {
                fprintf(stderr, "tms-lab: /dev/port: %s\n", strerror(errno));
                return 2;
        }

        for (int i = 1; i < argc && r >= 0; i++) {
                r = say(fd, argv[i], strlen(argv[i]));
                if (r >= 0)
                        r = say(fd, i + 1 < argc ? " " : "\n", 1);
        }
        if (r >= 0)
                r = hear(fd, reply, sizeof(reply));
        close(fd);
        if (r < 0) {
                fprintf(stderr, "tms-lab: port %#x: %s%s\n", LAB_PORT_WRITE, strerror(-r),
                        r == -ENODEV ? ": no card model answers there" : "");
                return 2;
        }

        fputs(reply, stdout);
        if (reply[0] && reply[strlen(reply) - 1] != '\n')
                putchar('\n');
        return strncmp(reply, "error", 5) == 0;
}
