// SPDX-License-Identifier: GPL-2.0-or-later
/* What the driver takes from the machine when it is bound to a card, and gives back when it is unbound. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "tms_test.h"

#define MORE_THAN_MINORS 20

FIXTURE(bind)
{
        char address[64];
};

FIXTURE_SETUP(bind)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, card_address(self->address, sizeof(self->address)));
}

FIXTURE_TEARDOWN(bind)
{
        if (wait_node(true))
                write_file("/sys/bus/pci/drivers/tms/bind", self->address);
}

/* Lines of @path that hold @text. */
static int lines_with(const char *path, const char *text)
{
        FILE *f = fopen(path, "re");
        char line[512];
        int n = 0;

        if (!f)
                return -errno;
        while (fgets(line, sizeof(line), f))
                n += strstr(line, text) != NULL;
        fclose(f);
        return n;
}

/* Each monitor that stays open keeps its card's struct, not its number: there is one for the next life. */
TEST_F(bind, numbers_do_not_run_out)
{
        int monitors[MORE_THAN_MINORS];
        struct controller c;
        struct tms_status st;

        for (int i = 0; i < MORE_THAN_MINORS; i++) {
                monitors[i] = node_open(O_RDONLY);
                ASSERT_GE(monitors[i], 0);
                ASSERT_EQ(0, rebind())
                {
                        TH_LOG("bound %d times", i);
                }
        }
        ASSERT_EQ(0, controller_open(&c));
        EXPECT_EQ(TMS_STATE_IDLE, status_of(c.fd).state);
        controller_close(&c);
        /* And none of them reads another life's card. */
        for (int i = 0; i < MORE_THAN_MINORS; i++) {
                EXPECT_EQ(-ENODEV, call(monitors[i], TMS_IOC_STATUS, &st));
                close(monitors[i]);
        }
}

/* The window is the driver's alone while it is bound, and nobody's behind that. */
TEST_F(bind, regions)
{
        int cards = lines_with("/proc/iomem", " : tms");

        /* Registers and MSI-X table. */
        EXPECT_GE(cards, 2);
        for (int i = 0; i < 3; i++) {
                ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/unbind", self->address));
                EXPECT_EQ(cards - 2, lines_with("/proc/iomem", " : tms"));
                ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/bind", self->address));
                ASSERT_EQ(0, wait_node(true));
                EXPECT_EQ(cards, lines_with("/proc/iomem", " : tms"));
        }
}

/* Whoever looks at the interrupts sees which is which, and whose. */
TEST_F(bind, vectors_have_names)
{
        char class[256], name[64];

        ASSERT_EQ(0, node_class(class, sizeof(class)));
        snprintf(name, sizeof(name), " %s-fault\n", strrchr(class, '/') + 1);
        EXPECT_EQ(1, lines_with("/proc/interrupts", name));
        snprintf(name, sizeof(name), " %s-pulse\n", strrchr(class, '/') + 1);
        EXPECT_EQ(1, lines_with("/proc/interrupts", name));
}

/* The link does not sleep between two pulses, whatever the machine's policy is: waking it may take 100 us. */
TEST_F(bind, link_stays_awake)
{
        char path[PATH_MAX];
        uint8_t config[256], at;
        int fd;

        ASSERT_EQ(0, write_file("/sys/module/pcie_aspm/parameters/policy", "powersave"));
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", self->address);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        ASSERT_GE(fd, 0);
        ASSERT_EQ(sizeof(config), read(fd, config, sizeof(config)));
        close(fd);
        write_file("/sys/module/pcie_aspm/parameters/policy", "default");
        for (at = config[0x34]; at && config[at] != 0x10; at = config[at + 1])
                ;
        ASSERT_NE(0, at);
        /* The link's control: bits 1..0. */
        EXPECT_EQ(0, config[at + 0x10] & 3);
}

TEST_HARNESS_MAIN
