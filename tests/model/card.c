/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench: a card in a slot, its registers, its files.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card.h"

#define ECAM 0xb0000000ULL
#define WINDOW(n) (0xe0000000ULL + (n)*0x100000ULL)
#define PORT_BAR(n) (0xe8000000ULL + (n)*0x1000ULL)
#define MSIX_PBA 0x800
#define MESSAGES(n) (0x100000ULL + (n)*0x100ULL)

/* From the PCI specification, as little as is needed. */
#define COMMAND 0x04
#define COMMAND_MEMORY_MASTER 0x0006
#define BAR0 0x10
#define BRIDGE_BUSES 0x18
#define BRIDGE_WINDOW 0x20
#define CAP_MSIX 0x11

/* --- configuration ---------------------------------------------------------------- */

static uint64_t ecam(unsigned bus, unsigned device, uint32_t offset)
{
        return ECAM + ((uint64_t)bus << 20) + ((uint64_t)device << 15) + offset;
}

uint32_t cfg(struct bench *b, uint32_t offset, unsigned size)
{
        return machine_read(&b->m, ecam(b->card + 1, 0, offset), size);
}

void cfg_write(struct bench *b, uint32_t offset, uint32_t value, unsigned size)
{
        machine_write(&b->m, ecam(b->card + 1, 0, offset), value, size);
}

uint32_t port_cfg(struct bench *b, uint32_t offset, unsigned size)
{
        return machine_read(&b->m, ecam(0, b->card + 1, offset), size);
}

void port_cfg_write(struct bench *b, uint32_t offset, uint32_t value, unsigned size)
{
        machine_write(&b->m, ecam(0, b->card + 1, offset), value, size);
}

uint32_t capability(struct bench *b, bool of_port, uint8_t id)
{
        uint32_t (*get)(struct bench *, uint32_t, unsigned) = of_port ? port_cfg : cfg;
        uint32_t at = get(b, 0x34, 1);

        while (at && get(b, at, 1) != id)
                at = get(b, at + 1, 1);
        return at;
}

static void set_vector(struct bench *b, uint64_t table, unsigned vector, unsigned slot)
{
        uint64_t entry = table + vector * 16;

        machine_write(&b->m, entry, MESSAGES(b->card) + slot * 8, 8);
        machine_write(&b->m, entry + 8, 0x1234, 4);
        machine_write(&b->m, entry + 12, 0, 4);
}

void bench_map(struct bench *b)
{
        uint32_t msix;

        cfg_write(b, BAR0, WINDOW(b->card), 4);
        cfg_write(b, BAR0 + 4, WINDOW(b->card) + TMS_BAR_SIZE, 4);
        cfg_write(b, COMMAND, COMMAND_MEMORY_MASTER, 2);
        for (unsigned v = 0; v < TMS_VECTOR_COUNT; v++)
                set_vector(b, WINDOW(b->card) + TMS_BAR_SIZE, v, v);
        msix = capability(b, false, CAP_MSIX);
        assert_int_not_equal(msix, 0);
        cfg_write(b, msix + 2, 0x8000, 2);
}

static void map_port(struct bench *b)
{
        uint32_t base = WINDOW(b->card) >> 16;
        uint32_t msix;

        port_cfg_write(b, BRIDGE_BUSES, (b->card + 1) << 16 | (b->card + 1) << 8, 4);
        port_cfg_write(b, BRIDGE_WINDOW, base << 16 | base, 4);
        port_cfg_write(b, BAR0, PORT_BAR(b->card), 4);
        port_cfg_write(b, COMMAND, COMMAND_MEMORY_MASTER, 2);
        set_vector(b, PORT_BAR(b->card), 0, PORT_VECTOR);
        msix = capability(b, true, CAP_MSIX);
        assert_int_not_equal(msix, 0);
        port_cfg_write(b, msix + 2, 0x8000, 2);
}

/* --- start and stop ---------------------------------------------------------------- */

/* incoming: where its state comes from; NULL: from nowhere. */
static void start(struct bench *b, const char *props, const char *incoming)
{
        char port[CARDS_MAX][128], card[CARDS_MAX][1024];
        const char *argv[4 * CARDS_MAX + 3] = {};
        unsigned n = 0;

        for (unsigned i = 0; i < b->cards; i++) {
                snprintf(port[i], sizeof(port[i]), "pcie-root-port,id=port%u,bus=pcie.0,addr=%u,chassis=%u,slot=%u", i,
                         i + 1, i + 1, i + 1);
                snprintf(card[i], sizeof(card[i]),
                         "tms-card,id=card%u,bus=port%u,serial=%u,witness=%s/witness.%u,nvram=%s/nvram.%u,"
                         "counts=%s/counts.%u%s",
                         i, i, 1001 + i, b->dir, i, b->dir, i, b->dir, i, props);
                argv[n++] = "-device";
                argv[n++] = port[i];
                argv[n++] = "-device";
                argv[n++] = card[i];
        }
        if (incoming) {
                argv[n++] = "-incoming";
                argv[n++] = incoming;
        }
        machine_start(&b->m, argv);
        if (incoming)
                return;
        b->kick = 0;

        /* The chipset's switch for configuration space in memory, through the old ports. */
        machine_out(&b->m, 0xcf8, 0x80000060, 4);
        machine_out(&b->m, 0xcfc, ECAM | 1, 4);
        for (b->card = b->cards; b->card-- > 0;) {
                map_port(b);
                bench_map(b);
        }
        b->card = 0;
}

