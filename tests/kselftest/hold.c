// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hold.h"
#include "tms_test.h"

#define PAGE 4096
/* The verifier wants an end, and not too many ways out: the clock is read sixteen times for each. */
#define LOOPS 4000

#define INSN(c, d, s, o, i)                                                         \
        {                                                                           \
                .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) \
        }
#define GET(d, member) INSN(BPF_LDX | BPF_MEM | BPF_DW, d, BPF_REG_6, offsetof(struct hold_window, member), 0)
#define SET(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define COPY(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define CLOCK INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ktime_get_ns)
/* Past @o instructions if so. */
#define IF(op, d, s, o) INSN(BPF_JMP | (op) | BPF_X, d, s, o, 0)
#define IF_NUMBER(op, d, i, o) INSN(BPF_JMP | (op) | BPF_K, d, 0, o, i)

static int load(int map)
{
        const struct bpf_insn program[] = {
                        /* r6: the window */
                        INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_6, BPF_PSEUDO_MAP_VALUE, 0, map),
                        INSN(0, 0, 0, 0, 0),
                        GET(BPF_REG_7, from_ns),
                        IF_NUMBER(BPF_JEQ, BPF_REG_7, 0, 31),
                        CLOCK,
                        IF(BPF_JLT, BPF_REG_0, BPF_REG_7, 29),
                        GET(BPF_REG_7, to_ns),
                        IF(BPF_JGE, BPF_REG_0, BPF_REG_7, 27),
                        /* r7: the later of the two ends */
                        GET(BPF_REG_7, until_ns),
                        GET(BPF_REG_8, delay_ns),
                        INSN(BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_8, BPF_REG_0, 0, 0),
                        IF(BPF_JGE, BPF_REG_7, BPF_REG_8, 1),
                        COPY(BPF_REG_7, BPF_REG_8),
                        SET(BPF_REG_8, 0),
                        CLOCK,
                        CLOCK,
                        CLOCK,
                        CLOCK,
                        CLOCK,
                        CLOCK,
                        CLOCK,
                        CLOCK,
                        CLOCK,
                        CLOCK,
                        CLOCK,
                        CLOCK,
                        CLOCK,
                        CLOCK,
                        CLOCK,
                        CLOCK,
                        IF(BPF_JGE, BPF_REG_0, BPF_REG_7, 2),
                        INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_8, 0, 0, 1),
                        IF_NUMBER(BPF_JLT, BPF_REG_8, LOOPS, -19),
                        SET(BPF_REG_1, 1),
                        INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_6, BPF_REG_1, offsetof(struct hold_window, count),
                             BPF_ADD),
                        SET(BPF_REG_0, 0),
                        INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
        };
        static char why[8192];
        union bpf_attr a = {
                        .prog_type = BPF_PROG_TYPE_TRACEPOINT,
                        .insns = (uintptr_t)program,
                        .insn_cnt = ELEMENTSOF(program),
                        .license = (uintptr_t) "GPL",
        };
        int fd = syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a)), r = -errno;

        if (fd >= 0)
                return fd;
        a.log_buf = (uintptr_t)why;
        a.log_size = sizeof(why);
        a.log_level = 1;
        syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a));
        fprintf(stderr, "# hold: the kernel does not take the program: %s\n%s", strerror(-r), why);
        return r;
}

static int make_map(struct hold *h)
{
        union bpf_attr a = {
                        .map_type = BPF_MAP_TYPE_ARRAY,
                        .key_size = sizeof(uint32_t),
                        .value_size = sizeof(struct hold_window),
                        .max_entries = 1,
                        .map_flags = BPF_F_MMAPABLE,
        };

        h->map = syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a));
        if (h->map < 0)
                return -errno;
        h->window = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, h->map, 0);
        if (h->window == MAP_FAILED) {
                h->window = NULL;
                return -errno;
        }
        return 0;
}

static int attach(struct hold *h, const char *tracepoint, int cpu)
{
        struct perf_event_attr a = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof(a), .sample_period = 1};
        char text[32];
        int r = read_text(text, sizeof(text), "%s/events/%s/id", TRACING, tracepoint);

        if (r)
                return r;
        a.config = strtoull(text, NULL, 10);
        h->event = syscall(SYS_perf_event_open, &a, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
        if (h->event < 0)
                return -errno;
        if (ioctl(h->event, PERF_EVENT_IOC_SET_BPF, h->program) < 0)
                return -errno;
        return ioctl(h->event, PERF_EVENT_IOC_ENABLE, 0) < 0 ? -errno : 0;
}

int hold_open(struct hold *h, const char *tracepoint, int cpu)
{
        int r;

        *h = (struct hold){.map = -1, .program = -1, .event = -1};
        r = mount_tracing();
        r = r ? r : make_map(h);
        if (!r)
                r = h->program = load(h->map);
        if (r >= 0)
                r = attach(h, tracepoint, cpu);
        if (r)
                hold_close(h);
        return r;
}

void hold_close(struct hold *h)
{
        if (h->event >= 0)
                close(h->event);
        if (h->program >= 0)
                close(h->program);
        if (h->window)
                munmap(h->window, PAGE);
        if (h->map >= 0)
                close(h->map);
        *h = (struct hold){.map = -1, .program = -1, .event = -1};
}

/* The program looks at @from_ns first: it is gone while the rest changes. */
static void set_window(struct hold *h, const struct hold_window *w)
{
        __atomic_store_n(&h->window->from_ns, 0, __ATOMIC_SEQ_CST);
        h->window->to_ns = w->to_ns;
        h->window->until_ns = w->until_ns;
        h->window->delay_ns = w->delay_ns;
        __atomic_store_n(&h->window->from_ns, w->from_ns, __ATOMIC_SEQ_CST);
}

void hold_until(struct hold *h, uint64_t from_ns, uint64_t to_ns, uint64_t until_ns)
{
        set_window(h, &(struct hold_window){.from_ns = from_ns, .to_ns = to_ns, .until_ns = until_ns});
}

void hold_each(struct hold *h, uint64_t from_ns, uint64_t to_ns, uint64_t delay_ns)
{
        set_window(h, &(struct hold_window){.from_ns = from_ns, .to_ns = to_ns, .delay_ns = delay_ns});
}

void hold_off(struct hold *h)
{
        set_window(h, &(struct hold_window){});
}
