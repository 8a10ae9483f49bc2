/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ^C, ^Z, a terminal or a reader that goes away; see run.h.
 *
 *  INT TERM QUIT     the session is stopped; again: this program leaves without waiting
 *  HUP               the terminal is closed: stopped
 *  PIPE, a pipe's reader gone, output that cannot be written: stopped
 *  TSTP              the treatment is paused, then this program is suspended;
 *                    while it is being armed: stopped
 *  CONT              the state is asked for and printed, and keys are read again
 *  TTIN TTOU         ignored: in the background it still prints, and reads no keys
 *
 * An inherited disposition, such as that of nohup, makes no difference.
 */
#include <inttypes.h>
#include <signal.h>
#include <sys/epoll.h>

#include "run.h"

/* For the answer to Pause. The kernel pauses before the daemon answers. */
#define SUSPEND_BY_USEC (2 * USEC_PER_S)

/* --- Output that nobody sees -------------------------------------------------------------------- */

#define OUTPUT_LOST "what it shows reaches nobody any more."

void signals_look_output(struct run *u)
{
        if (ferror(stdout))
                run_stop(u, OUTPUT_LOST);
}

static int on_output(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        run_stop(userdata, OUTPUT_LOST);
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

/* --- ^C ------------------------------------------------------------------------------------------ */

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        struct run *u = userdata;
        bool hangup = info->ssi_signo == SIGHUP;

        if (!run_is_over(u)) {
                run_stop(u, hangup ? "its terminal was closed." : NULL);
                return 0;
        }
        /* When a terminal is closed, kernel and shell each send HUP: the second one is ignored. */
        if (hangup)
                return 0;
        /* A second ^C leaves at once. Stop was sent, and Close is, and the daemon pauses the session of a client that leaves. */
        progress_end(&u->progress);
        return run_leave_now(u, u->leaving ? u->status
                                           : fail(STATUS_INCOMPLETE, FAILURE_INTERRUPTED,
                                                  "interrupted; the daemon stops the session by itself; to be sure: "
                                                  "tmsctl session"));
}

/* --- ^Z ------------------------------------------------------------------------------------------ */

/* The kernel does not suspend an orphaned process group, which nobody could continue. This program then goes on. */
static void suspend(struct run *u)
{
        sigset_t set;

        u->suspending = false;
        u->suspend_by = sd_event_source_disable_unref(u->suspend_by);
        progress_end(&u->progress);
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGTSTP);
        (void)raise(SIGTSTP);
        (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static void say_progress(struct run *u, const char *words)
{
        run_say(u, "session %s %s, %" PRIu64 " of %" PRIu64 " pulses delivered", path_id(u->session), words,
                json_get_u64(u->properties, "delivered"), json_get_u64(u->properties, "pulses"));
}

static int on_suspend_by(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct run *u = userdata;

        if (!u->suspending)
                return 0;
        run_stop(u, "it was to be paused for being suspended, and the daemon did not answer.");
        run_say(u, "the daemon did not answer to a pause, and was told to stop; fg shows what it came to");
        suspend(u);
        return 0;
}

static int on_paused(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;
        bool refused = sd_bus_message_get_error(m) && !u->paused;

        if (!u->suspending)
                return 0;
        /* The session was not paused and must not run unseen: it is stopped, and this program is not suspended. */
        if (refused || run_is_over(u)) {
                u->suspending = false;
                run_stop(u, "it was suspended, and could not be paused.");
                return 0;
        }
        say_progress(u, "is paused");
        run_say(u, "fg, then r goes on; tmsctl stop ends it");
        suspend(u);
        return 0;
}

static int on_suspend(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        struct run *u = userdata;
        int r;

        if (u->suspending)
                return 0;
        if (u->arming && !u->started && !run_is_over(u)) {
                run_stop(u, "it was suspended before its first pulse.");
                return 0;
        }
        if (!u->started || run_is_over(u)) {
                suspend(u);
                return 0;
        }
        u->suspending = true;
        r = run_call(u, "Pause", on_paused, "b", 1);
        (void)sd_bus_flush(u->bus);
        if (r >= 0)
                r = sd_event_add_time_relative(u->event, &u->suspend_by, CLOCK_MONOTONIC, SUSPEND_BY_USEC, 0,
                                               on_suspend_by, u);
        if (r < 0) {
                u->suspending = false;
                run_stop(u, "it was suspended, and could not be paused.");
        }
        return 0;
}

/* --- Again in the foreground, or thawed -------------------------------------------------------------- */

static int on_state(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;
        char words[40];

        if (run_is_over(u) || sd_bus_message_get_error(m) || run_read_properties(u, m) < 0)
                return 0;
        run_see(u);
        if (STREQ(run_state(u), STATE_ENDED))
                return run_report(u);
        (void)snprintf(words, sizeof(words), "is %.32s", run_state(u));
        say_progress(u, words);
        if (u->paused)
                run_say(u, "%s", keys_heard(u) ? "r resumes, s stops" : "tmsctl resume goes on, tmsctl stop ends it");
        return 0;
}

static int on_continue(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        struct run *u = userdata;

        progress_end(&u->progress);
        if (run_is_over(u))
                return 0;
        if (u->asking) {
                notices_ask(u);
                return 0;
        }
        keys_begin(u);
        if (u->started && !run_is_over(u))
                (void)run_ask_properties(u, on_state);
        return 0;
}

/* --- Set-up ------------------------------------------------------------------------------------------ */

int signals_watch(struct run *u)
{
        static const struct {
                int signal;
                sd_event_signal_handler_t handler;
        } watched[] = {
                        {SIGINT, on_end}, {SIGTERM, on_end},     {SIGQUIT, on_end},
                        {SIGHUP, on_end}, {SIGTSTP, on_suspend}, {SIGCONT, on_continue},
        };
        static const int ignored[] = {SIGPIPE, SIGTTIN, SIGTTOU};
        sigset_t set;
        size_t i;
        int r;

        (void)sigemptyset(&set);
        for (i = 0; i < ELEMENTS(watched); i++)
                (void)sigaddset(&set, watched[i].signal);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        for (i = 0; i < ELEMENTS(ignored); i++)
                (void)signal(ignored[i], SIG_IGN);
        for (i = 0; i < ELEMENTS(watched); i++) {
                (void)signal(watched[i].signal, SIG_DFL);
                r = sd_event_add_signal(u->event, NULL, watched[i].signal, watched[i].handler, u);
                if (r < 0)
                        return r;
        }
        /* With events 0, errors and hang-ups are still reported. A file has neither; adding it fails. */
        r = sd_event_add_io(u->event, NULL, STDOUT_FILENO, 0, on_output, u);
        return r == -EPERM ? 0 : r;
}