void bench_start(struct bench *b, unsigned cards, const char *props)
{
        *b = (struct bench){.dir = "/tmp/tms-model-XXXXXX", .cards = cards};
        assert_non_null(mkdtemp(b->dir));
        start(b, props, NULL);
}

void bench_restart(struct bench *b, const char *props)
{
        machine_stop(&b->m);
        start(b, props, NULL);
}

/* Until QEMU answers so. */
static void wait_for(struct bench *b, const char *query, const char *words)
{
        for (unsigned i = 0; i < 5000; i++) {
                char *text;
                bool there;

                assert_true(machine_qmp(&b->m, query, &text));
                there = strstr(text, words);
                free(text);
                if (there)
                        return;
                usleep(2000);
        }
        fail_msg("%s: never %s", query, words);
}

void bench_move(struct bench *b)
{
        char line[256], incoming[128], *text;
        uint64_t t = now_ns(b);

        snprintf(line, sizeof(line),
                 "{\"execute\":\"migrate\",\"arguments\":{\"uri\":"
                 "\"exec:cat > %s/state.0\"}}",
                 b->dir);
        assert_true(machine_qmp(&b->m, line, &text));
        free(text);
        wait_for(b, "{\"execute\":\"query-migrate\"}", "\"status\": \"completed\"");
        machine_stop(&b->m);
        snprintf(incoming, sizeof(incoming), "exec:cat %s/state.0", b->dir);
        start(b, "", incoming);
        wait_for(b, "{\"execute\":\"query-status\"}", "\"status\": \"running\"");
        step(b, t - now_ns(b));
}

void bench_stop(struct bench *b)
{
        machine_stop(&b->m);
        bench_clean(b);
}

void bench_clean(struct bench *b)
{
        static const char *const names[] = {"witness", "nvram", "counts", "state"};

        for (unsigned i = 0; i < b->cards; i++)
                for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
                        char path[128];

                        snprintf(path, sizeof(path), "%s/%s.%u", b->dir, names[k], i);
                        unlink(path);
                }
        rmdir(b->dir);
}

int bench_setup(void **state)
{
        struct bench *b = malloc(sizeof(*b));

        if (!b)
                return -1;
        bench_start(b, 1, "");
        *state = b;
        return 0;
}

int bench_teardown(void **state)
{
        bench_stop(*state);
        free(*state);
        return 0;
}

/* --- registers ----------------------------------------------------------------------- */

uint64_t rd(struct bench *b, uint32_t offset, unsigned size)
{
        return machine_read(&b->m, WINDOW(b->card) + offset, size);
}

void wr(struct bench *b, uint32_t offset, uint64_t value, unsigned size)
{
        machine_write(&b->m, WINDOW(b->card) + offset, value, size);
}

uint32_t rd32(struct bench *b, uint32_t reg)
{
        return rd(b, reg, 4);
}

uint64_t rd64(struct bench *b, uint32_t reg)
{
        return rd(b, reg, 8);
}

void wr32(struct bench *b, uint32_t reg, uint32_t value)
{
        wr(b, reg, value, 4);
}

void wr64(struct bench *b, uint32_t reg, uint64_t value)
{
        wr(b, reg, value, 8);
}

uint64_t window(const struct bench *b)
{
        return WINDOW(b->card);
}

uint64_t now_ns(struct bench *b)
{
        return machine_now_ns(&b->m);
}

void step(struct bench *b, uint64_t ns)
{
        machine_step(&b->m, ns);
}

void live(struct bench *b, uint64_t ns)
{
        while (ns) {
                uint64_t part = ns < 100 * MS ? ns : 100 * MS;

                wr32(b, TMS_REG_WATCHDOG_KICK, ++b->kick);
                step(b, part);
                ns -= part;
        }
}

/* --- the card's ways ------------------------------------------------------------------ */

uint32_t state(struct bench *b)
{
        uint32_t status = rd32(b, TMS_REG_STATUS);

        assert_int_equal(status & TMS_STATUS_SIGN_MASK, TMS_STATUS_SIGN);
        return status & TMS_STATUS_STATE_MASK;
}

void charge(struct bench *b)
{
        wr32(b, TMS_REG_WATCHDOG_KICK, ++b->kick);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_CHARGE);
        assert_int_equal(state(b), TMS_STATUS_STATE_CHARGE);
}

void set(struct bench *b, uint32_t seq, uint32_t permille)
{
        wr32(b, TMS_REG_SETPOINT, TMS_SETPOINT(seq, permille));
}

void arm(struct bench *b, uint32_t permille)
{
        charge(b);
        set(b, 1, permille);
        live(b, 41 * MS);
        assert_true(rd32(b, TMS_REG_STATUS) & TMS_STATUS_READY);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_ARM);
        assert_int_equal(state(b), TMS_STATUS_STATE_ARM);
}

