/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the audit verbs read the log; see audit-place.h. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "audit-place.h"
#include "audit-verbs.h"

/* What ends a program that does not ask for it. */
static const int ends[] = {SIGHUP, SIGINT, SIGPIPE, SIGTERM};
/* The directory that goes with the program; one at a time. */
static char *going;

/* Only what may be called in a signal's handler; rm(1) because to read a directory may not. */
static void remove_going(void)
{
        const pid_t pid = going ? _Fork() : -1;

        if (pid == 0) {
                execl("/bin/rm", "rm", "-rf", "--", going, (char *)NULL);
                _exit(1);
        }
        while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
}

static void on_end(int sig)
{
        remove_going();
        (void)signal(sig, SIG_DFL);
        (void)raise(sig);
}

/* What is ignored, as by nohup(1), goes on to be ignored. */
static void watch_ends(void)
{
        struct sigaction before, action = {.sa_handler = on_end, .sa_flags = SA_NODEFER};
        size_t i;

        for (i = 0; i < ELEMENTS(ends); i++)
                if (sigaction(ends[i], NULL, &before) >= 0 && before.sa_handler == SIG_DFL)
                        (void)sigaction(ends[i], &action, NULL);
}

static int fail_dir(const char *dir, const char *what)
{
        return -fail(STATUS_FAILED, FAILURE_FAILED, "%s: cannot be %s: %s; %s", dir, what, strerror(errno),
                     tms_errno_step(errno));
}

static int open_audit(int *ret)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r, fd;

        r = bus_open(&bus);
        if (r < 0)
                return r;
        r = sd_bus_call_method(bus, BUS_NAME, MANAGER_PATH, MANAGER_INTERFACE, "OpenAudit", &error, &reply, NULL);
        if (r < 0 && error.name && STREQ(error.name, error_bus_name(ERROR_NOT_AUTHORIZED)))
                return -fail(STATUS_FAILED, error_name(ERROR_NOT_AUTHORIZED),
                             "you may not read the audit log; have an administrator put you into the group tms-auditor "
                             "(usermod -aG tms-auditor NAME), or run this as root");
        if (r >= 0)
                r = sd_bus_message_read(reply, "h", &fd);
        if (r >= 0) {
                *ret = fcntl(fd, F_DUPFD_CLOEXEC, 3);
                r = *ret < 0 ? -errno : 0;
        }
        return r < 0 ? -bus_fail(sd_bus_error_is_set(&error) ? &error : NULL, r) : 0;
}

static int unpack_to(const char *dir, int fd, bool all, bool sync)
{
        _cleanup_(closep) int to = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

        return to < 0 ? fail_dir(dir, "opened") : audit_unpack(fd, to, all, sync);
}

int audit_copy_to(const char *dir)
{
        _cleanup_(closep) int fd = -1;
        int r;

        r = open_audit(&fd);
        if (r < 0)
                return r;
        return mkdir(dir, 0700) < 0 ? fail_dir(dir, "made") : unpack_to(dir, fd, true, true);
}

bool audit_place_is_daemons(const char *given)
{
        return !given && geteuid() != 0;
}

int audit_place_open(struct audit_place *p, const char *given, bool all)
{
        _cleanup_(closep) int fd = -1;
        const char *in = getenv("TMPDIR");
        int r;

        *p = (struct audit_place){.dir = given ? given : AUDIT_DIR};
        if (!audit_place_is_daemons(given))
                return 0;
        r = open_audit(&fd);
        if (r < 0)
                return r;
        /* A log may be larger than memory, which /tmp may be in. */
        if (asprintf(&p->temporary, "%s/tmsctl-audit-XXXXXX", in && *in ? in : "/var/tmp") < 0) {
                p->temporary = NULL;
                return -fail_memory();
        }
        if (!mkdtemp(p->temporary)) {
                r = fail_dir(in && *in ? in : "/var/tmp", "written to");
                free(p->temporary);
                p->temporary = NULL;
                return r;
        }
        p->dir = going = p->temporary;
        watch_ends();
        return unpack_to(p->dir, fd, all, false);
}

void audit_place_close(struct audit_place *p)
{
        if (!p->temporary)
                return;
        remove_going();
        going = NULL;
        free(p->temporary);
        p->temporary = NULL;
}
