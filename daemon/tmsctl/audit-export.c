/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit export: a bundle of the log and of all that is needed to verify it elsewhere. Whoever is not root gets the log
 * from the daemon, as it is at one moment (audit-place.h). Root copies the directory, without a daemon too: first the
 * pulse files and the log's own files are listed, then the log is copied, then the pulse files. All files of the
 * log but the last one are closed, and one that is begun after the listing is not copied. The daemon may write at
 * the same time: the log of the copy may have half a record at its end, or a session that began after the listing
 * and whose pulse file is missing. So the copy is verified, and made again if it is not good and the log
 * has grown. With --live the daemon first adds a fresh seal, which is the anchor for the next copy.
 */
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "audit-place.h"
#include "audit-verbs.h"
#include "base/directory.h"

/* A log that grows is copied at most this many times. */
#define COPIES_MAX 3

static int fail_copy(const char *name, const char *what)
{
        return -fail(STATUS_FAILED, FAILURE_FAILED, "%s: %s: %s; %s", name, what, strerror(errno),
                     tms_errno_step(errno));
}

/*
 * Copies a regular file at its present length. again: overwrites the copy made before; else there may be none. may_go: that
 * it is not there any more is no failure.
 */
static int copy_file(int from_dir, int to_dir, const char *name, bool again, bool may_go)
{
        _cleanup_(closep) int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        _cleanup_(closep) int to = -1;
        struct stat st;
        off_t left;

        if (from < 0 && errno == ENOENT && may_go)
                return 0;
        if (from < 0 || fstat(from, &st) < 0)
                return fail_copy(name, "cannot be opened");
        if (!S_ISREG(st.st_mode))
                return -fail(STATUS_FAILED, FAILURE_FAILED, "%s: is not a regular file; see: tmsctl audit verify",
                             name);
        to = openat(to_dir, name, O_WRONLY | O_CREAT | (again ? O_TRUNC : O_EXCL) | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (to < 0)
                return fail_copy(name, "cannot be made");
        for (left = st.st_size; left > 0;) {
                ssize_t n = sendfile(to, from, NULL, (size_t)left);

                if (n < 0)
                        return fail_copy(name, "cannot be copied");
                if (n == 0)
                        break;
                left -= n;
        }
        return fsync(to) < 0 ? fail_copy(name, "cannot be written") : 0;
}

struct names {
        char **name;
        size_t n;
};

static void names_clear(struct names *l)
{
        while (l->n > 0)
                free(l->name[--l->n]);
        free(l->name);
}

static int add_name(struct names *l, const char *name)
{
        char **grown = reallocarray(l->name, l->n + 1, sizeof(*grown));

        if (!grown)
                return -fail_memory();
        l->name = grown;
        l->name[l->n] = strdup(name);
        return l->name[l->n++] ? 0 : -fail_memory();
}

/* The names in the directory name that begin with part and end with end, without those that begin with a dot. */
static int list_dir(int from_dir, const char *name, const char *part, const char *end, struct names *ret)
{
        _cleanup_(closedirp) DIR *d = NULL;
        const struct dirent *entry;
        int r;

        r = directory_open(from_dir, name, &d);
        if (r == -ENOMEM)
                return -fail_memory();
        if (r < 0) {
                errno = -r;
                return fail_copy(name, "cannot be opened");
        }
        while (errno = 0, (entry = readdir(d))) {
                const size_t size = strlen(entry->d_name);

                if (entry->d_name[0] == '.' || strncmp(entry->d_name, part, strlen(part)) != 0 || size < strlen(end) ||
                    !STREQ(entry->d_name + size - strlen(end), end))
                        continue;
                r = add_name(ret, entry->d_name);
                if (r < 0)
                        return r;
        }
        return errno ? fail_copy(name, "cannot be read") : 0;
}

static int copy_names(int from_dir, int to_dir, const char *name, const struct names *names, bool again)
{
        _cleanup_(closep) int from = -1, to = -1;
        size_t i;
        int r;

        from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (from < 0)
                return fail_copy(name, "cannot be opened");
        if (!STREQ(name, ".") && mkdirat(to_dir, name, 0700) < 0 && !(again && errno == EEXIST))
                return fail_copy(name, "cannot be made");
        to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (to < 0)
                return fail_copy(name, "cannot be opened");
        for (i = 0; i < names->n; i++) {
                r = copy_file(from, to, names->name[i], again, STREQ(name, "checkpoints"));
                if (r < 0)
                        return r;
        }
        return 0;
}

/* An older daemon has written none, and a newer one takes old ones away at any time. */
static int copy_checkpoints(int from_dir, int to_dir, struct names *names, bool again)
{
        int r;

        if (faccessat(from_dir, "checkpoints", F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
                return 0;
        r = list_dir(from_dir, "checkpoints", "", ".json", names);
        return r < 0 ? r : copy_names(from_dir, to_dir, "checkpoints", names, again);
}

static int copy_log(const char *from, const char *to, bool again)
{
        _cleanup_(closep) int from_dir = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC), to_dir = -1;
        _cleanup_(names_clear) struct names pulses = {0}, protocols = {0}, checkpoints = {0}, cut = {0}, log = {0};
        int r;

        if (from_dir < 0)
                return fail_copy(from, "the audit directory cannot be opened");
        if (!again && mkdir(to, 0700) < 0)
                return fail_copy(to, "cannot be made");
        to_dir = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (to_dir < 0)
                return fail_copy(to, "cannot be opened");
        r = list_dir(from_dir, "pulses", "", "", &pulses);
        if (r >= 0)
                r = list_dir(from_dir, ".", "log", ".jsonl", &log);
        if (r >= 0)
                r = copy_names(from_dir, to_dir, ".", &log, again);
        if (r >= 0)
                r = copy_file(from_dir, to_dir, "key0.pub", again, false);
        if (r >= 0)
                r = copy_names(from_dir, to_dir, "pulses", &pulses, again);
        if (r >= 0)
                r = list_dir(from_dir, "protocols", "", "", &protocols);
        if (r >= 0)
                r = copy_names(from_dir, to_dir, "protocols", &protocols, again);
        if (r >= 0)
                r = copy_checkpoints(from_dir, to_dir, &checkpoints, again);
        if (r >= 0)
                r = list_dir(from_dir, ".", "cut-", "", &cut);
        return r < 0 ? r : copy_names(from_dir, to_dir, ".", &cut, again);
}

/* The size of all files of the log in dir; 0 if it cannot be asked for. */
static off_t log_size(const char *dir)
{
        _cleanup_(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(closedirp) DIR *d = NULL;
        const struct dirent *entry;
        struct stat st;
        off_t sum = 0;

        if (fd < 0 || directory_open(fd, ".", &d) < 0)
                return 0;
        while ((entry = readdir(d))) {
                if (strncmp(entry->d_name, "log", 3) == 0 && fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                        sum += st.st_size;
        }
        return sum;
}

static int verify_copy(const char *to, const struct tms_audit_anchor *anchor, struct tms_audit_report *ret_report)
{
        struct tms_error error = {0};
        int r;

        r = tms_audit_verify(to, anchor, ret_report, &error);
        return r < 0 ? -fail_tms(r == -EINVAL ? STATUS_BAD_INPUT : STATUS_FAILED, FAILURE_FAILED, &error) : 0;
}

/* Copies until a copy verifies, or until the log did not grow during a copy. */
static int copy_whole(const char *from, const char *to, const struct tms_audit_anchor *anchor,
                      struct tms_audit_report *ret_report)
{
        off_t before;
        int i, r;

        for (i = 1;; i++) {
                before = log_size(from);
                r = copy_log(from, to, i > 1);
                if (r < 0)
                        return r;
                r = verify_copy(to, anchor, ret_report);
                if (r < 0)
                        return r;
                if (ret_report->result == TMS_AUDIT_VERIFIED || ret_report->result == TMS_AUDIT_PREFIX ||
                    i == COPIES_MAX || log_size(from) == before)
                        return 0;
        }
}

static int write_seal(const char *dir, const char *line)
{
        char path[4096];
        FILE *f;
        bool ok;

        if ((size_t)snprintf(path, sizeof(path), "%s/seal.json", dir) >= sizeof(path))
                return -fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "'%.64s…' is too long a name; give a shorter one",
                             dir);
        f = fopen(path, "wxe");
        if (!f)
                return fail_copy(path, "cannot be made");
        ok = fprintf(f, "%s\n", line) > 0;
        ok = fclose(f) == 0 && ok;
        return ok ? 0 : fail_copy(path, "cannot be written");
}

int verb_audit_export(int argc, char **argv)
{
        _cleanup_(freep) char *seal = NULL;
        struct tms_audit_anchor anchor = {.key0_fingerprint = opt.key0};
        struct tms_audit_report report;
        _cleanup_(closep) int verifier = -1;
        char nonce[NONCE_TEXT];
        int r;

        r = audit_verifier_open(&verifier);
        if (r < 0)
                return -r;
        if (opt.live) {
                r = audit_fresh_seal(nonce, &seal);
                if (r < 0)
                        return -r;
                anchor.seal = seal;
                anchor.nonce = nonce;
        }
        if (audit_place_is_daemons(opt.dir)) {
                r = audit_copy_to(argv[0]);
                if (r >= 0)
                        r = verify_copy(argv[0], &anchor, &report);
        } else {
                r = copy_whole(opt.dir ? opt.dir : AUDIT_DIR, argv[0], &anchor, &report);
        }
        if (r >= 0 && seal)
                r = write_seal(argv[0], seal);
        if (r >= 0)
                r = audit_bundle(argv[0], verifier, &report, seal);
        return r < 0 ? -r : audit_print_report(&report);
}
