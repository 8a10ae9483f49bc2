/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU as a child with two socket pairs: qtest and QMP. Both are lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine.h"

#define LINE_MAX_BYTES 65536
#define ARGS_MAX 64

static const char *program(void)
{
        const char *p = getenv("TMS_QEMU");

        if (!p || !*p)
                fail_msg("TMS_QEMU is not set: expected the path that tests/vm/build-qemu prints");
        return p;
}

static char rom[] = "/tmp/tms-model-rom-XXXXXX";

static void remove_rom(void)
{
        unlink(rom);
}

/* QEMU wants a ROM to start a PC, though nothing will run in it. */
static void blank_rom(void)
{
        static bool made;
        int fd;

        if (!made) {
                fd = mkstemp(rom);
                assert_true(fd >= 0);
                assert_int_equal(ftruncate(fd, 65536), 0);
                close(fd);
                atexit(remove_rom);
                made = true;
        }
}

/* In the child, where cmocka must not be called: it would run the other tests once more. */
static void run(const char *qemu, const char *const argv[], const char *qtest, const char *qmp)
{
        const char *args[ARGS_MAX] = {
                        qemu,
                        "-machine",
                        "q35,accel=qtest",
                        "-nodefaults",
                        /* PCIe's own hot-plug, not the ACPI one that QEMU prefers */
                        "-global",
                        "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
                        "-global",
                        "apic-common.vapic=off",
                        "-display",
                        "none",
                        "-bios",
                        rom,
                        "-qtest-log",
                        "none",
                        "-chardev",
                        qtest,
                        "-qtest",
                        "chardev:qtest",
                        "-chardev",
                        qmp,
                        "-mon",
                        "chardev=qmp,mode=control",
        };
        size_t n = 0;

        while (args[n])
                n++;
        for (size_t i = 0; argv[i] && n < ARGS_MAX - 1; i++)
                args[n++] = argv[i];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execv(args[0], (char *const *)args);
        fprintf(stderr, "%s: %m\n", args[0]);
        _exit(127);
}

