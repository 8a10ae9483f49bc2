// SPDX-License-Identifier: GPL-2.0-or-later
/* What others see of the card: hwmon, the panel as an input device, sysfs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/input.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "tms_test.h"

FIXTURE(ecosystem)
{
        char hwmon[128];
        int panel;
};

/* The one folder or node of that kind that belongs to the first card. */
static int find(const char *kind, char *ret, size_t size)
{
        char class[256], pattern[300];
        int r = node_class(class, sizeof(class));
        glob_t g;

        if (r)
                return r;
        snprintf(pattern, sizeof(pattern), "%s/device/%s", class, kind);
        r = -ENOENT;
        if (glob(pattern, 0, NULL, &g) == 0 && g.gl_pathc == 1)
                r = snprintf(ret, size, "%s", g.gl_pathv[0]) < (int)size ? 0 : -ENAMETOOLONG;
        globfree(&g);
        return r;
}

FIXTURE_SETUP(ecosystem)
{
        char path[256], node[300];

        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, find("hwmon/hwmon*", self->hwmon, sizeof(self->hwmon)));
        ASSERT_EQ(0, find("input/input*/event*", path, sizeof(path)));
        snprintf(node, sizeof(node), "/dev/input%s", strrchr(path, '/'));
        self->panel = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        ASSERT_GE(self->panel, 0);
}

FIXTURE_TEARDOWN(ecosystem)
{
        lab_reset();
        close(self->panel);
}

#define EXPECT_FILE(expected, name)                                                               \
        do {                                                                                      \
                char file_text[128] = "";                                                         \
                EXPECT_EQ(0, read_text(file_text, sizeof(file_text), "%s/%s", self->hwmon, name)) \
                {                                                                                 \
                        TH_LOG("%s", name);                                                       \
                }                                                                                 \
                EXPECT_STREQ(expected, file_text);                                                \
        } while (0)

TEST_F(ecosystem, sensors)
{
        char text[128];

        EXPECT_FILE("tms", "name");
        EXPECT_FILE("coil", "temp1_label");
        EXPECT_FILE("board", "temp2_label");
        EXPECT_FILE("capacitor", "in0_label");
        EXPECT_FILE("40000", "temp1_crit");
        EXPECT_FILE("0", "temp1_crit_alarm");

        ASSERT_EQ(0, lab("heat=31500; board_temp=-4250"));
        ASSERT_EQ(0, read_text(text, sizeof(text), "%s/temp1_input", self->hwmon));
        /* It cools while we look. */
        EXPECT_LE(atoi(text), 31500);
        EXPECT_GE(atoi(text), 31400);
        EXPECT_FILE("-4250", "temp2_input");

        ASSERT_EQ(0, lab("heat=41000"));
        EXPECT_FILE("1", "temp1_crit_alarm");
        ASSERT_EQ(0, lab("heat=22000"));
        EXPECT_FILE("0", "temp1_crit_alarm");

        /* Without a coil there is no temperature of one. */
        ASSERT_EQ(0, lab("open=coil_absent"));
        EXPECT_EQ(-ENODATA, read_text(text, sizeof(text), "%s/temp1_input", self->hwmon));
        EXPECT_FILE("-4250", "temp2_input");
}

/* The voltage goes up with arming and is gone after it. */
TEST_F(ecosystem, voltage)
{
        struct tms_pulse pulse;
        struct controller c;
        char text[128];

        EXPECT_FILE("0", "in0_input");
        flat(&pulse, 1, 0, 500, 1);
        ASSERT_EQ(0, controller_open(&c));
        ASSERT_EQ(0, controller_load(&c, &pulse, 1));
        ASSERT_EQ(0, controller_arm(&c));
        ASSERT_EQ(0, read_text(text, sizeof(text), "%s/in0_input", self->hwmon));
        EXPECT_GT(atoi(text), 100000);
        EXPECT_EQ(status_of(c.fd).hv_mV, atoi(text));
        controller_close(&c);
        sleep_ns(S);
        EXPECT_FILE("0", "in0_input");
}

