/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seals of the audit log, and the keys that sign them; see auditlog.h. */
#include <assert.h>
#include <inttypes.h>

#include "auditlog-internal.h"

/* A signature that is not made yet: as many digits as it will have. */
#define ZEROS_32 "00000000000000000000000000000000"
#define NO_SIG ZEROS_32 ZEROS_32 ZEROS_32 ZEROS_32

/* The key that the next seal announces: the one that an interrupted seal has left, or a new one. */
static int next_key(struct auditlog *l, struct key **ret)
{
        uint64_t n = key_number(l->key) + 1;
        int r;

        r = key_load(l->keys_fd, n, ret);
        if (r == -ENOENT)
                r = key_make(l->keys_fd, n, ret);
        return r;
}

static bool is_nonce(const char *s)
{
        const char *c;

        for (c = s; *c; c++) {
                if (*c < 0x20 || *c > 0x7e)
                        return false;
        }
        return c - s <= NONCE_MAX;
}

/*
 * After the seal, whoever finds an old key could forge the records before it. A key file that cannot be opened now,
 * without a descriptor, is tried again at the next seal. If the daemon is killed before, opening the log destroys it.
 */
static int destroy_old_keys(struct auditlog *l)
{
        int r = 0;

        while (l->undestroyed < key_number(l->key)) {
                r = key_destroy(l->keys_fd, l->undestroyed);
                if (r < 0)
                        break;
                l->undestroyed++;
        }
        if (r == -EMFILE || r == -ENFILE || r == -ENOMEM) {
                log_event(SIGNING_KEY_KEPT, FIELDS(field_number("KEY_NUMBER", l->undestroyed), field_errno(r)),
                          "signing key %" PRIu64 " cannot be destroyed yet: %s", l->undestroyed, strerror(-r));
                return 0;
        }
        if (r < 0)
                l->unsound = true;
        return r;
}

static int sign_1(struct auditlog *l, const struct key *next, const char *nonce, const char *utc,
                  char ret[static SIG_HEX])
{
        char text[512];
        int size;

        size = snprintf(text, sizeof(text), "tmsd-seal-1\n%" PRIu64 "\n%s\n%" PRIu64 "\n%s\n%s\n%s\n", l->at.records,
                        l->at.head, key_number(l->key), key_public_hex(next), nonce, utc);
        return (size_t)size >= sizeof(text) ? -EINVAL : key_sign(l->key, text, (size_t)size, ret);
}

/* What only a seal of format 2 says. checkpoint: the hash of its file, or "". */
static int describe_tree(struct auditlog *l, const char *checkpoint, json_t *data)
{
        unsigned char root[TMS_MERKLE_HASH];
        char hex[2 * TMS_MERKLE_HASH + 1];
        int r;

        r = tms_merkle_root(&l->hasher, &l->at.tree, root);
        if (r < 0)
                return r;
        hex_encode(root, sizeof(root), hex);
        if (json_object_set_new(data, "origin", json_string(l->at.origin)) < 0 ||
            json_object_set_new(data, "size", json_u64(l->at.records)) < 0 ||
            json_object_set_new(data, "root", json_string(hex)) < 0 ||
            (*checkpoint && json_object_set_new(data, "checkpoint", json_string(checkpoint)) < 0))
                return -ENOMEM;
        return 0;
}

/* The whole line is signed, in which the place of the signature is empty; then it is put there. */
static int sign_2(struct auditlog *l, char *line)
{
        static const char head[] = "tmsd-seal-2\n", key[] = "\"sig\":\"" NO_SIG "\"";
        const size_t digits = strlen(NO_SIG);
        char *place = strstr(line, key), sig[SIG_HEX];
        _cleanup_(freep) char *text = NULL;
        size_t before, size;
        int r;

        assert(place);
        place += strlen("\"sig\":\"");
        before = (size_t)(place - line);
        size = strlen(head) + strlen(line) - digits;
        text = malloc(size + 1);
        if (!text)
                return -ENOMEM;
        (void)snprintf(text, size + 1, "%s%.*s%s", head, (int)before, line, place + digits);
        r = key_sign(l->key, text, size, sig);
        if (r >= 0)
                memcpy(place, sig, digits);
        return r;
}

