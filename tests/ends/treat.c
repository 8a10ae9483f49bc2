// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * treat END: treats through the device node, and in mid-train ends the machine that it runs on.
 *
 * Everything that matters is seen from outside, by tests/ends/check. What this says is one line just
 * before the end, with the card model's own time and how far the train was:
 *
 *	mark t_ns=... pulses=... left=... engine=CPU on=CPU
 *
 * and one behind it, if the controller lives and sees the treatment end.
 *
 * The controller keeps the lease for as long as its thread runs: whatever stops the train is not a
 * treatment that was about to end by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kexec.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tms_test.h"

/* A minute at 20 Hz: the end comes after the first ten pulses. */
#define INTERVAL_NS (50 * MS)
#define PULSES 1200
#define PERMILLE 200
#define BEFORE 10

#define NEXT_KERNEL_AT 0x800000UL
#define PAGE 4096UL

/*
 * The next kernel: says on the console that it is there, and then does nothing, least of all to the
 * card. Position-independent, in 64-bit mode, as kexec enters a kernel.
 */
extern const char next_kernel[], next_kernel_end[];
__asm__(".pushsection .rodata\n"
        "next_kernel:\n"
        "	cli\n"
        "	lea	3f(%rip), %rsi\n"
        "1:	mov	$0x3fd, %edx\n"
        "	in	%dx, %al\n"
        "	test	$0x20, %al\n"
        "	jz	1b\n"
        "	mov	(%rsi), %al\n"
        "	inc	%rsi\n"
        "	test	%al, %al\n"
        "	jz	2f\n"
        "	mov	$0x3f8, %edx\n"
        "	out	%al, %dx\n"
        "	jmp	1b\n"
        "2:	hlt\n"
        "	jmp	2b\n"
        "3:	.asciz	\"\\r\\nends: the next kernel is here\\r\\n\"\n"
        "next_kernel_end:\n"
        ".popsection\n");

static void die(const char *what, int r)
{
        printf("treat: %s: %s\n", what, strerror(-r));
        fflush(stdout);
        exit(1);
}

static void must(const char *what, int r)
{
        if (r < 0)
                die(what, r);
}

static int run_on(int cpu)
{
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}

/* --- the ends ------------------------------------------------------------------- */

static int load_next_kernel(unsigned long at, unsigned long flags)
{
        struct kexec_segment segment = {
                        .buf = next_kernel,
                        .bufsz = next_kernel_end - next_kernel,
                        .mem = (void *)at,
                        .memsz = PAGE,
        };

        return syscall(SYS_kexec_load, at, 1UL, &segment, flags) < 0 ? -errno : 0;
}

static int prepare_kexec(void)
{
        return load_next_kernel(NEXT_KERNEL_AT, KEXEC_ARCH_DEFAULT);
}

static int prepare_kdump(void)
{
        FILE *f = fopen("/proc/iomem", "re");
        unsigned long at = 0, from;
        char line[256];

        if (!f)
                return -errno;
        while (fgets(line, sizeof(line), f))
                if (strstr(line, "Crash kernel") && sscanf(line, " %lx-", &from) == 1)
                        at = from;
        fclose(f);
        return at ? load_next_kernel(at, KEXEC_ON_CRASH | KEXEC_ARCH_DEFAULT) : -ENOMEM;
}

static int end_kernel(const char *how)
{
        return write_file("/sys/module/tms_ends/parameters/end", how);
}

static int panic(int engine)
{
        return write_file("/proc/sysrq-trigger", "c");
}

static int oops(int engine)
{
        return end_kernel("oops");
}

static int hang(int engine)
{
        return end_kernel("hang");
}

static int hang_engine(int engine)
{
        char how[32];

        snprintf(how, sizeof(how), "hang=%d", engine);
        return end_kernel(how);
}

static int restart(int engine)
{
        return reboot(RB_AUTOBOOT) < 0 ? -errno : 0;
}

