/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A D-Bus client for tests: one connection, commands from standard input, one
 * line of answer each. Being one connection matters: a session belongs to its
 * creator's, and ends with it.
 *
 *   session [SUBJECT]              CreateSession on the only stimulator; its path is $S from then on
 *   session-on N [SUBJECT]         the same on stimulator N
 *   prepare PROTOCOL MT [PERCENT [COIL]]  installed protocol; permille of MSO, permille of the threshold, the coil
 *                                  that this was measured with: figure-8 by default, - not to say it
 *   prepare-file NAME PATH MT      the text of PATH under the name NAME
 *   call OBJECT METHOD [BOOL]      OBJECT: manager, stimulator (the first), or $S
 *   get OBJECT PROPERTY
 *   wait OBJECT PROPERTY VALUE MS  until a string property has that value
 *   sleep MS
 *   synchronise                    as root: tells the kernel that its clock follows a source of time
 *   shell COMMAND...               by system(); its output is dropped
 *
 * Answers: "ok …" or "error NAME MESSAGE". Exits 0 at the end of input.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>
#include <systemd/sd-bus.h>

#define CALL_TIMEOUT_USEC (180ULL * 1000000)
#define SERVICE "org.tmsd1"

static sd_bus *bus;
static char session_path[256] = "/";

static void resolve(const char *object, const char **ret_path, const char **ret_interface)
{
        if (strcmp(object, "manager") == 0) {
                *ret_path = "/org/tmsd1";
                *ret_interface = "org.tmsd1.Manager";
        } else if (strncmp(object, "stimulator", 10) == 0) {
                static char path[64];

                snprintf(path, sizeof(path), "/org/tmsd1/stimulator/%s", object[10] ? object + 10 : "0");
                *ret_path = path;
                *ret_interface = "org.tmsd1.Stimulator";
        } else {
                *ret_path = strcmp(object, "$S") == 0 ? session_path : object;
                *ret_interface = "org.tmsd1.Session";
        }
}

static void print_error(const sd_bus_error *e, int r)
{
        printf("error %s %s\n", e->name ? e->name : "-", e->message ? e->message : strerror(-r));
}

static int new_call(sd_bus_message **ret, const char *object, const char *method)
{
        const char *path, *interface;

        resolve(object, &path, &interface);
        return sd_bus_message_new_method_call(bus, ret, SERVICE, path, interface, method);
}

/* Sends m and prints the outcome; NULL when it failed. */
static sd_bus_message *finish(sd_bus_message *m)
{
        sd_bus_error e = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_call(bus, m, CALL_TIMEOUT_USEC, &e, &reply);
        if (r < 0)
                print_error(&e, r);
        sd_bus_error_free(&e);
        sd_bus_message_unref(m);
        return reply;
}

static void do_session(const char *stimulator, const char *subject)
{
        sd_bus_message *m = NULL, *reply;
        const char *path;

        if (new_call(&m, "manager", "CreateSession") < 0 || sd_bus_message_append(m, "o", stimulator) < 0)
                exit(2);
        if (subject)
                sd_bus_message_append(m, "a{sv}", 1, "subject", "s", subject);
        else
                sd_bus_message_append(m, "a{sv}", 0);
        reply = finish(m);
        if (!reply)
                return;
        if (sd_bus_message_read(reply, "o", &path) >= 0) {
                snprintf(session_path, sizeof(session_path), "%s", path);
                printf("ok %s\n", path);
        }
        sd_bus_message_unref(reply);
}

static void do_prepare(const char *protocol, const char *text, unsigned threshold, unsigned percent, const char *coil)
{
        sd_bus_message *m = NULL, *reply;

        if (new_call(&m, "$S", "Prepare") < 0 || sd_bus_message_append(m, "ss", protocol, text) < 0)
                exit(2);
        sd_bus_message_open_container(m, 'a', "{sv}");
        sd_bus_message_append(m, "{sv}{sv}{sv}", "threshold_permille", "u", threshold, "threshold_kind", "s", "rMT",
                              "percent_permille", "u", percent);
        if (strcmp(coil, "-") != 0)
                sd_bus_message_append(m, "{sv}", "threshold_coil", "s", coil);
        sd_bus_message_close_container(m);
        reply = finish(m);
        if (reply)
                printf("ok prepared\n");
        sd_bus_message_unref(reply);
}

static void do_call(const char *object, const char *method, const char *flag)
{
        sd_bus_message *m = NULL, *reply;

        if (new_call(&m, object, method) < 0)
                exit(2);
        if (flag)
                sd_bus_message_append(m, "b", strcmp(flag, "true") == 0);
        reply = finish(m);
        if (reply)
                printf("ok %s\n", method);
        sd_bus_message_unref(reply);
}

/* The property as text; false after printing an error. */
static bool get_text(const char *object, const char *property, char *buf, size_t size)
{
        sd_bus_error e = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        const char *path, *interface, *contents, *s;
        size_t used = 0;
        char type;
        int r;

        resolve(object, &path, &interface);
        r = sd_bus_call_method(bus, SERVICE, path, "org.freedesktop.DBus.Properties", "Get", &e, &reply, "ss",
                               interface, property);
        if (r < 0) {
                print_error(&e, r);
                sd_bus_error_free(&e);
                return false;
        }
        buf[0] = '\0';
        sd_bus_message_peek_type(reply, &type, &contents);
        sd_bus_message_enter_container(reply, 'v', contents);
        sd_bus_message_peek_type(reply, &type, &contents);
        if (type == 's' || type == 'o') {
                sd_bus_message_read_basic(reply, type, &s);
                snprintf(buf, size, "%s", s);
        } else if (type == 'u' || type == 'i') {
                uint32_t u = 0;

                sd_bus_message_read_basic(reply, type, &u);
                snprintf(buf, size, type == 'u' ? "%u" : "%d", u);
        } else if (type == 't') {
                uint64_t t = 0;

                sd_bus_message_read_basic(reply, type, &t);
                snprintf(buf, size, "%llu", (unsigned long long)t);
        } else if (type == 'a' && strcmp(contents, "s") == 0) {
                sd_bus_message_enter_container(reply, 'a', "s");
                while (sd_bus_message_read_basic(reply, 's', &s) > 0 && used < size)
                        used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? "," : "", s);
        }
        sd_bus_message_unref(reply);
        return true;
}

