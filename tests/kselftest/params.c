// SPDX-License-Identifier: GPL-2.0-or-later
/* Module parameters: what each takes, what it does, and that none changes under a treatment. */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "tms_test.h"

#define FOLDER "/sys/module/tms/parameters"

/* clang-format off */
static const struct {
        const char *name;
        uint32_t min, max, value;
} all[] = {
        {"max_permille", 1, 1000, 1000},
        {"max_pulses_per_s", 1, 100, 100},
        {"max_pulses_per_day", 1, PULSES_MAX, 90000},
        {"lateness_ns", 1000, 1000000, 1000000},
        {"fitness_max_ns", 1000, 1000000000, 20000},
        {"lead_ns", 4000, 20000, 20000},
};
/* clang-format on */

FIXTURE(parameter)
{
        struct controller c[CARDS];
        struct tms_pulse pulses[101];
        struct window window;
        pthread_t arming;
        int64_t before;
};

FIXTURE_VARIANT(parameter)
{
        unsigned int i;
};

FIXTURE_VARIANT_ADD(parameter, max_permille){.i = 0};
FIXTURE_VARIANT_ADD(parameter, max_pulses_per_s){.i = 1};
FIXTURE_VARIANT_ADD(parameter, max_pulses_per_day){.i = 2};
FIXTURE_VARIANT_ADD(parameter, lateness_ns){.i = 3};
FIXTURE_VARIANT_ADD(parameter, fitness_max_ns){.i = 4};
FIXTURE_VARIANT_ADD(parameter, lead_ns){.i = 5};

#define NAME all[variant->i].name

FIXTURE_SETUP(parameter)
{
        ASSERT_EQ(0, lab_reset());
        self->before = parameter(NAME);
        for (unsigned int i = 0; i < CARDS; i++)
                ASSERT_EQ(0, controller_open_card(&self->c[i], i));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(self->pulses, 10, 5 * S, 100, 1);
        self->pulses[0].flags |= TMS_PULSE_WAIT_OPERATOR;
}

FIXTURE_TEARDOWN(parameter)
{
        for (unsigned int i = 0; i < CARDS; i++)
                controller_close(&self->c[i]);
        EXPECT_EQ(0, set_parameter(NAME, self->before));
        lab_reset();
}

/* Another value that it takes. */
static uint32_t other(unsigned int i)
{
        return parameter(all[i].name) == all[i].max ? all[i].max - 1 : all[i].max;
}

TEST_F(parameter, range)
{
        char path[128], text[32];

        /* The debug run, and a machine with two CPUs, have widened this one. */
        if (!slow())
                EXPECT_EQ(all[variant->i].value, self->before);
        snprintf(path, sizeof(path), "%s/%s", FOLDER, NAME);
        EXPECT_EQ(-EINVAL, set_parameter(NAME, all[variant->i].min - 1));
        EXPECT_EQ(-EINVAL, set_parameter(NAME, all[variant->i].max + 1));
        EXPECT_EQ(-EINVAL, set_parameter(NAME, UINT32_MAX));
        EXPECT_EQ(-ERANGE, write_file(path, "4294967296"));
        EXPECT_EQ(-EINVAL, write_file(path, "-1"));
        EXPECT_EQ(-EINVAL, write_file(path, "1e3"));
        EXPECT_EQ(-EINVAL, write_file(path, " "));
        EXPECT_EQ(self->before, parameter(NAME));
        EXPECT_EQ(0, set_parameter(NAME, all[variant->i].min));
        EXPECT_EQ(all[variant->i].min, parameter(NAME));
        EXPECT_EQ(0, set_parameter(NAME, all[variant->i].max));
        EXPECT_EQ(all[variant->i].max, parameter(NAME));
        snprintf(text, sizeof(text), "%#x\n", all[variant->i].min + 1);
        EXPECT_EQ(0, write_file(path, text));
        EXPECT_EQ(all[variant->i].min + 1, parameter(NAME));
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

/* A change drops every card's timeline; a value that is there already changes nothing. */
TEST_F(parameter, drops_the_timelines)
{
        struct tms_event last;

        for (unsigned int i = 0; i < CARDS; i++)
                ASSERT_EQ(0, controller_load(&self->c[i], self->pulses, 10));
        EXPECT_EQ(0, set_parameter(NAME, self->before));
        EXPECT_EQ(-EINVAL, set_parameter(NAME, all[variant->i].max + 1));
        for (unsigned int i = 0; i < CARDS; i++)
                EXPECT_EQ(TMS_STATE_LOADED, status_of(self->c[i].fd).state);

        ASSERT_EQ(0, set_parameter(NAME, other(variant->i)));
        for (unsigned int i = 0; i < CARDS; i++) {
                struct tms_arm arm = {.timeline_gen = self->c[i].gen};

                EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c[i].fd).state);
                EXPECT_EQ(TMS_CAUSE_CHANGED, status_of(self->c[i].fd).cause);
                EXPECT_EQ(0, status_of(self->c[i].fd).timeline_gen);
                last = controller_last_state(&self->c[i]);
                EXPECT_EQ(TMS_CAUSE_CHANGED, last.state.cause);
                EXPECT_EQ(-EPROTO, call(self->c[i].fd, TMS_IOC_ARM, &arm));
                /* What is loaded under it is as good as any. */
                EXPECT_EQ(0, controller_load(&self->c[i], self->pulses, 10));
        }
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

