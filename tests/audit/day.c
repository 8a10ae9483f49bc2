// SPDX-License-Identifier: GPL-2.0-or-later
/* The log of a day: see day.h. */
#include "day.h"

#include "lib/audit/merkle.h"
#include "tests/bench/made-log.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct day day;
static EVP_PKEY *present_key;
static unsigned present_number; /* of that key, as log and keys/ have it */

/* --- Its files ------------------------------------------------------------------------ */

static const char *path_of(const char *name)
{
        static char path[2][1024];
        static unsigned i; /* the last two are valid */

        i ^= 1;
        snprintf(path[i], sizeof(path[i]), "%s/%s", day.dir, name);
        return path[i];
}

static bool load_segment(unsigned n)
{
        struct stat st;
        FILE *f;

        if (n == 0)
                strcpy(day.segment[n].name, "log.jsonl");
        else
                snprintf(day.segment[n].name, sizeof(day.segment[n].name), "log-%06u.jsonl", n);
        f = fopen(path_of(day.segment[n].name), "re");
        if (!f)
                return false;
        made_must(fstat(fileno(f), &st) == 0, day.segment[n].name);
        day.segment[n].size = (size_t)st.st_size;
        day.segment[n].text = malloc(day.segment[n].size + 1);
        made_must(day.segment[n].text && fread(day.segment[n].text, 1, day.segment[n].size, f) == day.segment[n].size,
                  day.segment[n].name);
        day.segment[n].text[day.segment[n].size] = '\0';
        fclose(f);
        return true;
}

void day_load(const char *base)
{
        unsigned seals = 0;
        char name[64];
        FILE *f;

        snprintf(day.dir, sizeof(day.dir), "%s/audit", base);
        for (; day.segments < DAY_SEGMENTS && load_segment(day.segments); day.segments++) {
                unsigned n = day.segments;

                day.segment[n].first = day.lines;
                day.size += day.segment[n].size;
                for (char *s = day.segment[n].text, *end; (end = strchr(s, '\n')); s = end + 1) {
                        day.line = realloc(day.line, (day.lines + 1) * sizeof(*day.line));
                        made_must(day.line, "lines");
                        day.line[day.lines] = (struct day_line){s, (size_t)(end - s), n};
                        seals += day_is(day.lines++, "seal");
                }
        }
        if (day.lines < 4)
                errx(1, "no log in %s", day.dir);
        day.format = strstr(day.line[0].text, "\"format\":2") ? 2 : 1;
        present_number = seals;
        snprintf(name, sizeof(name), "../keys/%u.pem", seals);
        f = fopen(path_of(name), "re");
        made_must(f, name);
        present_key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
        fclose(f);
        if (!present_key)
                errx(1, "no key in %s", name);
}

