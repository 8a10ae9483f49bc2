/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes the timers of this host exact or not; see host.h. */
#include <glob.h>
#include <sys/utsname.h>

#include "host.h"

#define CPU "/sys/devices/system/cpu/"
#define DEEP_EXIT_US 20 /* waking from a deeper state takes longer than the engine's lead */

/* Reads the first line of a file, without its line feed. False: there is none. */
static bool read_line(const char *path, char *buf, size_t size)
{
        _cleanup_(fclosep) FILE *f = fopen(path, "re");

        if (!f || !fgets(buf, (int)size, f))
                return false;
        buf[strcspn(buf, "\n")] = '\0';
        return true;
}

static void look_at_kernel(struct host_advice *a)
{
        char line[16] = "";
        struct utsname u;
        bool rt;

        (void)uname(&u);
        rt = (read_line("/sys/kernel/realtime", line, sizeof(line)) && line[0] == '1') ||
             strstr(u.version, "PREEMPT_RT");
        *a = (struct host_advice){
                        .name = "kernel",
                        .good = rt,
                        .mend = "a real-time kernel has shorter stretches with interrupts off: apt install "
                                "linux-image-rt-amd64",
        };
        (void)snprintf(a->found, sizeof(a->found), "kernel %s, %s", u.release,
                       rt ? "real-time" : "not a real-time one");
}

static bool look_at_governor(struct host_advice *a)
{
        char governor[32];

        if (!read_line(CPU "cpu0/cpufreq/scaling_governor", governor, sizeof(governor)))
                return false;
        *a = (struct host_advice){
                        .name = "governor",
                        .good = STREQ(governor, "performance"),
                        .mend = "keep the clock rate up: cpupower frequency-set -g performance",
        };
        (void)snprintf(a->found, sizeof(a->found), "frequency governor is %s", governor);
        return true;
}

/* Looks for the enabled idle state from which waking takes longest. */
static bool look_at_idle(struct host_advice *a)
{
        unsigned long worst = 0;
        bool seen = false;
        glob_t states;
        size_t i;

        if (glob(CPU "cpu0/cpuidle/state*", 0, NULL, &states) != 0)
                return false;
        for (i = 0; i < states.gl_pathc; i++) {
                char path[256], disabled[8] = "0", latency[16];

                (void)snprintf(path, sizeof(path), "%s/disable", states.gl_pathv[i]);
                (void)read_line(path, disabled, sizeof(disabled));
                (void)snprintf(path, sizeof(path), "%s/latency", states.gl_pathv[i]);
                if (disabled[0] == '1' || !read_line(path, latency, sizeof(latency)))
                        continue;
                seen = true;
                worst = strtoul(latency, NULL, 10) > worst ? strtoul(latency, NULL, 10) : worst;
        }
        globfree(&states);
        if (!seen)
                return false;
        *a = (struct host_advice){
                        .name = "idle",
                        .good = worst <= DEEP_EXIT_US,
                        .mend = "the driver keeps its processor awake from arming on; for the rest: cpupower idle-set "
                                "-D 20, "
                                "or processor.max_cstate=1 on the kernel's command line",
        };
        (void)snprintf(a->found, sizeof(a->found), "waking from the deepest idle state takes %lu us", worst);
        return true;
}

static bool look_at_isolation(struct host_advice *a)
{
        char isolated[128] = "", online[128] = "0";

        (void)read_line(CPU "isolated", isolated, sizeof(isolated));
        (void)read_line(CPU "online", online, sizeof(online));
        /* With a single processor, none can be isolated. */
        if (STREQ(online, "0"))
                return false;
        *a = (struct host_advice){
                        .name = "isolation",
                        .good = isolated[0] != '\0',
                        .mend = "keep other work off the processor that takes the driver's interrupts (see "
                                "/proc/interrupts): "
                                "isolcpus=managed_irq,domain,N nohz_full=N on the kernel's command line",
        };
        (void)snprintf(a->found, sizeof(a->found),
                       isolated[0] ? "processor %s is set apart" : "no processor is set apart%s", isolated);
        return true;
}

static bool look_at_clock(struct host_advice *a)
{
        char clock[32];

        if (!read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", clock, sizeof(clock)))
                return false;
        *a = (struct host_advice){
                        .name = "clock",
                        .good = STREQ(clock, "tsc") || STREQ(clock, "arch_sys_counter"),
                        .mend = "reading this clock is slow; look in dmesg why the processor's own counter was given "
                                "up",
        };
        (void)snprintf(a->found, sizeof(a->found), "clock source is %s", clock);
        return true;
}

/* The timers of a virtual machine wait when its host is busy. */
static bool look_at_machine(struct host_advice *a)
{
        _cleanup_(fclosep) FILE *f = fopen("/proc/cpuinfo", "re");
        char line[4096];

        while (f && fgets(line, sizeof(line), f))
                if (strncmp(line, "flags", 5) == 0)
                        break;
        if (!f || feof(f) || ferror(f) || !strstr(line, " hypervisor"))
                return false;
        *a = (struct host_advice){
                        .name = "machine",
                        .mend = "treat on a computer of its own; in make vm's machine: exit, then make vm "
                                "VM_FLAGS=--icount",
        };
        (void)snprintf(a->found, sizeof(a->found), "a virtual machine, whose timers are as exact as its host's");
        return true;
}

size_t host_look(struct host_advice ret[static HOST_ADVICE_MAX])
{
        size_t n = 0;

        n += look_at_machine(&ret[n]);
        look_at_kernel(&ret[n++]);
        n += look_at_governor(&ret[n]);
        n += look_at_idle(&ret[n]);
        n += look_at_isolation(&ret[n]);
        n += look_at_clock(&ret[n]);
        return n;
}