#define EXPECT_REFUSED()                                                     \
        do {                                                                 \
                uint32_t state = status_of(self->c[0].fd).state;             \
                EXPECT_EQ(-EBUSY, set_parameter(NAME, other(variant->i)));   \
                EXPECT_EQ(self->before, parameter(NAME));                    \
                EXPECT_EQ(state, status_of(self->c[0].fd).state);            \
                EXPECT_EQ(TMS_STATE_LOADED, status_of(self->c[1].fd).state); \
                /* No change is no harm. */                                  \
                EXPECT_EQ(0, set_parameter(NAME, self->before));             \
        } while (0)

/* One card treats; the other, only loaded, is no reason. */
TEST_F(parameter, not_while_treating)
{
        struct controller *c = &self->c[0];

        for (unsigned int i = 0; i < CARDS; i++)
                ASSERT_EQ(0, controller_load(&self->c[i], self->pulses, 10));
        ASSERT_EQ(0, lab("never_ready=on"));
        ASSERT_EQ(0, pthread_create(&self->arming, NULL, controller_arm_thread, c));
        ASSERT_EQ(0, wait_state(c->fd, TMS_STATE_ARMING));
        EXPECT_REFUSED();
        ASSERT_EQ(0, call(c->fd, TMS_IOC_STOP, NULL));
        pthread_join(self->arming, NULL);
        ASSERT_EQ(0, lab("never_ready=off"));

        ASSERT_EQ(0, controller_arm(c));
        EXPECT_REFUSED();
        ASSERT_EQ(0, controller_start(c));
        EXPECT_REFUSED();
        ASSERT_EQ(0, controller_pause(c, TMS_PAUSE_NOW));
        EXPECT_EQ(TMS_STATE_PAUSED, status_of(c->fd).state);
        EXPECT_REFUSED();
        ASSERT_EQ(0, call(c->fd, TMS_IOC_STOP, NULL));
        EXPECT_EQ(0, set_parameter(NAME, other(variant->i)));
        EXPECT_EQ(TMS_STATE_IDLE, status_of(c->fd).state);
        EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c[1].fd).state);
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

FIXTURE(effect)
{
        struct controller c;
        struct tms_pulse pulses[101];
        struct tms_load load;
        struct window window;
};

FIXTURE_SETUP(effect)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(self->pulses, 10, 50 * MS, 200, 10);
        self->load = (struct tms_load){.pulses = (uintptr_t)self->pulses, .count = 10, PULSE_SIZE};
}

FIXTURE_TEARDOWN(effect)
{
        call(self->c.fd, TMS_IOC_STOP, NULL);
        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                if (strcmp(all[i].name, "fitness_max_ns"))
                        EXPECT_EQ(0, set_parameter(all[i].name, all[i].value));
        controller_close(&self->c);
}

#define EXPECT_BINDS(parm, value, r, at, most, asked)                            \
        do {                                                                     \
                ASSERT_EQ(0, set_parameter(parm, value));                        \
                EXPECT_EQ(-ERANGE, call(self->c.fd, TMS_IOC_LOAD, &self->load)); \
                EXPECT_EQ(r, self->load.verdict.rule);                           \
                EXPECT_EQ(at, self->load.verdict.pulse);                         \
                EXPECT_EQ(most, self->load.verdict.limit);                       \
                EXPECT_EQ(asked, self->load.verdict.actual);                     \
        } while (0)