void day_put(unsigned segment, const char *text, size_t size)
{
        int fd = open(path_of(day.segment[segment].name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        made_must(fd >= 0 && write(fd, text, size) == (ssize_t)size && close(fd) == 0, "log");
}

static void remove_from(unsigned segment)
{
        for (; segment < day.segments; segment++)
                made_must(unlink(path_of(day.segment[segment].name)) == 0 || errno == ENOENT, "log");
}

void day_put_lines(const struct day_line *line, size_t lines)
{
        static char *text;
        unsigned segment = 0;
        size_t size = 0;

        if (!text)
                text = malloc(2 * day.size + (1 << 20));
        made_must(text, "log");
        for (size_t i = 0; i < lines; i++) {
                memcpy(text + size, line[i].text, line[i].size);
                size += line[i].size;
                text[size++] = '\n';
                if (i + 1 == lines || line[i + 1].segment != segment) {
                        day_put(segment, text, size);
                        segment++;
                        size = 0;
                }
        }
        remove_from(segment);
}

void day_cut(size_t size)
{
        unsigned n = 0;

        for (; n + 1 < day.segments && size >= day.segment[n].size; n++)
                size -= day.segment[n].size;
        /* A segment that has not begun has no file. */
        if (n > 0 && size == 0)
                remove_from(n);
        else
                made_must(truncate(path_of(day.segment[n].name), (off_t)size) == 0, "log");
        remove_from(n + 1);
}

void day_poke(unsigned segment, size_t offset, char byte)
{
        int fd = open(path_of(day.segment[segment].name), O_WRONLY | O_CLOEXEC);

        made_must(fd >= 0 && pwrite(fd, &byte, 1, (off_t)offset) == 1 && close(fd) == 0, "log");
}

void day_restore(void)
{
        for (unsigned n = 0; n < day.segments; n++)
                day_put(n, day.segment[n].text, day.segment[n].size);
}

/* --- Its lines ------------------------------------------------------------------------ */

unsigned day_segment_of(size_t byte, size_t *ret_offset)
{
        unsigned n = 0;

        for (; byte >= day.segment[n].size; n++)
                byte -= day.segment[n].size;
        *ret_offset = byte;
        return n;
}

size_t day_line_of(size_t byte)
{
        size_t i = 0;

        for (; byte > day.line[i].size; i++)
                byte -= day.line[i].size + 1;
        return i;
}

bool day_is(size_t line, const char *type)
{
        char text[80];

        snprintf(text, sizeof(text), "\"type\":\"%s\",", type);
        return memmem(day.line[line].text, day.line[line].size, text, strlen(text)) != NULL;
}

size_t day_seal_from(size_t line)
{
        while (!day_is(line, "seal"))
                line++;
        return line;
}

/* --- Somebody with the present key -------------------------------------------------------- */

/* The value of a text member, whose digits are to be written over. */
static char *value_of(char *line, const char *key, size_t size)
{
        char text[40];
        char *s;

        snprintf(text, sizeof(text), "\"%s\":\"", key);
        s = memmem(line, size, text, strlen(text));
        if (!s)
                errx(1, "a record without %s", key);
        return s + strlen(text);
}

static void sign_again(char *line, size_t *size, bool announced, struct tms_merkle *tree)
{
        static char text[1 << 14];
        unsigned char raw[64];
        size_t raw_size = sizeof(raw), text_size;
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        char *sig = value_of(line, "sig", *size);

        if (!announced) {
                made_must(EVP_PKEY_get_raw_public_key(present_key, raw, &raw_size) == 1, "key");
                made_hex(raw, 32, text);
                memcpy(value_of(line, "public", *size), text, 64);
        }
        if (day.format == 2) {
                made_must(tms_merkle_root(NULL, tree, raw) == 0, "root");
                made_hex(raw, 32, text);
                memcpy(value_of(line, "root", *size), text, 64);
                text_size = (size_t)snprintf(text, sizeof(text), "tmsd-seal-2\n%.*s%.*s", (int)(sig - line), line,
                                             (int)(*size - (size_t)(sig - line) - 128), sig + 128);
        } else {
                const char *seq = strchr(line, ':') + 1, *key = strstr(line, "\"key\":") + 6;

                text_size = (size_t)snprintf(text, sizeof(text), "tmsd-seal-1\n%.*s\n%.64s\n%.*s\n%.64s\n\n%.27s\n",
                                             (int)strcspn(seq, ","), seq, value_of(line, "prev", *size),
                                             (int)strcspn(key, ","), key, value_of(line, "next", *size),
                                             value_of(line, "utc", *size));
        }
        raw_size = sizeof(raw);
        made_must(ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, present_key) == 1 &&
                                  EVP_DigestSign(ctx, raw, &raw_size, (const unsigned char *)text, text_size) == 1,
                  "signature");
        EVP_MD_CTX_free(ctx);
        made_hex(raw, 64, text);
        memcpy(sig, text, 128);
}

/* The tree as a segment's first record has it; of one with more hashes, the first ones. */
static void plant_tree(char *line, size_t size, const struct tms_merkle *tree)
{
        char *s = memmem(line, size, "\"tree\":[\"", 9);
        char text[65];

        made_must(s, "tree");
        s += 9;
        for (int i = TMS_MERKLE_LEVELS - 1; i >= 0; i--) {
                if ((tree->size >> i & 1) == 0)
                        continue;
                made_hex(tree->level[i], TMS_MERKLE_HASH, text);
                memcpy(s, text, 64);
                if (s[65] != ',')
                        break;
                s += 67;
        }
}

static size_t renumber(char *ret, const struct day_line *line, size_t seq)
{
        const char *rest = strchr(line->text, ',');

        return (size_t)sprintf(ret, "{\"seq\":%zu%.*s", seq, (int)(line->size - (size_t)(rest - line->text)), rest);
}

void day_rewrite(struct day_line *line, size_t lines, size_t from, bool announced)
{
        static char *texts;
        struct tms_merkle tree = {0};
        unsigned char leaf[TMS_MERKLE_HASH];
        char *at, hash[65];

        free(texts);
        texts = at = malloc(2 * day.size + (1 << 20));
        made_must(texts, "texts");
        for (size_t i = 0; i < lines; i++) {
                if (i >= from) {
                        line[i].size = renumber(at, &line[i], i);
                        if (i > 0)
                                memcpy(value_of(at, "prev", line[i].size), hash, 64);
                        if (memmem(at, line[i].size, "\"type\":\"log.segment\"", 20))
                                plant_tree(at, line[i].size, &tree);
                        if (memmem(at, line[i].size, "\"type\":\"seal\"", 13))
                                sign_again(at, &line[i].size, announced, &tree);
                        line[i].text = at;
                        at += line[i].size + 1;
                }
                made_must(tms_merkle_leaf(NULL, line[i].text, line[i].size, leaf) == 0, "leaf");
                if (day.format == 2)
                        made_must(tms_merkle_add(NULL, &tree, leaf) == 0, "tree");
                if (i + 1 >= from && day.format == 2)
                        made_hex(leaf, sizeof(leaf), hash);
                else if (i + 1 >= from)
                        made_sha256(line[i].text, line[i].size, hash);
        }
}

/* --- Beside the log --------------------------------------------------------------------------- */

void day_hide_keys(bool hide)
{
        made_must(rename(path_of(hide ? "../keys" : "../no-keys"), path_of(hide ? "../no-keys" : "../keys")) == 0,
                  "keys");
}

void day_hide_pulses(size_t behind, bool hide)
{
        for (size_t i = behind + 1; i < day.lines; i++) {
                char session[64], name[100], hidden[100];

                if (!day_is(i, "session.create"))
                        continue;
                snprintf(session, sizeof(session), "%.*s",
                         (int)strcspn(strstr(day.line[i].text, "\"session\":\"") + 11, "\""),
                         strstr(day.line[i].text, "\"session\":\"") + 11);
                snprintf(name, sizeof(name), "pulses/%s.tsv", session);
                snprintf(hidden, sizeof(hidden), "../%s.hidden", session);
                made_must(rename(path_of(hide ? name : hidden), path_of(hide ? hidden : name)) == 0, session);
        }
}

void day_rename_key(unsigned number)
{
        char from[64], to[64];

        snprintf(from, sizeof(from), "../keys/%u.pem", present_number);
        snprintf(to, sizeof(to), "../keys/%u.pem", number);
        made_must(rename(path_of(from), path_of(to)) == 0, to);
        present_number = number;
}
