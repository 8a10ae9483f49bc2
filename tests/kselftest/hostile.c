// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hostile callers: two threads call what they like, right, wrong or junk, on files of every kind, while the card
 * misbehaves, is reset, unbound, pulled and put to sleep, and a CPU comes and goes. What must hold: no call says
 * anything that the user interface does not know, nobody is refused a stop; then the card treats as before, and the
 * records account for every discharge of the card.
 *
 * A round is so many calls. Its seed is TMS_TEST_SEED, one more each round; TMS_TEST_ROUNDS says how many. With two
 * CPUs, in the host's time, it is a tenth of them: the reset of a card that is not there takes a minute.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "hostile_book.h"
#include "hostile_calls.h"
#include "hostile_world.h"
#include "rest.h"

#define FILES 4 /* the first one is the controller's */
#define THREADS 2
#define OPS 300       /* of a thread and round */
#define OWN_FILES 100 /* the node's files have numbers from here on, all others below */
#define ROUNDS 12
#define A_DAY 86400

struct caller {
        struct hostile *all;
        struct dice dice;
        struct memory memory;
        pthread_t thread;
        unsigned int op;
        char complaint[128];
};

struct hostile {
        struct world world;
        struct book book;
        struct caller callers[THREADS];
        int files[FILES];
        uint64_t calls, stops;
};

/* --- calls ------------------------------------------------------------------------- */

static void complain(struct caller *c, const char *what, long r)
{
        if (!*c->complaint)
                snprintf(c->complaint, sizeof(c->complaint), "thread %d, step %u: %s said %ld",
                         (int)(c - c->all->callers), c->op, what, r);
}

/* @i's file, which the other thread may be closing. */
static int file(struct caller *c, unsigned int i)
{
        return __atomic_load_n(&c->all->files[i], __ATOMIC_RELAXED);
}

static int any_file(struct caller *c)
{
        return file(c, dice_below(&c->dice, 2) ? 0 : dice_below(&c->dice, FILES));
}

/* In place of the one that was there, if any. */
static void open_file(struct caller *c, unsigned int i)
{
        static const int flags[] = {O_RDONLY, O_RDONLY, O_RDWR, O_WRONLY, O_RDONLY | O_APPEND};
        int fd, own, old = __atomic_exchange_n(&c->all->files[i], -1, __ATOMIC_RELAXED);

        if (old >= 0)
                close(old);
        fd = node_open(i ? flags[dice_below(&c->dice, ELEMENTSOF(flags))] : O_RDWR);
        if (fd < 0) {
                if (!documented(fd) && fd != -ENOENT && fd != -ENXIO)
                        complain(c, "open", fd);
                return;
        }
        /* What the other thread does to a number that is not open any more it does to no other kind of file. */
        own = fcntl(fd, F_DUPFD_CLOEXEC, OWN_FILES);
        close(fd);
        old = __atomic_exchange_n(&c->all->files[i], own, __ATOMIC_RELAXED);
        if (old >= 0)
                close(old);
}

static int one_call(struct caller *c, int fd, unsigned long cmd)
{
        uint64_t acked = __atomic_load_n(&c->all->book.next, __ATOMIC_RELAXED);
        int r = hostile_ioctl(&c->dice, &c->memory, fd, cmd, acked);

        __atomic_add_fetch(&c->all->calls, 1, __ATOMIC_RELAXED);
        if (!documented(r))
                complain(c, "a call", r);
        if (cmd == TMS_IOC_STOP && r && r != -ENODEV && r != -EBADF)
                complain(c, "STOP", r);
        return r;
}

static void unknown_call(struct caller *c)
{
        int fd = any_file(c), r = call(fd, draw_unknown(&c->dice), draw_pointer(&c->dice, &c->memory));

        if (r != -ENOTTY && r != -EBADF)
                complain(c, "a call that there is not", r);
}