static pid_t spawn(const char *const argv[], int *ret_qtest, int *ret_qmp, int err)
{
        static const struct timeval patience = {.tv_sec = 120};
        const char *qemu = program();
        int qtest[2], qmp[2];
        char a[64], b[64];
        pid_t pid;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, qtest), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, qmp), 0);
        /* A QEMU that hangs is a failure, not a wait. */
        setsockopt(qtest[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        setsockopt(qmp[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        snprintf(a, sizeof(a), "socket,id=qtest,fd=%d", qtest[1]);
        snprintf(b, sizeof(b), "socket,id=qmp,fd=%d", qmp[1]);
        blank_rom();
        fflush(NULL);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                close(qtest[0]);
                close(qmp[0]);
                if (err >= 0)
                        dup2(err, STDERR_FILENO);
                run(qemu, argv, a, b);
        }
        close(qtest[1]);
        close(qmp[1]);
        *ret_qtest = qtest[0];
        *ret_qmp = qmp[0];
        return pid;
}

/* The next line, without its end, into m->buffer. */
static char *read_line(struct machine *m, int fd)
{
        size_t n = 0;

        for (;;) {
                assert_true(n < LINE_MAX_BYTES - 1);
                if (read(fd, m->buffer + n, 1) != 1)
                        fail_msg("QEMU does not answer: %s", strerror(errno));
                if (m->buffer[n] == '\n')
                        break;
                n++;
        }
        m->buffer[n] = 0;
        return m->buffer;
}

static void write_all(int fd, const char *text)
{
        size_t n = strlen(text);

        if (send(fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
                fail_msg("QEMU does not listen: %s", strerror(errno));
}

/* One qtest command; what follows OK. */
__attribute__((format(printf, 2, 3))) static char *ask(struct machine *m, const char *format, ...)
{
        char command[256], *line;
        va_list ap;

        va_start(ap, format);
        vsnprintf(command, sizeof(command), format, ap);
        va_end(ap);
        write_all(m->qtest, command);
        line = read_line(m, m->qtest);
        if (strncmp(line, "OK", 2) != 0)
                fail_msg("qtest: %s -> %s", command, line);
        return line + 2;
}

void machine_start(struct machine *m, const char *const argv[])
{
        char *text;

        m->buffer = malloc(LINE_MAX_BYTES);
        assert_non_null(m->buffer);
        m->pid = spawn(argv, &m->qtest, &m->qmp, -1);
        read_line(m, m->qmp);
        assert_true(machine_qmp(m, "{\"execute\":\"qmp_capabilities\"}", &text));
        free(text);
}

/* Waits for its end. */
static int reap(struct machine *m)
{
        int status;

        assert_int_equal(waitpid(m->pid, &status, 0), m->pid);
        close(m->qtest);
        close(m->qmp);
        free(m->buffer);
        return status;
}

void machine_stop(struct machine *m)
{
        char *text;
        int status;

        assert_true(machine_qmp(m, "{\"execute\":\"quit\"}", &text));
        free(text);
        status = reap(m);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void machine_kill(struct machine *m)
{
        assert_int_equal(kill(m->pid, SIGKILL), 0);
        reap(m);
}

char *machine_complaint(const char *const argv[], int *ret_status)
{
        char *text = calloc(1, LINE_MAX_BYTES);
        int qtest, qmp, err[2], status;
        size_t n = 0;
        ssize_t k;
        pid_t pid;

        assert_non_null(text);
        assert_int_equal(pipe2(err, O_CLOEXEC), 0);
        pid = spawn(argv, &qtest, &qmp, err[1]);
        close(err[1]);
        /* One that starts after all ends when its monitor is told to. */
        write_all(qmp, "{\"execute\":\"qmp_capabilities\"}{\"execute\":\"quit\"}");
        while (n < LINE_MAX_BYTES - 1 && (k = read(err[0], text + n, LINE_MAX_BYTES - 1 - n)) > 0)
                n += k;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        close(err[0]);
        close(qtest);
        close(qmp);
        *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        return text;
}

uint64_t machine_step(struct machine *m, uint64_t ns)
{
        return strtoull(ask(m, "clock_step %" PRIu64 "\n", ns), NULL, 0);
}

uint64_t machine_now_ns(struct machine *m)
{
        return strtoull(ask(m, "clock_set 0\n"), NULL, 0);
}

static char letter(unsigned size)
{
        return size == 1 ? 'b' : size == 2 ? 'w' : size == 4 ? 'l' : 'q';
}

uint64_t machine_read(struct machine *m, uint64_t address, unsigned size)
{
        return strtoull(ask(m, "read%c 0x%" PRIx64 "\n", letter(size), address), NULL, 0);
}

void machine_write(struct machine *m, uint64_t address, uint64_t value, unsigned size)
{
        ask(m, "write%c 0x%" PRIx64 " 0x%" PRIx64 "\n", letter(size), address, value);
}

void machine_batch(struct machine *m, const char *lines, unsigned n)
{
        write_all(m->qtest, lines);
        while (n-- > 0) {
                const char *line = read_line(m, m->qtest);

                if (strncmp(line, "OK", 2) != 0)
                        fail_msg("qtest: %s", line);
        }
}

uint8_t machine_inb(struct machine *m, uint16_t port)
{
        return strtoul(ask(m, "inb 0x%x\n", port), NULL, 0);
}

void machine_out(struct machine *m, uint16_t port, uint32_t value, unsigned size)
{
        ask(m, "out%c 0x%x 0x%x\n", letter(size), port, value);
}

bool machine_qmp(struct machine *m, const char *line, char **ret_text)
{
        /* In one piece: "quit" is obeyed before a newline that comes after it is read. */
        write_all(m->qmp, line);
        for (;;) {
                char *answer = read_line(m, m->qmp);

                if (strncmp(answer, "{\"return\"", 9) != 0 && strncmp(answer, "{\"error\"", 8) != 0)
                        continue; /* an event */
                *ret_text = strdup(answer);
                assert_non_null(*ret_text);
                return answer[2] == 'r';
        }
}
