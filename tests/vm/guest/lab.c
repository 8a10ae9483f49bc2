// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tms-lab: tells the card model, from inside the test machine, to misbehave.
 *
 * The model listens on an I/O port that no real card has. Arguments go out as
 * one line, byte by byte; the answer comes back the same way until a zero. Without
 * arguments it says what one may try.
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

/* What one tries first; the model's own answer to "help" has everything. */
static const char usage[] = "tms-lab OPERATION [VALUE]: makes the card misbehave, at once. Such as:\n"
                            "  tms-lab open coil_absent     pulls the coil; close puts it back. Also estop,\n"
                            "                               patient_stop, coil_hot, contact_lost, cover_open,\n"
                            "                               hv_fault, overcurrent\n"
                            "  tms-lab press footswitch     and release; also arm_key, patient_stop, estop\n"
                            "  tms-lab heat 41000           the coil has 41 degrees\n"
                            "  tms-lab trigger_in           a pulse at the trigger input\n"
                            "  tms-lab lose_pulse           the next trigger fires nothing\n"
                            "  tms-lab remove               unplugs the card; insert plugs it in\n"
                            "  tms-lab help                 every operation (tests/vm/card/README.md)\n";

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
                fputs(usage, stderr);
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
