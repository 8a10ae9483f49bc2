// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "tms_test.h"

#define LAB_PORT_WRITE 0x5d0
#define LAB_PORT_READ 0x5d1
#define WINDOWS "/out/windows.tsv"
#define PATIENCE_NS (300 * S)

/* --- the card model -------------------------------------------------------------- */

static int lab_talk(const char *line, char *reply, size_t size)
{
        int fd = open("/dev/port", O_RDWR | O_CLOEXEC), r = 0;
        size_t n = 0;

        if (fd < 0)
                return -errno;
        for (size_t i = 0; i <= strlen(line) && !r; i++)
                if (pwrite(fd, line[i] ? &line[i] : "\n", 1, LAB_PORT_WRITE) != 1)
                        r = -errno;
        for (; !r && n < size - 1; n++) {
                if (pread(fd, &reply[n], 1, LAB_PORT_READ) != 1)
                        r = -errno;
                if (reply[n] == (char)0xff)
                        r = -ENODEV;
                if (!reply[n])
                        break;
        }
        reply[n] = 0;
        close(fd);
        if (!r && strncmp(reply, "ok", 2)) {
                fprintf(stderr, "# lab: %s: %s\n", line, reply);
                r = -EINVAL;
        }
        return r;
}

int lab(const char *format, ...)
{
        char line[512], reply[4096];
        va_list ap;

        va_start(ap, format);
        vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        return lab_talk(line, reply, sizeof(reply));
}

int lab_state_parse(const char *reply, struct lab_state *ret)
{
        if (sscanf(reply,
                   "ok t_ns=%" SCNu64 " card_ns=%*u pulses=%" SCNu64 " odometer=%" SCNu64
                   " state=%15s latch=%x open=%x",
                   &ret->t_ns, &ret->pulses, &ret->odometer, ret->state, &ret->latch, &ret->open) != 6)
                return -EPROTO;
        return 0;
}

int lab_query_card(unsigned int card, struct lab_state *ret)
{
        char line[64], reply[4096];
        int r;

        snprintf(line, sizeof(line), "card=%u query", card);
        r = lab_talk(line, reply, sizeof(reply));
        if (r)
                return r;
        return lab_state_parse(reply, ret);
}

int64_t lab_reads(const char *reg)
{
        char reply[4096], key[64];
        const char *at;
        int r = lab_talk("counts", reply, sizeof(reply));

        if (r)
                return r;
        snprintf(key, sizeof(key), "\"%s\":{\"reads\":", reg);
        at = strstr(reply, key);
        return at ? strtoll(at + strlen(key), NULL, 10) : 0;
}

int lab_query(struct lab_state *ret)
{
        return lab_query_card(0, ret);
}

int lab_reset(void)
{
        return lab("clear; insert; release=arm_key; release=footswitch; heat=22000; board_temp=35000; "
                   "close=estop; close=patient_stop; close=coil_absent; close=coil_hot; close=contact_lost; "
                   "close=cover_open; close=hv_fault; close=overcurrent");
}

/* --- windows ------------------------------------------------------------------------ */

int window_open_card(struct window *w, const char *name, unsigned int card)
{
        struct lab_state q;
        int r = lab_query_card(card, &q);

        if (!r)
                *w = (struct window){.name = name, .card = card, .from_ns = q.t_ns, .pulses = q.pulses};
        return r;
}

int window_open(struct window *w, const char *name)
{
        return window_open_card(w, name, 0);
}