/* Tighter than the session's, they bind; and INFO says so. */
TEST_F(effect, limits)
{
        EXPECT_BINDS("max_permille", 199, TMS_RULE_INTENSITY, 0, 199, 200);
        EXPECT_EQ(199, info_of(self->c.fd).max_permille);
        ASSERT_EQ(0, set_parameter("max_permille", 200));
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_LOAD, &self->load));

        EXPECT_BINDS("max_pulses_per_s", 9, TMS_RULE_PULSES_PER_S, 9, 9, 10);
        EXPECT_EQ(9, info_of(self->c.fd).max_pulses_per_s);
        ASSERT_EQ(0, set_parameter("max_pulses_per_s", 10));
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_LOAD, &self->load));

        EXPECT_BINDS("max_pulses_per_day", 9, TMS_RULE_PULSES_PER_DAY, 9, 9, 10);
        EXPECT_EQ(9, info_of(self->c.fd).max_pulses_per_day);
        ASSERT_EQ(0, set_parameter("max_pulses_per_day", 10));
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_LOAD, &self->load));

        /* No site widens the built-in hundred a second, though the session has a thousand. */
        ASSERT_EQ(0, set_parameter("max_permille", 1000));
        ASSERT_EQ(0, set_parameter("max_pulses_per_s", 100));
        ASSERT_EQ(0, set_parameter("max_pulses_per_day", PULSES_MAX));
        flat(self->pulses, 101, 5 * MS, 20, 101);
        self->load.count = 101;
        EXPECT_BINDS("max_pulses_per_s", 100, TMS_RULE_PULSES_PER_S, 100, 100, 101);
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