static int next_key(int fd, uint16_t *ret_code, int *ret_value)
{
        struct pollfd p = {.fd = fd, .events = POLLIN};
        struct input_event e;

        for (;;) {
                if (poll(&p, 1, 1000) <= 0)
                        return -ETIMEDOUT;
                if (read(fd, &e, sizeof(e)) != sizeof(e))
                        return -EIO;
                if (e.type != EV_KEY)
                        continue;
                *ret_code = e.code;
                *ret_value = e.value;
                return 0;
        }
}

TEST_F(ecosystem, panel)
{
        static const struct {
                const char *name;
                uint16_t code;
                uint32_t bit;
        } keys[] = {
                        {"arm_key", BTN_0, 1},
                        {"footswitch", BTN_1, 2},
                        {"patient_stop", BTN_2, 4},
                        {"estop", BTN_3, 8},
        };
        int fd = node_open(O_RDONLY), value;
        uint16_t code;

        ASSERT_GE(fd, 0);
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                ASSERT_EQ(0, lab("press=%s", keys[i].name));
                ASSERT_EQ(0, next_key(self->panel, &code, &value));
                EXPECT_EQ(keys[i].code, code);
                EXPECT_EQ(1, value);
                EXPECT_EQ(keys[i].bit, status_of(fd).panel);
                ASSERT_EQ(0, lab("release=%s", keys[i].name));
                ASSERT_EQ(0, next_key(self->panel, &code, &value));
                EXPECT_EQ(keys[i].code, code);
                EXPECT_EQ(0, value);
                EXPECT_EQ(0, status_of(fd).panel);
        }
        close(fd);
}

/* Held down when somebody starts to look: the level is there to be asked for. */
TEST_F(ecosystem, panel_levels)
{
        uint8_t keys[KEY_MAX / 8 + 1] = {}, bits[KEY_MAX / 8 + 1] = {};
        char name[64] = "";
        unsigned int count = 0;

        ASSERT_EQ(0, lab("press=footswitch"));
        sleep_ns(50 * MS);
        ASSERT_LE(0, ioctl(self->panel, EVIOCGKEY(sizeof(keys)), keys));
        EXPECT_TRUE(keys[BTN_1 / 8] & 1 << BTN_1 % 8);
        EXPECT_FALSE(keys[BTN_0 / 8] & 1 << BTN_0 % 8);

        ASSERT_LE(0, ioctl(self->panel, EVIOCGBIT(EV_KEY, sizeof(bits)), bits));
        for (int i = 0; i < KEY_MAX; i++)
                count += bits[i / 8] >> i % 8 & 1;
        EXPECT_EQ(4, count);
        ASSERT_LE(0, ioctl(self->panel, EVIOCGNAME(sizeof(name)), name));
        EXPECT_STREQ("TMS panel", name);
}

/*
 * Released, and nobody told: the message is lost. What the card has gone through since, the panel is read
 * again behind it.
 */
#define EXPECT_RELEASE_TOLD(something)                                      \
        do {                                                                \
                struct pollfd p = {.fd = self->panel, .events = POLLIN};    \
                uint16_t told = 0;                                          \
                int level = -1;                                             \
                ASSERT_EQ(0, lab("press=footswitch"));                      \
                ASSERT_EQ(0, next_key(self->panel, &told, &level));         \
                EXPECT_EQ(1, level);                                        \
                ASSERT_EQ(0, lab("lost_pulse_irq; release=footswitch"));    \
                while (poll(&p, 1, 200) > 0)                                \
                        ASSERT_NE(0, next_key(self->panel, &told, &level)); \
                ASSERT_EQ(0, something);                                    \
                ASSERT_EQ(0, next_key(self->panel, &told, &level));         \
                EXPECT_EQ(BTN_1, told);                                     \
                EXPECT_EQ(0, level);                                        \
        } while (0)

static int reset_function(void)
{
        char address[64], path[256];
        int r = card_address(address, sizeof(address));

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", address);
        return r ? r : write_file(path, "1");
}

TEST_F(ecosystem, panel_behind_a_reset)
{
        EXPECT_RELEASE_TOLD(reset_function());
}