struct seal {
        const struct key *next; /* which it announces */
        json_t *who;
        const char *nonce;
        uint64_t utc_ns, mono_ns;
        char checkpoint[65]; /* the hash of the file, or "" */
        char *line;          /* without an end of line */
        json_t *record;      /* the same, but for the signature */
};

static void seal_clear(struct seal *s)
{
        free(s->line);
        json_decref(s->record);
}

/* Makes the record of a seal that the log's key signs. */
static int compose_seal(struct auditlog *l, struct seal *s)
{
        _cleanup_(json_decrefp) json_t *data = json_object();
        char utc[32], sig[SIG_HEX] = NO_SIG;
        int r = 0;

        auditlog_utc_text(s->utc_ns, utc);
        if (!data || json_object_set_new(data, "key", json_u64(key_number(l->key))) < 0 ||
            json_object_set_new(data, "public", json_string(key_public_hex(l->key))) < 0 ||
            json_object_set_new(data, "next", json_string(key_public_hex(s->next))) < 0 ||
            json_object_set_new(data, "nonce", json_string(s->nonce)) < 0)
                return -ENOMEM;
        r = l->at.format == 1 ? sign_1(l, s->next, s->nonce, utc, sig) : describe_tree(l, s->checkpoint, data);
        if (r >= 0 && json_object_set_new(data, "sig", json_string(sig)) < 0)
                r = -ENOMEM;
        if (r >= 0)
                r = auditlog_compose(l, &l->at, "seal", s->who, "", data, utc, s->mono_ns, &s->line, &s->record);
        if (r >= 0 && l->at.format > 1)
                r = sign_2(l, s->line);
        return r;
}

static int write_seal(struct auditlog *l, json_t *who, const char *nonce, uint64_t utc_ns, uint64_t mono_ns,
                      bool closing, char **ret_line)
{
        _cleanup_(seal_clear) struct seal seal = {.who = who, .nonce = nonce, .utc_ns = utc_ns, .mono_ns = mono_ns};
        _cleanup_(key_freep) struct key *next = NULL;
        const uint64_t number = l->at.records;
        int r;

        /* The reader rejects a seal with any other nonce. */
        if (!is_nonce(nonce))
                return -EINVAL;
        r = next_key(l, &next);
        seal.next = next;
        /* The file that the seal names is on disk before the seal. The records before it are when the seal is. */
        if (r >= 0 && !auditlog_write_checkpoint(l, closing, seal.checkpoint))
                seal.checkpoint[0] = '\0';
        if (r >= 0)
                r = compose_seal(l, &seal);
        if (r >= 0)
                r = auditlog_append_line(l, seal.line, seal.record);
        if (r >= 0)
                r = auditlog_sync(l);
        if (r < 0)
                return r;
        if (seal.checkpoint[0]) {
                l->checkpointed = number;
                auditlog_tidy_checkpoints(l);
        }
        key_free(l->key);
        l->key = TAKE_PTR(next);
        l->at.sealed = true;
        l->at.seals++;
        strcpy(l->at.next_public, key_public_hex(l->key));
        r = destroy_old_keys(l);
        if (r < 0)
                return r;
        if (ret_line)
                *ret_line = TAKE_PTR(seal.line);
        return 0;
}

int auditlog_seal(struct auditlog *l, json_t *who, const char *nonce, uint64_t utc_ns, uint64_t mono_ns,
                  char **ret_line)
{
        return write_seal(l, who, nonce, utc_ns, mono_ns, false, ret_line);
}

int auditlog_seal_closing(struct auditlog *l, json_t *who, uint64_t utc_ns, uint64_t mono_ns, char **ret_line)
{
        return write_seal(l, who, "", utc_ns, mono_ns, true, ret_line);
}