/* The largest tolerance that a timeline may ask for, and the default where that is less. */
TEST_F(effect, lateness)
{
        /* clang-format off */
        static const struct {
                uint32_t most, by_default;
        } t[] = {{1000000, 50000}, {50001, 50000}, {50000, 50000}, {20000, 20000}, {1000, 1000}};
        /* clang-format on */
        const uint64_t lock_out_ns = 500000;

        for (size_t i = 0; i < ELEMENTSOF(t); i++) {
                uint64_t interval_ns = lock_out_ns + lock_out_ns / 1000 + t[i].by_default;

                ASSERT_EQ(0, set_parameter("lateness_ns", t[i].most));
                EXPECT_EQ(t[i].most, info_of(self->c.fd).lateness_max_ns);
                EXPECT_EQ(t[i].by_default, info_of(self->c.fd).lateness_default_ns);
                EXPECT_EQ(interval_ns, info_of(self->c.fd).min_interval_ns);

                flat(self->pulses, 2, 50 * MS, 50, 2);
                self->load = (struct tms_load){.pulses = (uintptr_t)self->pulses, .count = 2, PULSE_SIZE};
                self->load.lateness_ns = t[i].most;
                EXPECT_EQ(0, call(self->c.fd, TMS_IOC_LOAD, &self->load));
                self->load.lateness_ns = t[i].most + 1;
                EXPECT_EQ(-EINVAL, call(self->c.fd, TMS_IOC_LOAD, &self->load));
                self->load.lateness_ns = 999;
                EXPECT_EQ(-EINVAL, call(self->c.fd, TMS_IOC_LOAD, &self->load));

                /* The tolerance is in the shortest interval. */
                self->load.lateness_ns = 0;
                self->pulses[1].t_ns = interval_ns;
                EXPECT_EQ(0, call(self->c.fd, TMS_IOC_LOAD, &self->load));
                self->pulses[1].t_ns = interval_ns - 1;
                EXPECT_EQ(-ERANGE, call(self->c.fd, TMS_IOC_LOAD, &self->load));
                EXPECT_EQ(TMS_RULE_INTERVAL, self->load.verdict.rule);
                EXPECT_EQ(interval_ns, self->load.verdict.limit);
        }
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

/* The longest that the engine has spun before a pulse, by its own account. Returns how often it has. */
static int spun(uint64_t *ret_most)
{
        FILE *f = fopen(TRACING "/trace", "re");
        const char *at;
        char line[512];
        int n = 0;

        *ret_most = 0;
        while (f && fgets(line, sizeof(line), f)) {
                at = strstr(line, " spun_ns=");
                if (at && strtoull(at + 9, NULL, 10)) {
                        uint64_t ns = strtoull(at + 9, NULL, 10);

                        *ret_most = ns > *ret_most ? ns : *ret_most;
                        n++;
                }
        }
        if (f)
                fclose(f);
        return n;
}

/* How long before a pulse the engine is awake; the pulse is on time with any. */
TEST_F(effect, lead)
{
        static const uint32_t leads[] = {20000, 10000, 4000};

        ASSERT_EQ(0, mount_tracing());
        for (size_t i = 0; i < ELEMENTSOF(leads); i++) {
                uint64_t most_ns;

                /* There is no time for so short a lead where every step is checked. */
                if (slow() && leads[i] < 20000)
                        continue;
                ASSERT_EQ(0, window_open(&self->window, "lead"));
                ASSERT_EQ(0, set_parameter("lead_ns", leads[i]));
                ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
                ASSERT_EQ(0, controller_arm(&self->c));
                ASSERT_EQ(0, clear_trace());
                ASSERT_EQ(0, write_file(TRACING "/events/tms/tms_step/enable", "1"));
                ASSERT_EQ(0, controller_start(&self->c));
                ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
                ASSERT_EQ(0, write_file(TRACING "/events/tms/tms_step/enable", "0"));
                EXPECT_EQ(10, status_of(self->c.fd).delivered);
                EXPECT_LE(status_of(self->c.fd).error_max_ns, error_bound_ns());
                EXPECT_EQ(0, window_close(&self->window, 10, 0));
                EXPECT_GE(spun(&most_ns), 10);
                EXPECT_LE(most_ns, leads[i] + error_bound_ns());
                /* The timer that was least late; what the others were is the kernel's business. */
                if (!slow())
                        EXPECT_GE(most_ns, leads[i] - 3000);
        }
}

/* --- what a person sees of it ------------------------------------------------------- */

/* One line of what modinfo says under that name. */
static int info_line(const char *field, unsigned int nth, char *ret, size_t size)
{
        char command[64];
        FILE *f;
        int r = -ENOENT;

        snprintf(command, sizeof(command), "modinfo -F %s tms", field);
        f = popen(command, "re");
        if (!f)
                return -errno;
        while (fgets(ret, size, f))
                if (!nth--)
                        break;
        if (nth == UINT32_MAX)
                r = 0;
        ret[strcspn(ret, "\n")] = 0;
        while (fgetc(f) != EOF)
                ;
        pclose(f);
        return r;
}

TEST(modinfo)
{
        char line[512], begin[64], range[64];
        unsigned int described = 0, n;

        for (n = 0; !info_line("parm", n, line, sizeof(line)); n++) {
                for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                        snprintf(begin, sizeof(begin), "%s:", all[i].name);
                        if (strncmp(line, begin, strlen(begin)))
                                continue;
                        described++;
                        snprintf(range, sizeof(range), "%u..%u (default %u)", all[i].min, all[i].max, all[i].value);
                        EXPECT_TRUE(strstr(line, range))
                        {
                                TH_LOG("'%s' does not say %s", line, range);
                        }
                }
        }
        EXPECT_EQ(ELEMENTSOF(all), n);
        EXPECT_EQ(ELEMENTSOF(all), described);
        EXPECT_EQ(0, info_line("license", 0, line, sizeof(line)));
        EXPECT_STREQ("GPL", line);
        EXPECT_EQ(0, info_line("alias", 0, line, sizeof(line)));
        EXPECT_STREQ("pci:v00001209d00007435sv*sd*bc*sc*i*", line);
        EXPECT_EQ(0, info_line("description", 0, line, sizeof(line)));
        EXPECT_TRUE(strstr(line, "ranscranial magnetic stimulat"));
        EXPECT_EQ(0, info_line("author", 0, line, sizeof(line)));
        EXPECT_EQ(0, info_line("version", 0, line, sizeof(line)));
}

/* What modinfo lists can be read by everybody and written by root, and there is nothing else. */
TEST(files)
{
        struct stat st;
        glob_t g;

        ASSERT_EQ(0, glob(FOLDER "/*", 0, NULL, &g));
        EXPECT_EQ(ELEMENTSOF(all), g.gl_pathc);
        globfree(&g);
        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                char path[128];

                snprintf(path, sizeof(path), "%s/%s", FOLDER, all[i].name);
                ASSERT_EQ(0, stat(path, &st));
                EXPECT_EQ(0644, st.st_mode & 07777);
                EXPECT_EQ(0, st.st_uid);
        }
}

TEST_HARNESS_MAIN