TEST_F(ecosystem, panel_behind_a_bus_error)
{
        ASSERT_EQ(0, report_errors());
        EXPECT_RELEASE_TOLD(lab("aer=uncorrectable"));
}

/* Linux takes every key for released that was pressed when it fell asleep. If it still is, it is told. */
TEST_F(ecosystem, panel_behind_sleep)
{
        uint16_t code = 0;
        int value = -1;

        EXPECT_RELEASE_TOLD(nap("freeze"));

        ASSERT_EQ(0, lab("press=footswitch"));
        ASSERT_EQ(0, next_key(self->panel, &code, &value));
        EXPECT_EQ(1, value);
        ASSERT_EQ(0, nap("freeze"));
        ASSERT_EQ(0, next_key(self->panel, &code, &value));
        EXPECT_EQ(0, value);
        ASSERT_EQ(0, next_key(self->panel, &code, &value));
        EXPECT_EQ(BTN_1, code);
        EXPECT_EQ(1, value);
        ASSERT_EQ(0, lab("release=footswitch"));
        ASSERT_EQ(0, next_key(self->panel, &code, &value));
        EXPECT_EQ(0, value);
}

TEST_F(ecosystem, sysfs)
{
        char class[256], text[128];
        int fd = node_open(O_RDONLY);

        ASSERT_GE(fd, 0);
        ASSERT_EQ(0, node_class(class, sizeof(class)));
        ASSERT_EQ(0, read_text(text, sizeof(text), "%s/serial", class));
        EXPECT_STREQ("00000000000003e9", text);
        ASSERT_EQ(0, read_text(text, sizeof(text), "%s/contract", class));
        EXPECT_STREQ("1.0", text);
        ASSERT_EQ(0, read_text(text, sizeof(text), "%s/state", class));
        EXPECT_TRUE(!strcmp(text, "idle") || !strcmp(text, "fault"));
        ASSERT_EQ(0, read_text(text, sizeof(text), "%s/odometer", class));
        EXPECT_EQ(info_of(fd).odometer, strtoull(text, NULL, 10));
        ASSERT_EQ(0, read_text(text, sizeof(text), "%s/firmware", class));
        EXPECT_STREQ("1.0.0", text);
        EXPECT_EQ(1 << 16, info_of(fd).firmware);
        ASSERT_EQ(0, read_text(text, sizeof(text), "%s/engine_cpu", class));
        EXPECT_TRUE(text[0] >= '0' && text[0] <= '9');
        EXPECT_LT(atoi(text), sysconf(_SC_NPROCESSORS_ONLN));
        close(fd);
}

/* For everybody to read, for nobody to write. */
TEST_F(ecosystem, sysfs_is_read_only)
{
        static const char *const names[] = {"serial", "firmware", "contract", "state", "engine_cpu", "odometer"};
        char class[256], path[300];
        struct stat st;

        ASSERT_EQ(0, node_class(class, sizeof(class)));
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", class, names[i]);
                ASSERT_EQ(0, stat(path, &st))
                {
                        TH_LOG("%s", names[i]);
                }
                EXPECT_EQ(0444, st.st_mode & 07777);
                EXPECT_GT(0, write_file(path, "1"));
        }
}

static const struct {
        const char *name;
        const char *fields[13];
} tracepoints[] = {
                {"tms_state", {"card", "from", "to", "cause"}},
                {"tms_pulse",
                 {"card", "run", "pulse", "card_seq", "due_ns", "triggered_ns", "due_card_ns", "card_ns",
                  "set_permille", "delivered_permille", "outcome", "condition"}},
                {"tms_answer",
                 {"card", "run", "pulse", "card_seq", "due_ns", "triggered_ns", "due_card_ns", "card_ns",
                  "set_permille", "delivered_permille", "outcome", "condition"}},
                {"tms_step", {"card", "entered_ns", "left_ns", "spun_ns"}},
                {"tms_fault", {"card", "entered_ns", "safe_ns"}},
                {"tms_interlock", {"card", "live", "latched"}},
};

