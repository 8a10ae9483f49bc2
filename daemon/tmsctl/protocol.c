/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A protocol by file or id, and as text for the daemon. */
#include <fcntl.h>

#include "tmsctl.h"

static bool ends_with(const char *s, const char *end)
{
        size_t n = strlen(s), m = strlen(end);

        return n >= m && STREQ(s + n - m, end);
}

bool is_file_name(const char *text)
{
        return strchr(text, '/') || ends_with(text, ".yaml") || ends_with(text, ".yml");
}

struct nearest {
        const char *id;
        char found[96];
        unsigned least;
};

static int look_how_near(const char *path, struct tms_protocol *p, const struct tms_error *error, void *userdata)
{
        struct nearest *n = userdata;
        unsigned d = p ? word_distance(n->id, tms_protocol_id(p)) : SLIP_MAX + 1;

        /* If half of a short id differs, it is another word and not a slip. */
        if (d < n->least && 2 * d < strlen(n->id)) {
                n->least = d;
                (void)snprintf(n->found, sizeof(n->found), "%s", tms_protocol_id(p));
        }
        return 0;
}

int parse_coil(const char *text, const char *option, const char **ret)
{
        const char *name, *near = NULL;
        unsigned d, least = SLIP_MAX + 1;
        char all[128] = "";
        uint32_t type;

        /* Type 0 stands for no coil. */
        for (type = 1; name = tms_coil_name(type), !STREQ(name, "unknown"); type++) {
                if (STREQ(text, name)) {
                        *ret = name;
                        return 0;
                }
                d = word_distance(text, name);
                /* "H9" differs from "H4" in one letter, but that is half of it: no slip. */
                if (d < least && 2 * d < strlen(text)) {
                        least = d;
                        near = name;
                }
                (void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", *all ? ", " : "", name);
        }
        if (near)
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "--%s is '%s', which is no coil; did you mean '%s'?",
                            option, text, near);
        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "--%s is '%s', which is no coil; expected one of %s", option,
                    text, all);
}

int protocol_get(const char *file_or_id, struct tms_protocol **ret)
{
        struct tms_error error = {0};
        int r;

        if (is_file_name(file_or_id))
                r = tms_protocol_load(file_or_id, ret, &error);
        else
                r = tms_protocol_find(file_or_id, ret, &error);
        if (r >= 0)
                return 0;
        /* A user in the folder of the file may have forgotten the "./". */
        if (r == -ENOENT && !is_file_name(file_or_id) && access(file_or_id, F_OK) == 0)
                return -fail(STATUS_BAD_INPUT, FAILURE_NO_SUCH_PROTOCOL,
                             "no installed protocol is called '%s'; for the file write ./%s", file_or_id, file_or_id);
        if (r == -ENOENT && !is_file_name(file_or_id)) {
                struct nearest n = {.id = file_or_id, .least = SLIP_MAX + 1};

                if (tms_protocol_foreach(look_how_near, &n) >= 0 && *n.found)
                        return -fail(STATUS_BAD_INPUT, FAILURE_NO_SUCH_PROTOCOL,
                                     "no installed protocol is called '%s'; did you mean '%s'?", file_or_id, n.found);
        }
        return -fail_tms(STATUS_BAD_INPUT, r == -ENOENT ? FAILURE_NO_SUCH_PROTOCOL : FAILURE_INVALID_PROTOCOL, &error);
}

/* Reads a file of at most TMS_PROTOCOL_SIZE_MAX bytes; a NUL follows that *ret_size does not count. */
static int read_file(const char *path, char **ret, size_t *ret_size)
{
        _cleanup_(freep) char *buf = calloc(1, TMS_PROTOCOL_SIZE_MAX + 2);
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        size_t have = 0;
        ssize_t n;

        if (!buf)
                return -fail_memory();
        if (fd < 0)
                return -fail(STATUS_BAD_INPUT, FAILURE_INVALID_PROTOCOL, "%s: cannot be opened: %s; %s", path,
                             strerror(errno),
                             errno == ENOENT ? "see that the name is right; tmsctl list shows what is installed"
                                             : tms_errno_step(errno));
        while ((n = read(fd, buf + have, TMS_PROTOCOL_SIZE_MAX + 1 - have)) > 0)
                have += (size_t)n;
        if (n < 0)
                return -fail(STATUS_BAD_INPUT, FAILURE_INVALID_PROTOCOL, "%s: cannot be read: %s; %s", path,
                             strerror(errno), tms_errno_step(errno));
        if (have > TMS_PROTOCOL_SIZE_MAX)
                return -fail(STATUS_BAD_INPUT, FAILURE_INVALID_PROTOCOL,
                             "%s: larger than %u KiB, the most that a protocol may be; give a smaller one", path,
                             TMS_PROTOCOL_SIZE_MAX / 1024);
        if (have == 0)
                return -fail(STATUS_BAD_INPUT, FAILURE_INVALID_PROTOCOL, "%s: is empty; expected a protocol in YAML",
                             path);
        *ret = TAKE_PTR(buf);
        *ret_size = have;
        return 0;
}

int protocol_text(const char *path, char **ret)
{
        _cleanup_(tms_protocol_freep) struct tms_protocol *p = NULL;
        _cleanup_(json_decrefp) json_t *text = NULL;
        _cleanup_(freep) char *buf = NULL;
        size_t size = 0;
        int r;

        r = read_file(path, &buf, &size);
        if (r < 0)
                return r;
        text = json_stringn(buf, size);
        if (!text || strlen(buf) != size) {
                /* A file that is not text cannot be sent over the bus. The parser says where the wrong byte is. */
                r = protocol_get(path, &p);
                return r < 0 ? r
                             : -fail(STATUS_BAD_INPUT, FAILURE_INVALID_PROTOCOL,
                                     "%s: is not UTF-8 text; save it as UTF-8", path);
        }
        *ret = TAKE_PTR(buf);
        return 0;
}
