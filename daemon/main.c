/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tmsd: the daemon. Sets the loop up, runs it, takes it down. */
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "config.h"
#include "manager.h"

#define STATE_DIR "/var/lib/tmsd"
#define RUN_DIR "/run/tmsd"

/* As systemd has them: the administrator's, those until the next boot, the site's and the distribution's packages'. */
static const char *const standard_dirs[] = {"/etc/tmsd", "/run/tmsd", "/usr/local/lib/tmsd", "/usr/lib/tmsd", NULL};

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        manager_stop(userdata, ENDING_SHUTDOWN, EXIT_SUCCESS);
        return 0;
}

/* The service manager names the directory that it made; by hand there is the usual one. */
static int open_state(int *ret)
{
        const char *dir = getenv("STATE_DIRECTORY");
        int fd;

        if (!dir)
                dir = STATE_DIR;
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return log_error_errno(-errno, "make it and give it to tmsd, or begin by systemctl start tmsd", "%s",
                                       dir);
        *ret = fd;
        return 0;
}

/*
 * A page that had to come back from the disk would make the loop wait for it. Each further arena of malloc's is 64 MB
 * of addresses, which would be locked with the rest: the threads share one.
 */
static void stay_in_memory(void)
{
        (void)mallopt(M_ARENA_MAX, 1);
        if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
                log_info("memory cannot be locked: %s; give tmsd LimitMEMLOCK=infinity, as its unit does",
                         strerror(errno));
}

static int set_signals(sd_event *event, struct manager *m)
{
        int r;

        r = sd_event_add_signal(event, NULL, SIGTERM, on_signal, m);
        return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, on_signal, m);
}

static int run(const char *const *config_dirs)
{
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(manager_freep) struct manager *m = NULL;
        _cleanup_(closep) int state_fd = -1;
        struct config config;
        sigset_t mask;
        int r;

        r = config_load(config_dirs, &config);
        if (r < 0)
                return r;
        r = open_state(&state_fd);
        if (r < 0)
                return r;
        /* Before there is a thread, so that only the loop ever gets them. */
        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGTERM);
        (void)sigaddset(&mask, SIGINT);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;
        r = sd_event_default(&event);
        if (r < 0)
                return log_error_errno(r, NULL, "no event loop");
        stay_in_memory();
        r = log_begin();
        if (r < 0)
                return log_error_errno(r, NULL, "no thread for the journal");
        r = manager_new(event, &config, state_fd, &m);
        if (r < 0)
                return r;
        r = set_signals(event, m);
        if (r >= 0)
                r = manager_renew_by(m, RUN_DIR);
        if (r >= 0)
                r = sd_event_set_watchdog(event, true);
        if (r < 0)
                return log_error_errno(r, NULL, "the event loop cannot be set up");
        r = manager_start(m);
        if (r < 0)
                return r;
        return sd_event_loop(event);
}

static int usage(FILE *f, int status)
{
        (void)fprintf(f, "tmsd [--config=DIRECTORY] [--check-config] [--help] [--version]\n\n"
                         "The daemon that controls transcranial magnetic stimulators; see tmsd(8).\n"
                         "It is started by systemd; tmsctl(1) talks to it.\n");
        return status;
}

int main(int argc, char *argv[])
{
        static const struct option options[] = {
                        {"config", required_argument, NULL, 'c'},
                        {"check-config", no_argument, NULL, 'k'},
                        {"help", no_argument, NULL, 'h'},
                        {"version", no_argument, NULL, 'v'},
                        {0},
        };
        const char *own_dirs[] = {NULL, NULL};
        const char *const *config_dirs = standard_dirs;
        bool check = false;
        int c, r;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                switch (c) {
                case 'c':
                        own_dirs[0] = optarg;
                        config_dirs = own_dirs;
                        break;
                case 'k':
                        check = true;
                        break;
                case 'h':
                        return usage(stdout, EXIT_SUCCESS);
                case 'v':
                        (void)printf("tmsd %s\n", TMS_VERSION);
                        return EXIT_SUCCESS;
                default:
                        return EXIT_FAILURE;
                }
        }
        if (optind < argc) {
                (void)fprintf(stderr, "tmsd: unexpected argument '%s'; tmsd takes options only, see tmsd --help\n",
                              argv[optind]);
                return EXIT_FAILURE;
        }
        if (check)
                return config_check(config_dirs, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        r = run(config_dirs);
        log_end();
        return r < 0 ? EXIT_FAILURE : r;
}
