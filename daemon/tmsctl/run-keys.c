/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines that are typed while it runs; see run.h. Only an empty line fires a
 * pulse, only a pulse that waits for the operator, and only one line for each
 * wait. A line that stops or pauses always counts, even one that was typed
 * before. For any other line this program says what is possible. It does not
 * read input that is no terminal: nothing in a pipe or a file fires a pulse.
 */
#include <poll.h>
#include <sys/epoll.h>

#include "run.h"

static bool is_word(const char *line, const char *const *words)
{
        for (; *words; words++)
                if (strcasecmp(line, *words) == 0)
                        return true;
        return false;
}

static const char *const stop_words[] = {"s", "stop", "q", "quit", NULL};
static const char *const pause_words[] = {"p", "pause", NULL};
static const char *const resume_words[] = {"r", "resume", NULL};

/* --- What a line does -------------------------------------------------------------------------- */

/* Prints why a call was refused. The session goes on. */
static int say_refusal(struct run *u, sd_bus_message *m)
{
        const sd_bus_error *e = sd_bus_message_get_error(m);

        if (!e || run_is_over(u))
                return 0;
        if (!sd_bus_is_open(u->bus))
                return run_bus_lost(u);
        progress_end(&u->progress);
        note("%s", e->message ? e->message : e->name);
        return 0;
}

static int on_gone_on(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;

        /* Nothing was fired, so the pulse still waits, and the next empty line counts. */
        if (sd_bus_message_get_error(m) && u->waited && !run_is_over(u)) {
                u->waits = true;
                keys_begin(u);
        }
        return say_refusal(u, m);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        return say_refusal(userdata, m);
}

static void say_what_is_possible(struct run *u)
{
        if (u->waits)
                run_say(u, "no pulse was fired: Enter alone lets it go, s stops, p pauses");
        else if (u->paused)
                run_say(u, "nothing was done: r resumes, s stops");
        else
                run_say(u, "nothing was done: s stops, p pauses at once");
}

/* Fires the pulse that waits. No other line fires one until there is a new wait, or this call is refused. */
static void let_go(struct run *u)
{
        u->waits = run_call(u, "Go", on_gone_on, "u", 0) < 0;
}

static char *trim(char *s)
{
        size_t n;

        s += strspn(s, " \t\r");
        for (n = strlen(s); n > 0 && strchr(" \t\r", s[n - 1]); n--)
                s[n - 1] = '\0';
        return s;
}

/* line has no line feed. stale: it was ended before the present wait or pause began. */
static void see_line(struct run *u, char *line, bool stale)
{
        bool empty = !*line;

        line = trim(line);
        if (run_is_over(u))
                return;
        if (is_word(line, stop_words))
                run_stop(u, NULL);
        else if (is_word(line, pause_words))
                (void)run_call(u, "Pause", on_answer, "b", 1);
        else if (stale)
                return;
        else if (empty && u->waits)
                let_go(u);
        else if (is_word(line, resume_words) && u->paused)
                (void)run_call(u, "Resume", on_answer, NULL);
        else if (!empty || u->paused)
                say_what_is_possible(u);
}

/* --- Lines out of what is read ------------------------------------------------------------------- */

/* Of a line that is too long the end is dropped. It does not become empty, so that it fires nothing. */
static void take(struct run *u, const char *bytes, size_t n, bool stale)
{
        size_t i;

        for (i = 0; i < n; i++) {
                if (bytes[i] != '\n') {
                        /* A NUL would end the line, and what follows it would be ignored. */
                        if (u->line_size < sizeof(u->line) - 1)
                                u->line[u->line_size++] = bytes[i] ? bytes[i] : '?';
                        continue;
                }
                u->line[u->line_size] = '\0';
                u->line_size = 0;
                see_line(u, u->line, stale);
        }
}

bool keys_heard(const struct run *u)
{
        return u->typed && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static bool is_readable(int fd)
{
        struct pollfd p = {.fd = fd, .events = POLLIN};

        return poll(&p, 1, 0) > 0;
}

static void end_of_input(struct run *u)
{
        (void)sd_event_source_set_enabled(u->typed, SD_EVENT_OFF);
        run_stop(u, "the terminal has ended its input.");
}

static int on_typed(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct run *u = userdata;
        char typed[RUN_LINE];
        ssize_t n;

        /* keys_begin() may have read the input after the loop polled. read() would then wait for more. */
        if (!is_readable(fd))
                return 0;
        n = read(fd, typed, sizeof(typed));
        if (u->asking) {
                u->answered(u, typed, n);
                return 0;
        }
        if (n > 0) {
                take(u, typed, (size_t)n, false);
                return 0;
        }
        /* In the background the input belongs to another program, until this one is in the foreground again. */
        if (n < 0 && !(revents & EPOLLHUP) && !keys_heard(u))
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);
        end_of_input(u);
        return 0;
}

void keys_begin(struct run *u)
{
        char typed[RUN_LINE];
        ssize_t n = 1;

        while (keys_heard(u) && n > 0 && is_readable(STDIN_FILENO)) {
                n = read(STDIN_FILENO, typed, sizeof(typed));
                if (n > 0)
                        take(u, typed, (size_t)n, true);
                else if (n == 0)
                        end_of_input(u);
        }
        keys_again(u);
}

void keys_again(struct run *u)
{
        u->progress.asks = keys_heard(u);
        if (u->progress.asks && !run_is_over(u))
                (void)sd_event_source_set_enabled(u->typed, SD_EVENT_ON);
}

int keys_listen(struct run *u)
{
        return sd_event_add_io(u->event, &u->typed, STDIN_FILENO, EPOLLIN, on_typed, u);
}

/* --- What there is to answer ---------------------------------------------------------------------- */

/* For each leg the operator has to move the coil: says where. */
static void say_leg(struct run *u)
{
        uint64_t train = json_get_u64(u->properties, "train"), first = 0;
        size_t legs = u->p ? tms_protocol_legs(u->p) : 0, i;
        struct tms_readings t;

        for (i = 0; legs > 1 && i < legs && tms_protocol_readings(u->p, i, &t) >= 0; first += t.trains, i++) {
                if (first != train)
                        continue;
                run_say(u, "leg %zu of %zu, %s: %s", i + 1, legs, tms_protocol_leg_name(u->p, i),
                        tms_protocol_leg_target(u->p, i));
                return;
        }
}

void run_see(struct run *u)
{
        bool paused = STREQ(run_state(u), STATE_PAUSED),
             waits = !paused && STREQ(json_get_str(u->properties, "waiting"), WAITS_OPERATOR);
        const char *discharged = json_get_str(u->properties, "break");

        if (waits != u->waited || paused != u->paused) {
                u->waits = waits && (u->waits || !u->waited);
                u->paused = paused;
                keys_begin(u);
        }
        if (waits && !u->waited)
                say_leg(u);
        u->waited = waits;
        if (!STREQ(discharged, u->discharged)) {
                (void)snprintf(u->discharged, sizeof(u->discharged), "%s", discharged);
                if (*discharged)
                        run_say(u, "%s", discharged);
        }
}
