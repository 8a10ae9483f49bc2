/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A private system bus with a polkit; see fake-bus.h. */
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "scratch.h"

static pid_t bus_pid, polkit_pid;
/* Shared with polkit's process. */
static struct {
        atomic_int says, asked, cancelled;
} * polkit;

static const char config[] = "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
                             " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
                             "<busconfig><type>system</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>\n"
                             "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\n"
                             "<allow send_destination=\"*\"/><allow receive_sender=\"*\"/></policy></busconfig>\n";

static pid_t spawn(void)
{
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        return pid;
}

static int on_check(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *kind, *action;
        sd_bus_message *reply;
        int says;

        atomic_fetch_add(&polkit->asked, 1);
        while ((says = atomic_load(&polkit->says)) == POLKIT_SILENT)
                usleep(1000);
        if (sd_bus_message_enter_container(m, 'r', "sa{sv}") < 0 || sd_bus_message_read(m, "s", &kind) < 0 ||
            strcmp(kind, "system-bus-name") != 0 || sd_bus_message_skip(m, "a{sv}") < 0 ||
            sd_bus_message_exit_container(m) < 0 || sd_bus_message_read(m, "s", &action) < 0 ||
            strncmp(action, "org.tmsd1.", 10) != 0)
                return sd_bus_error_set_const(error, "org.freedesktop.PolicyKit1.Error.Failed",
                                              "not as polkit wants it");
        if (says == POLKIT_ERROR)
                return sd_bus_error_set_const(error, "org.freedesktop.PolicyKit1.Error.Failed", "as the test wants it");
        if (sd_bus_message_new_method_return(m, &reply) < 0)
                return -1;
        (void)sd_bus_message_append(reply, "(bba{ss})", says == POLKIT_YES, says == POLKIT_CHALLENGE, 0);
        (void)sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return 1;
}

static int on_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        atomic_fetch_add(&polkit->cancelled, 1);
        return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable polkit_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", on_check,
                              SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("CancelCheckAuthorization", "s", "", on_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_VTABLE_END,
};

static void polkit_main(void)
{
        sd_bus *bus = fake_bus_connect();

        if (sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/PolicyKit1/Authority",
                                     "org.freedesktop.PolicyKit1.Authority", polkit_vtable, NULL) < 0 ||
            sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0) < 0)
                _exit(1);
        for (;;) {
                if (sd_bus_process(bus, NULL) == 0)
                        (void)sd_bus_wait(bus, UINT64_MAX);
        }
}

void fake_bus_wait_for(const char *name)
{
        sd_bus *bus = fake_bus_connect();
        int i, owned = 0;

        for (i = 0; i < 1000 && !owned; i++) {
                sd_bus_message *reply = NULL;

                if (sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                       "NameHasOwner", NULL, &reply, "s", name) >= 0)
                        (void)sd_bus_message_read(reply, "b", &owned);
                sd_bus_message_unref(reply);
                usleep(10000);
        }
        sd_bus_flush_close_unref(bus);
        assert_true(owned);
}

void fake_bus_start(const char *dir)
{
        char text[2048], path[512];
        int i;

        (void)snprintf(text, sizeof(text), config, dir);
        scratch_write(dir, "bus.conf", text, strlen(text));
        (void)snprintf(path, sizeof(path), "unix:path=%s/bus", dir);
        (void)setenv("DBUS_SYSTEM_BUS_ADDRESS", path, 1);
        (void)snprintf(path, sizeof(path), "--config-file=%s/bus.conf", dir);
        bus_pid = spawn();
        if (bus_pid == 0) {
                (void)execlp("dbus-daemon", "dbus-daemon", "--nofork", path, (char *)NULL);
                _exit(127);
        }
        for (i = 0; i < 500 && !scratch_exists(dir, "bus"); i++)
                usleep(10000);
        polkit = mmap(NULL, sizeof(*polkit), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(polkit != MAP_FAILED);
        polkit_pid = spawn();
        if (polkit_pid == 0)
                polkit_main();
        fake_bus_wait_for("org.freedesktop.PolicyKit1");
}

static void end(pid_t *pid)
{
        if (*pid > 0) {
                (void)kill(*pid, SIGKILL);
                (void)waitpid(*pid, NULL, 0);
        }
        *pid = 0;
}

void fake_bus_kill(void)
{
        end(&bus_pid);
}

void fake_bus_stop(void)
{
        end(&polkit_pid);
        end(&bus_pid);
        (void)munmap(polkit, sizeof(*polkit));
}

void fake_polkit_say(enum fake_polkit what)
{
        atomic_store(&polkit->says, (int)what);
}

unsigned fake_polkit_cancelled(void)
{
        return (unsigned)atomic_load(&polkit->cancelled);
}

unsigned fake_polkit_asked(void)
{
        return (unsigned)atomic_load(&polkit->asked);
}

sd_bus *fake_bus_connect(void)
{
        sd_bus *bus = NULL;
        int i, r = -1;

        for (i = 0; i < 500 && r < 0; i++) {
                r = sd_bus_open_system(&bus);
                if (r < 0)
                        usleep(10000);
        }
        assert_true(r >= 0);
        return bus;
}