int window_close(struct window *w, unsigned int pulses, int refused)
{
        char line[256], many[16] = "any", strong[16] = "any";
        struct lab_state q;
        int fd, n, r = lab_query_card(w->card, &q);

        if (r)
                return r;
        if (refused >= 0)
                snprintf(many, sizeof(many), "%d", refused);
        if (w->permille)
                snprintf(strong, sizeof(strong), "%u", w->permille);
        n = snprintf(line, sizeof(line), "%u\t%" PRIu64 "\t%" PRIu64 "\t%u\t%s\t%s\t%s\t%s\n", w->card, w->from_ns,
                     q.t_ns, pulses, many, w->detail ? w->detail : "any", strong, w->name);
        fd = open(WINDOWS, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        r = write(fd, line, n) == n ? 0 : -EIO;
        close(fd);
        return r;
}

int window_pulses(const struct window *w)
{
        struct lab_state q;
        int r = lab_query_card(w->card, &q);

        return r ? r : (int)(q.pulses - w->pulses);
}

/* --- calls ---------------------------------------------------------------------------- */

/* A card that goes away meanwhile has no serial number. */
static uint64_t class_serial(const char *class)
{
        char text[32];

        return read_text(text, sizeof(text), "%s/serial", class) ? 0 : strtoull(text, NULL, 16);
}

static int class_of(unsigned int card, char *ret, size_t size)
{
        int r = -ENOENT;
        glob_t g;

        if (!glob("/sys/class/tms/tms*", 0, NULL, &g))
                for (size_t i = 0; i < g.gl_pathc && r == -ENOENT; i++)
                        if (class_serial(g.gl_pathv[i]) == FIRST_SERIAL + card)
                                r = snprintf(ret, size, "%s", g.gl_pathv[i]) < (int)size ? 0 : -ENAMETOOLONG;
        globfree(&g);
        return r;
}

static int path_of(unsigned int card, char *ret, size_t size)
{
        char class[256];
        int r = class_of(card, class, sizeof(class));

        if (r)
                return r;
        snprintf(ret, size, "/dev%s", strrchr(class, '/'));
        return access(ret, F_OK) ? -errno : 0;
}

int node_class(char *ret, size_t size)
{
        return class_of(0, ret, size);
}

int node_path(char *ret, size_t size)
{
        return path_of(0, ret, size);
}

int node_open_card(unsigned int card, int flags)
{
        char path[256];
        int r = path_of(card, path, sizeof(path)), fd;

        if (r)
                return r;
        fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

int node_open(int flags)
{
        return node_open_card(0, flags);
}

int write_file(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

        if (fd < 0)
                return -errno;
        if (write(fd, text, strlen(text)) < 0)
                r = -errno;
        close(fd);
        return r;
}

int read_text(char *ret, size_t size, const char *format, ...)
{
        char path[512];
        va_list ap;
        ssize_t n;
        int fd, r;

        va_start(ap, format);
        vsnprintf(path, sizeof(path), format, ap);
        va_end(ap);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = read(fd, ret, size - 1);
        r = n < 0 ? -errno : 0;
        close(fd);
        if (r)
                return r;
        ret[n] = 0;
        ret[strcspn(ret, "\n")] = 0;
        return 0;
}

int mount_tracing(void)
{
        if (access(TRACING "/events", F_OK) == 0)
                return 0;
        return mount("tracefs", TRACING, "tracefs", 0, NULL) ? -errno : 0;
}

int set_parameter(const char *name, unsigned int value)
{
        char path[128], text[16];

        snprintf(path, sizeof(path), "/sys/module/tms/parameters/%s", name);
        snprintf(text, sizeof(text), "%u", value);
        return write_file(path, text);
}

int64_t parameter(const char *name)
{
        char text[32];
        int r = read_text(text, sizeof(text), "/sys/module/tms/parameters/%s", name);

        return r ? r : strtoll(text, NULL, 10);
}

int rebind(void)
{
        char address[64];
        int r = card_address(address, sizeof(address));

        r = r ? r : write_file("/sys/bus/pci/drivers/tms/unbind", address);
        r = r ? r : write_file("/sys/bus/pci/drivers/tms/bind", address);
        return r ? r : wait_node(true);
}

int card_address(char *ret, size_t size)
{
        return address_of(0, ret, size);
}

int address_of(unsigned int card, char *ret, size_t size)
{
        char class[256], link[300], path[PATH_MAX];
        const char *slash;
        int r = class_of(card, class, sizeof(class));
        ssize_t n;

        if (r)
                return r;
        snprintf(link, sizeof(link), "%s/device", class);
        n = readlink(link, path, sizeof(path) - 1);
        if (n < 0)
                return -errno;
        path[n] = 0;
        slash = strrchr(path, '/');
        return snprintf(ret, size, "%s", slash ? slash + 1 : path) < (int)size ? 0 : -ENAMETOOLONG;
}

int engine_cpu(unsigned int card)
{
        char class[256], text[16];
        int r = class_of(card, class, sizeof(class));

        r = r ? r : read_text(text, sizeof(text), "%s/engine_cpu", class);
        return r ? r : atoi(text);
}

int call_disarm(int fd)
{
        struct tms_disarm arg = {};

        return call(fd, TMS_IOC_DISARM, &arg);
}

int call_clear_fault(int fd)
{
        struct tms_clear_fault arg = {};

        return call(fd, TMS_IOC_CLEAR_FAULT, &arg);
}

int call(int fd, unsigned long cmd, const void *arg)
{
        return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

struct tms_status status_of(int fd)
{
        struct tms_status st = {.state = UINT32_MAX};

        if (call(fd, TMS_IOC_STATUS, &st))
                st.state = UINT32_MAX;
        return st;
}

struct tms_info info_of(int fd)
{
        struct tms_info info = {};

        call(fd, TMS_IOC_INFO, &info);
        return info;
}

/* On a kernel that looks over its own shoulder at every step: what is exact elsewhere is not here. */
bool slow(void)
{
        return getenv("TMS_TEST_SLOW");
}

uint64_t error_bound_ns(void)
{
        return slow() ? MS : 1000;
}

uint64_t now_ns(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec * S + ts.tv_nsec;
}

void sleep_ns(uint64_t ns)
{
        struct timespec ts = {ns / S, ns % S};

        while (nanosleep(&ts, &ts) && errno == EINTR)
                ;
}

/* Finely at first, when it may be that the moment counts. */
static bool wait_a_little(uint64_t from_ns)
{
        uint64_t waited_ns = now_ns() - from_ns;

        sleep_ns(waited_ns < 2 * S ? MS : 20 * MS);
        return waited_ns < PATIENCE_NS;
}

int wait_state(int fd, uint32_t state)
{
        uint64_t from_ns = now_ns();

        while (status_of(fd).state != state) {
                if (!wait_a_little(from_ns)) {
                        fprintf(stderr, "# state %u, not %u; cause %u\n", status_of(fd).state, state,
                                status_of(fd).cause);
                        return -ETIMEDOUT;
                }
        }
        return 0;
}

int wait_fired(int fd, uint32_t fired)
{
        uint64_t from_ns = now_ns();

        while (status_of(fd).fired < fired)
                if (!wait_a_little(from_ns))
                        return -ETIMEDOUT;
        return 0;
}

int wait_node(bool there)
{
        uint64_t from_ns = now_ns();
        char path[256];

        while (there != !node_path(path, sizeof(path)))
                if (!wait_a_little(from_ns))
                        return -ETIMEDOUT;
        return 0;
}

struct tms_limits wide_limits(void)
{
        return (struct tms_limits){
                        .max_permille = 1000,
                        .max_pulses = PULSES_MAX,
                        .max_pulses_per_s = 1000,
                        .max_duration_ns = DURATION_MAX_NS,
        };
}

void flat(struct tms_pulse *pulses, uint32_t count, uint64_t interval_ns, uint16_t permille, uint32_t per_train)
{
        for (uint32_t i = 0; i < count; i++)
                pulses[i] = (struct tms_pulse){
                                .t_ns = i * interval_ns,
                                .intensity_permille = permille,
                                .flags = (i + 1) % per_train == 0 || i + 1 == count ? TRAIN : BURST,
                                .train = i / per_train,
                };
}

/* --- the machine ---------------------------------------------------------------------- */

int clear_trace(void)
{
        int fd = open(TRACING "/trace", O_WRONLY | O_TRUNC | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        close(fd);
        return 0;
}

/* Sets a bit in the PCI configuration of the card, or (@up) of the port above it. */
static int config_set(const char *up, off_t at, uint16_t bit)
{
        char class[256], path[300];
        uint16_t word;
        int r = node_class(class, sizeof(class)), fd;

        if (r)
                return r;
        snprintf(path, sizeof(path), "%s/device/%sconfig", class, up);
        fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (pread(fd, &word, sizeof(word), at) != sizeof(word))
                r = -EIO;
        word |= bit;
        if (!r && pwrite(fd, &word, sizeof(word), at) != sizeof(word))
                r = -EIO;
        close(fd);
        return r;
}

int report_errors(void)
{
        int r = config_set("", 0x04, 0x0100);

        r = r ? r : config_set("../", 0x04, 0x0100);
        return r ? r : config_set("../", 0x3e, 0x0002);
}

int nap(const char *how)
{
        /* It would spin for five seconds at the bottom. */
        int r = write_file("/sys/module/suspend/parameters/pm_test_delay", "0"), back;

        r = r ? r : write_file("/sys/power/pm_test", "devices");
        r = r ? r : write_file("/sys/power/state", how);
        back = write_file("/sys/power/pm_test", "none");
        return r ? r : back;
}