static void read_some(struct caller *c, bool right)
{
        unsigned int i = right ? 0 : dice_below(&c->dice, FILES);
        size_t size = right || dice_below(&c->dice, 2) ? PAGE : dice_below(&c->dice, 3 * PAGE);
        char *to = c->memory.page;
        ssize_t n;

        if (!right && !dice_below(&c->dice, 4))
                to = draw_pointer(&c->dice, &c->memory);
        else if (!right && !dice_below(&c->dice, 4))
                to += dice_below(&c->dice, PAGE);
        n = read(file(c, i), to, size);
        if (n > 0)
                book_write(&c->all->book, (void *)to, n / sizeof(struct tms_event), !i);
        else if (!documented(n < 0 ? -errno : 0))
                complain(c, "read", -errno);
}

/* What is no call of this node's. */
static void other_calls(struct caller *c)
{
        struct pollfd p = {.fd = any_file(c), .events = dice_next(&c->dice)};
        void *map;

        switch (dice_below(&c->dice, 4)) {
        case 0:
                poll(&p, 1, dice_below(&c->dice, 20));
                break;
        case 1:
                if (lseek(p.fd, dice_below(&c->dice, 1000), SEEK_SET) >= 0)
                        complain(c, "lseek", 0);
                break;
        case 2:
                map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, p.fd, 0);
                if (map != MAP_FAILED)
                        complain(c, "mmap", 0);
                break;
        default:
                if (write(p.fd, c->memory.page, dice_below(&c->dice, PAGE) + 1) >= 0)
                        complain(c, "write", 0);
                break;
        }
}

static void keep(struct caller *c)
{
        read_some(c, true);
        one_call(c, file(c, 0), TMS_IOC_KEEPALIVE);
}

/* As one should, or nearly: so that there is something to disturb. */
static void treat(struct caller *c)
{
        static const unsigned long order[] = {TMS_IOC_CLEAR_FAULT, TMS_IOC_LIMITS, TMS_IOC_LOAD, TMS_IOC_ARM,
                                              TMS_IOC_START};

        if (file(c, 0) < 0)
                open_file(c, 0);
        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                keep(c);
                one_call(c, file(c, 0), order[i]);
        }
        sleep_ns(dice_below(&c->dice, 100 * MS));
        keep(c);
}

static void step(struct caller *c)
{
        struct hostile *all = c->all;
        struct dice *d = &c->dice;
        unsigned int i;

        switch (dice_below(d, 100)) {
        case 0 ... 29:
                one_call(c, any_file(c), known_calls[dice_below(d, ELEMENTSOF(known_calls))]);
                break;
        case 30 ... 35:
                unknown_call(c);
                break;
        case 36 ... 43:
                read_some(c, false);
                break;
        case 44 ... 47:
                other_calls(c);
                break;
        case 48 ... 57:
                keep(c);
                break;
        case 58 ... 69:
                treat(c);
                break;
        case 70 ... 73:
                open_file(c, dice_below(d, FILES));
                break;
        case 74 ... 75:
                i = __atomic_exchange_n(&all->files[dice_below(d, FILES)], -1, __ATOMIC_RELAXED);
                if ((int)i >= 0)
                        close(i);
                break;
        case 76 ... 81:
                sleep_ns(dice_below(d, 30 * MS));
                break;
        case 82 ... 86:
                world_fault(&all->world, d);
                break;
        case 87 ... 93:
                world_mend(&all->world);
                break;
        case 94:
                world_reset(&all->world, d);
                break;
        case 95:
                pthread_kill(all->callers[dice_below(d, THREADS)].thread, SIGUSR1);
                break;
        case 96:
                world_parameter(d);
                break;
        case 97:
                world_rebind(&all->world);
                break;
        case 98:
                if (!dice_below(d, 4))
                        world_unplug(&all->world, d);
                else if (!dice_below(d, 4))
                        world_sleep(&all->world);
                break;
        default:
                if (all->world.plain && !dice_below(d, 4))
                        world_cpu(&all->world, d);
                break;
        }
}

static void *caller_thread(void *arg)
{
        struct caller *c = arg;

        for (c->op = 0; c->op < OPS && !*c->complaint; c->op++)
                step(c);
        return NULL;
}

static void nothing(int sig)
{
}

/* --- before and behind ----------------------------------------------------------------- */

/*
 * Closes every interlock, clears every fault, and has the driver bound to a card that answers. When the kernel resets a
 * card that does not answer, it saves all ones as the addresses of the card's registers and writes them back behind the
 * reset. Such a card answers again only when it has been pulled and put back.
 */