/* The daemon asks the owner of a running session whether it is alive: the bus is read at all times. */
static void process_bus(void)
{
        while (sd_bus_process(bus, NULL) > 0)
                ;
}

/* Returns when standard input has something, or after ms, -1 for never; meanwhile the bus is read. */
static void wait_for_input(int fd, int ms)
{
        struct pollfd p[2] = {{.fd = sd_bus_get_fd(bus), .events = POLLIN}, {.fd = fd, .events = POLLIN}};
        struct timespec now;
        int64_t end, left = -1;

        clock_gettime(CLOCK_MONOTONIC, &now);
        end = now.tv_sec * 1000 + now.tv_nsec / 1000000 + ms;
        do {
                process_bus();
                clock_gettime(CLOCK_MONOTONIC, &now);
                if (ms >= 0)
                        left = end - (now.tv_sec * 1000 + now.tv_nsec / 1000000);
                if (ms >= 0 && left <= 0)
                        return;
        } while (poll(p, 2, (int)left) >= 0 && !p[1].revents);
}

static void sleep_ms(unsigned ms)
{
        wait_for_input(-1, (int)ms);
}

static void do_wait(const char *object, const char *property, const char *value, unsigned ms)
{
        char buf[1024];
        unsigned waited;

        for (waited = 0;; waited += 50) {
                if (!get_text(object, property, buf, sizeof(buf)))
                        return;
                if (strcmp(buf, value) == 0) {
                        printf("ok %s\n", buf);
                        return;
                }
                if (waited >= ms)
                        break;
                sleep_ms(50);
        }
        printf("error timeout %s is '%s', expected '%s'\n", property, buf, value);
}

static char *slurp(const char *path)
{
        FILE *f = fopen(path, "re");
        char *text = calloc(1, 1 << 20);

        if (!f || !text || (fread(text, 1, (1 << 20) - 1, f) == 0 && ferror(f))) {
                fprintf(stderr, "client: cannot read %s: %s\n", path, strerror(errno));
                exit(2);
        }
        fclose(f);
        return text;
}

int main(void)
{
        char line[1024];
        int r;

        setvbuf(stdout, NULL, _IOLBF, 0);
        r = sd_bus_open_system(&bus);
        if (r < 0) {
                fprintf(stderr, "client: no system bus: %s\n", strerror(-r));
                return 2;
        }
        /* What is read ahead could not be waited for. */
        setvbuf(stdin, NULL, _IONBF, 0);
        while (wait_for_input(STDIN_FILENO, -1), fgets(line, sizeof(line), stdin)) {
                char *word[6] = {NULL};
                char *save = NULL;
                int n = 0;

                if (strncmp(line, "shell ", 6) == 0) {
                        char command[1100];

                        snprintf(command, sizeof(command), "{ %s ; } >/dev/null", strtok_r(line + 6, "\n", &save));
                        printf("ok status %d\n", system(command));
                        continue;
                }
                for (char *w = strtok_r(line, " \n", &save); w && n < 6; w = strtok_r(NULL, " \n", &save))
                        word[n++] = w;
                if (n == 0)
                        continue;
                if (strcmp(word[0], "session") == 0) {
                        do_session("/", word[1]);
                } else if (strcmp(word[0], "session-on") == 0 && n >= 2) {
                        char path[64];

                        snprintf(path, sizeof(path), "/org/tmsd1/stimulator/%.8s", word[1]);
                        do_session(path, word[2]);
                } else if (strcmp(word[0], "synchronise") == 0) {
                        struct timex t = {.modes = ADJ_STATUS | ADJ_MAXERROR, .status = STA_PLL};

                        printf("%s\n", adjtimex(&t) >= 0 ? "ok" : "error - the clock cannot be told so");
                } else if (strcmp(word[0], "prepare") == 0 && n >= 3) {
                        do_prepare(word[1], "", (unsigned)atoi(word[2]), n > 3 ? (unsigned)atoi(word[3]) : 0,
                                   n > 4 ? word[4] : "figure-8");
                } else if (strcmp(word[0], "prepare-file") == 0 && n == 4) {
                        char *text = slurp(word[2]);

                        do_prepare(word[1], text, (unsigned)atoi(word[3]), 0, "figure-8");
                        free(text);
                } else if (strcmp(word[0], "call") == 0 && n >= 3) {
                        do_call(word[1], word[2], word[3]);
                } else if (strcmp(word[0], "get") == 0 && n == 3) {
                        char buf[1024];

                        if (get_text(word[1], word[2], buf, sizeof(buf)))
                                printf("ok %s\n", buf);
                } else if (strcmp(word[0], "wait") == 0 && n == 5) {
                        do_wait(word[1], word[2], word[3], (unsigned)atoi(word[4]));
                } else if (strcmp(word[0], "sleep") == 0 && n == 2) {
                        sleep_ms((unsigned)atoi(word[1]));
                        printf("ok\n");
                } else {
                        fprintf(stderr, "client: unknown command '%s'\n", word[0]);
                        return 2;
                }
        }
        sd_bus_unref(bus);
        return 0;
}