static int halt(int engine)
{
        return reboot(RB_HALT_SYSTEM) < 0 ? -errno : 0;
}

static int kexec(int engine)
{
        return reboot(RB_KEXEC) < 0 ? -errno : 0;
}

static const struct {
        const char *name;
        int (*prepare)(void);
        int (*end)(int engine);
        bool on_engine; /* from the engine's CPU, and not from another one */
} ends[] = {
                /* A CPU that has panicked takes interrupts again, and its timers with them. */
                {"panic", NULL, panic, true},
                {"oops", NULL, oops, false},
                {"kdump", prepare_kdump, panic, true},
                {"hang", NULL, hang, false},
                {"hang-engine", NULL, hang_engine, false},
                {"reboot", NULL, restart, false},
                {"halt", NULL, halt, false},
                {"kexec", prepare_kexec, kexec, false},
};

/* --- the treatment ---------------------------------------------------------------- */

/* Until BEFORE pulses have gone, and one just now. What the host's noise stops, or refuses, is tried again. */
static void treat(struct controller *c, const struct tms_pulse *pulses)
{
        struct tms_resume resume = {.delay_ns = 20 * MS};
        uint64_t from_ns = now_ns();
        struct window w;
        int before, after;

        must("window", window_open(&w, "treat"));
        for (;;) {
                struct tms_status st = status_of(c->fd);

                if (now_ns() - from_ns > 60 * S)
                        die("the train does not run", -ETIMEDOUT);
                if (st.state == TMS_STATE_PAUSED)
                        call(c->fd, TMS_IOC_RESUME, &resume);
                else if (st.state == TMS_STATE_FAULT)
                        call_clear_fault(c->fd);
                else if (st.state == TMS_STATE_IDLE)
                        must("load", controller_load(c, pulses, PULSES));
                else if (st.state == TMS_STATE_LOADED && !controller_arm(c))
                        controller_start(c);
                before = window_pulses(&w);
                sleep_ns(2 * MS);
                after = window_pulses(&w);
                if (after >= BEFORE && after > before && status_of(c->fd).state == TMS_STATE_RUNNING)
                        return;
        }
}

int main(int argc, char *argv[])
{
        static struct tms_pulse pulses[PULSES];
        int r, engine, other, on;
        struct lab_state card;
        struct controller c;
        struct tms_status st;
        size_t i;

        for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
                if (argc == 2 && !strcmp(ends[i].name, argv[1]))
                        break;
        if (i == sizeof(ends) / sizeof(ends[0])) {
                fprintf(stderr, "usage: treat END\n");
                return 2;
        }

        engine = engine_cpu(0);
        must("engine's CPU", engine);
        other = engine ? 0 : 1;
        /* The lease is kept from a CPU that is not the engine's. */
        must("another CPU", run_on(other));
        must("lab", lab_reset());
        must("controller", controller_open(&c));
        c.lateness_ns = MS;
        flat(pulses, PULSES, INTERVAL_NS, PERMILLE, PULSES);
        if (ends[i].prepare)
                must("prepare", ends[i].prepare());

        treat(&c, pulses);
        on = ends[i].on_engine ? engine : other;
        must("CPU", run_on(on));
        st = status_of(c.fd);
        must("query", lab_query(&card));
        printf("mark t_ns=%" PRIu64 " pulses=%" PRIu64 " left=%u engine=%d on=%d state=%s\n", card.t_ns, card.pulses,
               st.pulses - st.next_pulse, engine, on, card.state);
        fflush(stdout);

        r = ends[i].end(engine);
        must("end", r);
        /* Only a part of the machine has ended; the controller goes on, and is to be told. */
        do {
                sleep_ns(10 * MS);
                st = status_of(c.fd);
        } while (st.state == TMS_STATE_RUNNING);
        printf("told state=%u cause=%u\n", st.state, st.cause);
        fflush(stdout);
        for (;;)
                sleep_ns(S);
}