static int mended(struct hostile *all)
{
        struct world *w = &all->world;
        struct tms_pulse pulse;
        struct controller c;
        int r = -ENODEV;

        if (w->plain)
                write_file(SECOND_CPU, "1");
        world_parameters_back();
        flat(&pulse, 1, S, 100, 1);
        for (int i = 0; r == -ENODEV && i < 30; i++) {
                world_mend(w);
                sleep_ns(S);
                /* LOAD asks the card who it is; what else it has to say is for later. */
                r = controller_open(&c);
                r = r < 0 ? r : controller_load(&c, &pulse, 1);
                r = r == -ENOENT || r == -ENXIO ? -ENODEV : r;
                controller_hang(&c);
                book_write(&all->book, c.events, c.count, true);
                controller_close(&c);
                if (r == -ENODEV && i % 10 == 9)
                        world_replug(w);
                else if (r == -ENODEV && i % 5 == 4)
                        world_rebind(w);
        }
        return r == -ENODEV ? r : 0;
}

/* It treats: five pulses, as soon as the card has rested. All that is read goes into the book. */
static int treats(struct hostile *all, uint64_t *ret_head)
{
        struct tms_pulse pulses[5];
        struct controller c;
        struct tms_start start;
        int r = -EAGAIN;

        flat(pulses, 5, 50 * MS, 100, 5);
        for (int i = 0; r && i < 20; i++) {
                r = controller_open(&c);
                c.lateness_ns = all->world.plain ? MS : 0;
                for (int k = 0; r && k < 100 && c.fd >= 0; k++, sleep_ns(20 * MS)) {
                        struct tms_limits limits = wide_limits();

                        r = call_clear_fault(c.fd);
                        r = r && r != -EPROTO ? r : call(c.fd, TMS_IOC_LIMITS, &limits);
                }
                r = r ? r : controller_load(&c, pulses, 5);
                r = r ? r : controller_arm(&c);
                r = r ? r : controller_try_start(&c, &start);
                while (!r && status_of(c.fd).state == TMS_STATE_RUNNING)
                        sleep_ns(10 * MS);
                /* In the host's time some may have been too late. */
                if (!r && status_of(c.fd).delivered < (all->world.plain ? 1 : 5))
                        r = -EIO;
                if (c.fd >= 0)
                        call(c.fd, TMS_IOC_STOP, NULL);
                sleep_ns(r == -EAGAIN || r == -ERANGE ? 80 * S : 200 * MS);
                if (c.fd >= 0) {
                        controller_catch_up(&c);
                        *ret_head = status_of(c.fd).event_head;
                        controller_catch_up(&c);
                        book_write(&all->book, c.events, c.count, true);
                }
                controller_close(&c);
        }
        return r;
}

FIXTURE(hostile)
{
        struct hostile all;
        int kmsg;
        uint64_t head;
};

FIXTURE_SETUP(hostile)
{
        struct sigaction action = {.sa_handler = nothing};
        struct world *w = &self->all.world;
        struct lab_state before, after;
        struct window window;

        pthread_mutex_init(&w->port, NULL);
        pthread_mutex_init(&self->all.book.lock, NULL);
        w->plain = sysconf(_SC_NPROCESSORS_CONF) > 1;
        ASSERT_EQ(0, port_open());
        ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
        self->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        ASSERT_LE(0, self->kmsg);
        ASSERT_EQ(0, mended(&self->all));
        ASSERT_EQ(0, card_address(w->address, sizeof(w->address)));
        ASSERT_EQ(0, report_errors());
        if (w->plain)
                ASSERT_EQ(0, set_parameter("fitness_max_ns", 1000000000));
        for (unsigned int i = 0; i < THREADS; i++) {
                self->all.callers[i].all = &self->all;
                ASSERT_EQ(0, memory_make(&self->all.callers[i].memory));
        }
        /* What others have left is read and acknowledged. */
        ASSERT_EQ(0, window_open(&window, "calm"));
        ASSERT_EQ(0, world_query(w, &before));
        ASSERT_EQ(0, treats(&self->all, &self->head));
        ASSERT_EQ(0, world_query(w, &after));
        ASSERT_EQ(0, window_close(&window, after.odometer - before.odometer, 0));
}

