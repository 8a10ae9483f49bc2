/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the module's pure files (ring.c, play.c, clock.c) want from the kernel,
 * in user space. The headers beside this one only lead here, under the names
 * that those files include.
 */
#ifndef TEST_KERNEL_SHIM_H
#define TEST_KERNEL_SHIM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#define U32_MAX UINT32_MAX
#define U64_MAX UINT64_MAX
#define S64_MAX INT64_MAX

#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile typeof(x) *)&(x) = (value))

#define min_t(type, x, y)                \
        ({                               \
                type a_ = (x), b_ = (y); \
                a_ < b_ ? a_ : b_;       \
        })
#define max_t(type, x, y)                \
        ({                               \
                type a_ = (x), b_ = (y); \
                a_ > b_ ? a_ : b_;       \
        })
#define min(x, y) min_t(typeof(x), x, y)
#define max(x, y) max_t(typeof(x), x, y)
#define is_power_of_2(n) ((n) != 0 && ((n) & ((n)-1)) == 0)
#define abs(x)                      \
        ({                          \
                typeof(x) v_ = (x); \
                v_ < 0 ? -v_ : v_;  \
        })

static inline s64 sign_extend64(u64 value, int index)
{
        u8 shift = 63 - index;

        return (s64)(value << shift) >> shift;
}

/* --- memory: tests may let it run out -------------------------------------- */

#define GFP_KERNEL 0
extern bool shim_no_memory;
#define kvcalloc(n, size, flags) (shim_no_memory ? NULL : calloc(n, size))
#define kvfree(p) free(p)

/* --- locks: what a single thread can get wrong with them, it is told -------- */

typedef struct {
        bool held;
} raw_spinlock_t;

static inline void raw_spin_lock_init(raw_spinlock_t *lock)
{
        lock->held = false;
}

static inline raw_spinlock_t *shim_lock(raw_spinlock_t *lock)
{
        assert(!lock->held);
        lock->held = true;
        return lock;
}

static inline void shim_unlock(raw_spinlock_t **lock)
{
        assert((*lock)->held);
        (*lock)->held = false;
}

#define scoped_guard(kind, lock)                                                                                      \
        for (raw_spinlock_t * guard_ __attribute__((cleanup(shim_unlock))) = shim_lock(lock), *once_ = guard_; once_; \
             once_ = NULL)
#define lockdep_assert_held(lock) assert((lock)->held)

#endif
