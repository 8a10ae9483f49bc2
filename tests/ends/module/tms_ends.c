// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ends the kernel that it is loaded into, for the test machine only. What is written to the
 * parameter "end" says how:
 *
 *	hang        every CPU loops for ever with interrupts off
 *	hang=N      only CPU N does
 *	oops        a bad access in a hard interrupt, on the CPU that writes
 *
 * A CPU that hangs first says so on the console, with the card model's own time: nothing that
 * needs this CPU can happen after it.
 */
#include <linux/atomic.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/smp.h>
#include <linux/string.h>

#define LAB_PORT_WRITE 0x5d0
#define LAB_PORT_READ 0x5d1

static atomic_t to_come;

/* What the card model answers to "query" begins with its time: "ok t_ns=123 ...". */
static void tell(void)
{
        static const char question[] = "query\n";
        static char answer[1024];
        size_t i;

        for (i = 0; question[i]; i++)
                outb(question[i], LAB_PORT_WRITE);
        for (i = 0; i < sizeof(answer) - 1; i++) {
                answer[i] = inb(LAB_PORT_READ);
                if (!answer[i])
                        break;
        }
        pr_emerg("tms_ends: hung: %.40s\n", answer);
}

static void hang(void *unused)
{
        if (atomic_dec_and_test(&to_come))
                tell();
        for (;;)
                cpu_relax();
}

static void oops(struct irq_work *work)
{
        static int *volatile nowhere;

        *nowhere = 1;
}

static struct irq_work oops_work = IRQ_WORK_INIT_HARD(oops);

static int set_end(const char *text, const struct kernel_param *param)
{
        unsigned int cpu;

        if (sysfs_streq(text, "hang")) {
                atomic_set(&to_come, num_online_cpus());
                on_each_cpu(hang, NULL, false);
                return 0;
        }
        if (sscanf(text, "hang=%u", &cpu) == 1) {
                atomic_set(&to_come, 1);
                return smp_call_function_single(cpu, hang, NULL, false);
        }
        if (sysfs_streq(text, "oops")) {
                irq_work_queue(&oops_work);
                return 0;
        }
        return -EINVAL;
}

static const struct kernel_param_ops end_ops = {.set = set_end};
module_param_cb(end, &end_ops, NULL, 0200);
MODULE_PARM_DESC(end, "how this kernel ends: hang, hang=CPU, oops");

MODULE_DESCRIPTION("Hangs or crashes the test machine");
MODULE_LICENSE("GPL");