FIXTURE_TEARDOWN(hostile)
{
        mended(&self->all);
        close(self->kmsg);
}

/* One round. */
static void attack(struct hostile *all, uint64_t seed)
{
        for (unsigned int i = 0; i < FILES; i++)
                all->files[i] = -1;
        for (unsigned int i = 0; i < THREADS; i++) {
                struct caller *c = &all->callers[i];

                c->dice = (struct dice){.seed = seed, .state = seed * THREADS + i};
                *c->complaint = 0;
        }
        /* One thread may signal the other before pthread_create() has stored its number. */
        for (unsigned int i = 0; i < THREADS; i++)
                all->callers[i].thread = pthread_self();
        for (unsigned int i = 0; i < THREADS; i++)
                if (pthread_create(&all->callers[i].thread, NULL, caller_thread, &all->callers[i]))
                        abort();
        for (unsigned int i = 0; i < THREADS; i++)
                pthread_join(all->callers[i].thread, NULL);
        for (unsigned int i = 0; i < FILES; i++)
                if (all->files[i] >= 0)
                        close(all->files[i]);
}

TEST_F_TIMEOUT(hostile, callers, A_DAY)
{
        uint64_t seed = number_from("TMS_TEST_SEED", 1), rounds = number_from("TMS_TEST_ROUNDS", ROUNDS);
        uint64_t fired = 0, exact = 0, begun_ns = now_ns();

        if (self->all.world.plain)
                rounds = (rounds + 9) / 10;
        for (uint64_t round = 0; round < rounds && _metadata->passed; round++, seed++) {
                struct hostile *all = &self->all;
                struct lab_state before, after;
                struct window window;
                struct account a;
                uint64_t by_odometer, sum;

                told(self->kmsg, all->world.address);
                all->book.first = self->head;
                all->book.next = self->head;
                memset(all->book.events, 0, all->book.room * sizeof(*all->book.events));
                ASSERT_EQ(0, window_open(&window, _metadata->name));
                ASSERT_EQ(0, world_query(&all->world, &before));
                attack(all, seed);
                for (unsigned int i = 0; i < THREADS; i++)
                        EXPECT_STREQ("", all->callers[i].complaint);
                EXPECT_EQ(0, mended(all));
                EXPECT_EQ(0, treats(all, &self->head));

                ASSERT_EQ(0, world_query(&all->world, &after));
                EXPECT_STREQ("SAFE", after.state);
                EXPECT_EQ(0, window_close(&window, after.odometer - before.odometer, REFUSED_ANY));
                a = book_account(&all->book, self->head);
                by_odometer = told(self->kmsg, all->world.address);
                sum = a.delivered + a.unexpected;
                EXPECT_EQ(0, a.missing);
                EXPECT_FALSE(all->book.differs);
                EXPECT_LE(sum, after.odometer - before.odometer);
                EXPECT_GE(sum + a.unanswered + by_odometer, after.odometer - before.odometer);
                TH_LOG("seed %" PRIu64 ": %" PRIu64 " discharges: %" PRIu64 " delivered, %" PRIu64
                       " unexpected, %" PRIu64 " without an answer, %" PRIu64 " by the odometer",
                       seed, after.odometer - before.odometer, a.delivered, a.unexpected, a.unanswered, by_odometer);
                if (!_metadata->passed)
                        TH_LOG("once more: TESTS=hostile TMS_TEST_SEED=%" PRIu64
                               " TMS_TEST_ROUNDS=1 make check-kselftest",
                               seed);
                fired += after.odometer - before.odometer;
                exact += sum == after.odometer - before.odometer && !a.unanswered && !by_odometer;
        }
        TH_LOG("%" PRIu64 " rounds (%" PRIu64 " without a pulse in doubt), %" PRIu64 " calls, %" PRIu64
               " discharges, in %" PRIu64 " ms",
               rounds, exact, self->all.calls, fired, (now_ns() - begun_ns) / MS);
        EXPECT_GT(fired, 5 * rounds);
}

TEST_HARNESS_MAIN