void fire(struct bench *b, uint32_t seq)
{
        wr64(b, TMS_REG_NOT_AFTER, rd64(b, TMS_REG_CLOCK_NS) + 50 * US);
        wr32(b, TMS_REG_TRIGGER, seq);
}

struct answer answer(struct bench *b)
{
        uint64_t word = rd64(b, TMS_REG_ANSWER);

        return (struct answer){
                        .valid = word & TMS_ANSWER_VALID,
                        .more = word & TMS_ANSWER_MORE,
                        .events = word & TMS_ANSWER_EVENTS,
                        .seq = word >> TMS_ANSWER_SEQ_SHIFT & TMS_ANSWER_SEQ_MASK,
                        .permille = word >> TMS_ANSWER_PERMILLE_SHIFT & TMS_ANSWER_PERMILLE_MASK,
                        .outcome = word >> TMS_ANSWER_OUTCOME_SHIFT & TMS_ANSWER_OUTCOME_MASK,
                        .time_ns = word & TMS_ANSWER_TIME_MASK,
        };
}

/* --- the schedule --------------------------------------------------------------------- */

static bool put(struct bench *b, const char *command, char **ret_text)
{
        char line[512];

        snprintf(line, sizeof(line),
                 "{\"execute\":\"qom-set\",\"arguments\":{\"path\":"
                 "\"/machine/peripheral/card%u\",\"property\":\"schedule\",\"value\":\"%s\"}}",
                 b->card, command);
        return machine_qmp(&b->m, line, ret_text);
}

void lab(struct bench *b, const char *command)
{
        char *text;

        if (!put(b, command, &text))
                fail_msg("%s -> %s", command, text);
        free(text);
}

void lab_refuses(struct bench *b, const char *command, const char *why)
{
        char *text;

        if (put(b, command, &text))
                fail_msg("'%s' was taken, expected: %s", command, why);
        if (!strstr(text, why))
                fail_msg("'%s' -> %s, expected: %s", command, text, why);
        free(text);
}

char *lab_ask(struct bench *b, const char *command)
{
        char line[256], *text;

        lab(b, command);
        snprintf(line, sizeof(line),
                 "{\"execute\":\"qom-get\",\"arguments\":{\"path\":"
                 "\"/machine/peripheral/card%u\",\"property\":\"schedule\"}}",
                 b->card);
        assert_true(machine_qmp(&b->m, line, &text));
        return text;
}

/* --- files ------------------------------------------------------------------------------ */

char *read_text(const char *dir, const char *name, unsigned nth)
{
        char path[128], *text = calloc(1, 65536);
        FILE *f;

        assert_non_null(text);
        snprintf(path, sizeof(path), "%s/%s.%u", dir, name, nth);
        f = fopen(path, "re");
        if (!f)
                fail_msg("%s: %m", path);
        assert_true(fread(text, 1, 65535, f) < 65535);
        fclose(f);
        return text;
}

void write_text(const char *dir, const char *name, unsigned nth, const char *text)
{
        char path[128];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s.%u", dir, name, nth);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
        assert_int_equal(fclose(f), 0);
}

/* Line n after the header, cut out of text; NULL: there are fewer. */
static char *nth_line(char *text, unsigned n)
{
        static const char header[] = "t_ns\tkind\tamplitude_permille\tseq\tdetail";
        char *line, *rest = text;

        line = strsep(&rest, "\n");
        assert_string_equal(line, header);
        while (rest && *rest) {
                line = strsep(&rest, "\n");
                assert_non_null(rest); /* a line without its end is half a line */
                if (n-- == 0)
                        return line;
        }
        return NULL;
}

void witnessed(struct bench *b, unsigned n, uint64_t t_ns, const char *kind, uint32_t permille, uint32_t seq,
               const char *detail)
{
        char *text = read_text(b->dir, "witness", b->card), expected[256], *line;

        snprintf(expected, sizeof(expected), "%" PRIu64 "\t%s\t%" PRIu32 "\t%" PRIu32 "\t%s", t_ns, kind, permille, seq,
                 detail);
        line = nth_line(text, n);
        assert_non_null(line);
        assert_string_equal(line, expected);
        free(text);
}

void witnessed_only(struct bench *b, unsigned lines)
{
        char *text = read_text(b->dir, "witness", b->card);

        assert_null(nth_line(text, lines));
        free(text);
}

/* --- messages ------------------------------------------------------------------------------ */

bool message(struct bench *b, unsigned vector)
{
        uint64_t at = MESSAGES(b->card) + vector * 8;
        bool come = machine_read(&b->m, at, 4) == 0x1234;

        machine_write(&b->m, at, 0, 4);
        return come;
}

void mask_vector(struct bench *b, unsigned vector, bool masked)
{
        machine_write(&b->m, WINDOW(b->card) + TMS_BAR_SIZE + vector * 16 + 12, masked, 4);
}

bool pending_vector(struct bench *b, unsigned vector)
{
        return machine_read(&b->m, WINDOW(b->card) + TMS_BAR_SIZE + MSIX_PBA, 4) >> vector & 1;
}