static unsigned int traced(const char *name, const char *also)
{
        char line[1024], what[64];
        unsigned int n = 0;
        FILE *f = fopen(TRACING "/trace", "re");

        snprintf(what, sizeof(what), " %s: ", name);
        while (f && fgets(line, sizeof(line), f))
                n += strstr(line, what) && strstr(line, also);
        if (f)
                fclose(f);
        return n;
}

/* Each has the fields that it is described with, and no others. */
TEST_F(ecosystem, tracepoint_formats)
{
        char path[128], line[2048], word[64];
        glob_t g;

        ASSERT_EQ(0, mount_tracing());
        ASSERT_EQ(0, glob(TRACING "/events/tms/*/format", 0, NULL, &g));
        EXPECT_EQ(ELEMENTSOF(tracepoints), g.gl_pathc);
        globfree(&g);
        for (size_t i = 0; i < ELEMENTSOF(tracepoints); i++) {
                unsigned int expected = 0, known = 0, fields = 0, printed = 0;
                FILE *f;

                while (expected < ELEMENTSOF(tracepoints[i].fields) && tracepoints[i].fields[expected])
                        expected++;
                snprintf(path, sizeof(path), "%s/events/tms/%s/format", TRACING, tracepoints[i].name);
                f = fopen(path, "re");
                ASSERT_TRUE(f);
                while (fgets(line, sizeof(line), f)) {
                        bool field = strstr(line, "\tfield:") && !strstr(line, " common_");

                        fields += field;
                        for (unsigned int k = 0; k < expected; k++) {
                                snprintf(word, sizeof(word), " %s;", tracepoints[i].fields[k]);
                                known += field && strstr(line, word);
                                snprintf(word, sizeof(word), "%s=", tracepoints[i].fields[k]);
                                printed += !strncmp(line, "print fmt:", 10) && strstr(line, word);
                        }
                }
                fclose(f);
                EXPECT_EQ(expected, fields)
                {
                        TH_LOG("%s", tracepoints[i].name);
                }
                EXPECT_EQ(expected, known);
                EXPECT_EQ(expected, printed);
        }
}

/* And says what has happened: as many as there are records. */
TEST_F(ecosystem, tracepoints)
{
        struct tms_pulse pulses[4];
        struct controller c;
        struct window w;

        ASSERT_EQ(0, mount_tracing());
        ASSERT_EQ(0, controller_open(&c));
        ASSERT_EQ(0, window_open(&w, "tracepoints"));
        flat(pulses, 4, 50 * MS, 200, 4);
        ASSERT_EQ(0, controller_load(&c, pulses, 4));
        ASSERT_EQ(0, controller_arm(&c));
        ASSERT_EQ(0, clear_trace());
        ASSERT_EQ(0, write_file(TRACING "/events/tms/enable", "1"));
        ASSERT_EQ(0, lab("pulse=+3 delay=10000000 open=cover_open"));
        ASSERT_EQ(0, controller_start(&c));
        ASSERT_EQ(0, wait_state(c.fd, TMS_STATE_FAULT));
        EXPECT_EQ(0, write_file(TRACING "/events/tms/enable", "0"));
        EXPECT_EQ(0, window_close(&w, 3, 0));
        EXPECT_EQ(3, traced("tms_pulse", " set_permille=200 delivered_permille=0 outcome=triggered"));
        EXPECT_EQ(3, traced("tms_answer", " set_permille=200 delivered_permille=200 outcome=delivered"));
        EXPECT_EQ(1, traced("tms_state", " from=armed to=running cause=request"));
        EXPECT_EQ(1, traced("tms_state", " from=running to=fault cause=cover_open"));
        EXPECT_EQ(2, traced("tms_state", ""));
        EXPECT_EQ(1, traced("tms_fault", " safe_ns="));
        EXPECT_EQ(1, traced("tms_interlock", " live=cover_open latched=cover_open"));
        EXPECT_GE(traced("tms_step", " spun_ns="), 3);
        ASSERT_EQ(0, lab_reset());
        EXPECT_EQ(0, call_clear_fault(c.fd));
        controller_close(&c);
}

TEST_HARNESS_MAIN
