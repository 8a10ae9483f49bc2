// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No false alarm: logs that are being written are verified all the time, while records are appended, keys change and
 * segments are closed. Each verdict has to be that of a log without an anchor.
 *
 *   alarms COUNT EVERY AUDIT DIR VERIFY_LOG
 *
 * AUDIT: the maker of logs, which writes one after the other below DIR, with EVERY as it takes it, until there have been
 * COUNT verdicts. The second verifier is asked for every 64th.
 */
#include "tms.h"

#include <err.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVERY_SECOND 64
#define PAUSE_US "300"

static uint64_t verdicts, alarms, records;

static pid_t begin_writer(const char *maker, const char *dir, const char *every)
{
        pid_t pid = fork();

        if (pid < 0)
                err(1, "fork");
        if (pid == 0) {
                execl(maker, maker, "live", dir, "day", "16", every, PAUSE_US, NULL);
                _exit(127);
        }
        return pid;
}

/* Has it gone? Then it has not failed. */
static bool ended(pid_t pid)
{
        int status;
        pid_t p = waitpid(pid, &status, WNOHANG);

        if (p < 0 || (p == pid && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)))
                errx(1, "the maker of logs has failed");
        return p == pid;
}

static void say(const char *who, const char *what)
{
        alarms++;
        printf("not ok - verdict %llu: %s: %s\n", (unsigned long long)verdicts, who, what);
        fflush(stdout);
}

static void ask_library(const char *audit)
{
        struct tms_audit_report report;
        struct tms_error error = {0};
        char text[1200];

        if (tms_audit_verify(audit, NULL, &report, &error) < 0)
                say("the library", tms_error_format(&error, text, sizeof(text)));
        else if (report.result != TMS_AUDIT_PREFIX)
                say("the library", report.sentence);
        else
                records += report.records;
        verdicts++;
}

static void ask_second(const char *script, const char *audit)
{
        char command[1200], line[2000] = "";
        FILE *f;

        snprintf(command, sizeof(command), "python3 -B '%s' '%s'", script, audit);
        f = popen(command, "re");
        if (!f || !fgets(line, sizeof(line), f) || !strstr(line, ": prefix: "))
                say("the second", line);
        if (f)
                pclose(f);
}

/* One log, from its first record to its end. */
static void watch(const char *maker, const char *dir, const char *every, const char *script, uint64_t count)
{
        char audit[600], log[600];
        struct stat st;
        pid_t pid = begin_writer(maker, dir, every);
        bool over = false;

        snprintf(audit, sizeof(audit), "%s/audit", dir);
        snprintf(log, sizeof(log), "%s/audit/log.jsonl", dir);
        while (!over && (stat(log, &st) < 0 || st.st_size == 0)) {
                usleep(1000);
                over = ended(pid);
        }
        while (!over && verdicts < count) {
                if (verdicts % EVERY_SECOND == 0)
                        ask_second(script, audit);
                ask_library(audit);
                over = ended(pid);
        }
        if (!over) {
                kill(pid, SIGKILL);
                waitpid(pid, NULL, 0);
        }
}

int main(int argc, char **argv)
{
        char dir[512], command[600];
        uint64_t count;

        if (argc != 6)
                errx(2, "usage: alarms COUNT EVERY AUDIT DIR VERIFY_LOG");
        count = strtoull(argv[1], NULL, 10);
        for (unsigned i = 0; verdicts < count && alarms < 20; i++) {
                snprintf(dir, sizeof(dir), "%s/%u", argv[4], i);
                watch(argv[3], dir, argv[2], argv[5], count);
                snprintf(command, sizeof(command), "rm -rf '%s'", dir);
                if (system(command) != 0)
                        errx(1, "%s", command);
        }
        printf("alarms: %llu verdicts on logs of %llu records on average while they were written\n",
               (unsigned long long)verdicts, (unsigned long long)(verdicts > 0 ? records / verdicts : 0));
        printf("alarms: %u passed, %llu failed\n", alarms == 0 && verdicts > 0, (unsigned long long)alarms);
        return alarms > 0 || verdicts == 0;
}
