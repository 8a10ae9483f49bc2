/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an export has beside the copy of the log, so that a stranger can verify it: the second verifier, and how to use it and
 * tmsctl.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "audit-verbs.h"

#define VERIFIER "verify_log.py"

int audit_verifier_open(int *ret)
{
        const char *path = getenv("TMS_VERIFIER");

        if (!path || !*path)
                path = "/usr/share/tmsd/" VERIFIER;
        *ret = open(path, O_RDONLY | O_CLOEXEC);
        if (*ret < 0)
                return -fail(STATUS_FAILED, FAILURE_FAILED,
                             "%s: cannot be opened: %s; an export has this verifier in it: install tmsd whole, or set "
                             "TMS_VERIFIER to a copy",
                             path, strerror(errno));
        return 0;
}

static int cannot(const char *name)
{
        return -fail(STATUS_FAILED, FAILURE_FAILED, "%s: cannot be written: %s; %s", name, strerror(errno),
                     tms_errno_step(errno));
}

static int add_verifier(int dir_fd, int from)
{
        _cleanup_(closep) int to = openat(dir_fd, VERIFIER, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        struct stat st;
        off_t at = 0;

        if (to < 0 || fstat(from, &st) < 0)
                return cannot(VERIFIER);
        while (at < st.st_size) {
                if (sendfile(to, from, &at, (size_t)(st.st_size - at)) <= 0)
                        return cannot(VERIFIER);
        }
        return fsync(to) < 0 ? cannot(VERIFIER) : 0;
}

/* Its lines have 80 letters at most, since the reader may have only a terminal. */
static void write_how(FILE *f, const struct tms_audit_report *report, bool sealed)
{
        fprintf(f,
                "# How to verify this copy of an audit log\n"
                "\n"
                "tmsctl %s made it with `tmsctl audit export` and said of it:\n"
                "\n"
                "    %s\n"
                "\n"
                "It has %" PRIu64 " records and %" PRIu64 " seals. Whoever has had this directory\n"
                "may have changed that sentence: verify the copy yourself.\n"
                "\n"
                "## What you need from elsewhere\n"
                "\n"
                "By itself a copy shows only that its parts fit together. Ask the site for\n"
                "one of these, by a way that does not pass through the machine that made the\n"
                "copy:\n"
                "\n"
                "- the fingerprint of key 0, noted when the machine was installed. This copy\n"
                "  begins with the key %s.\n"
                "  It has to be the same; then the log is that machine's.\n"
                "- a seal: the line of a record of the type `seal`, held elsewhere. Everything\n"
                "  before it is then proved, also that nothing was taken away.\n"
                "%s"
                "\n"
                "## With tmsctl\n"
                "\n"
                "On any machine with this version of tmsd or a later one; no daemon has\n"
                "to run:\n"
                "\n"
                "    tmsctl audit verify . --key0 FINGERPRINT --seal FILE\n"
                "    tmsctl audit show --dir .\n"
                "\n"
                "## Without anything of tmsd\n"
                "\n"
                "`verify_log.py` was written from the description of the format alone, and shares\n"
                "nothing with tmsd. It needs Python 3.11 and openssl(1):\n"
                "\n"
                "    python3 verify_log.py --key0 FINGERPRINT --seal FILE .\n"
                "\n"
                "It came with the copy: who could forge one could forge the other. Read it first,\n"
                "or take it from tmsd's source (lib/verify_log.py).\n"
                "\n"
                "## What they say\n"
                "\n"
                "| verdict | exit status | what it means |\n"
                "|---|---|---|\n"
                "| verified | 0 | everything holds, and a seal shows that the end is there |\n"
                "| prefix | 8 | everything holds, but records at the end may be missing |\n"
                "| torn | 9 | the same, up to a last line that a crash has cut |\n"
                "| tampered, lost | 7 | the sentence names the first record that does not hold |\n"
                "| none | 1 | something could not be read |\n"
                "\n"
                "The two have to say the same.\n"
                "\n"
                "## What is here\n"
                "\n"
                "| file | what |\n"
                "|---|---|\n"
                "| `log.jsonl`, `log-NNNNNN.jsonl` | the records, one a line |\n"
                "| `key0.pub` | the first public key; each later one is in the seal before it |\n"
                "| `pulses/` | every pulse of every session, as the kernel gave it |\n"
                "| `protocols/` | every protocol that was ever prepared |\n"
                "| `checkpoints/` | what some seals name; may be missing |\n"
                "| `cut-*.part` | pieces of lines that a crash has left; may be missing |\n"
                "%s"
                "| `VERIFY.md`, `verify_log.py` | no part of the log |\n"
                "\n"
                "The format is described in tms-audit(5), which is lib/AUDIT.md of tmsd's source.\n"
                "No private key is here.\n",
                TMS_VERSION, report->sentence, report->records, report->seals, report->key0_fingerprint,
                sealed ? "\nThe copy was made with a fresh seal, `seal.json`. Keep it apart from the copy: whoever\n"
                         "has it elsewhere can hold this and each later copy against it.\n"
                       : "",
                sealed ? "| `seal.json` | the seal that was made for this copy |\n" : "");
}

static int add_how(int dir_fd, const struct tms_audit_report *report, bool sealed)
{
        const int fd = openat(dir_fd, "VERIFY.md", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
        bool ok;

        if (!f) {
                const int r = cannot("VERIFY.md");

                safe_close(fd);
                return r;
        }
        write_how(f, report, sealed);
        ok = fflush(f) == 0 && fsync(fd) == 0;
        ok = fclose(f) == 0 && ok;
        return ok ? 0 : cannot("VERIFY.md");
}

int audit_bundle(const char *dir, int verifier, const struct tms_audit_report *report, bool sealed)
{
        _cleanup_(closep) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (dir_fd < 0)
                return cannot(dir);
        r = add_verifier(dir_fd, verifier);
        return r < 0 ? r : add_how(dir_fd, report, sealed);
}
