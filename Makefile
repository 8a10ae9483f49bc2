# SPDX-License-Identifier: GPL-2.0-or-later
# tmsd: user space, kernel module, tests. `make help` lists the targets.
# The module's own build rules are in Kbuild, which the kernel's build system reads.

ifeq ($(KERNELRELEASE),)

B           ?= build
VERSION     := $(shell sed -n 's/^\#define TMS_VERSION "\(.*\)"/\1/p' kernel/version.h)
prefix      ?= /usr
sysconfdir  ?= /etc
bindir      ?= $(prefix)/bin
datadir     ?= $(prefix)/share
includedir  ?= $(prefix)/include
mandir      ?= $(datadir)/man
multiarch   := $(shell dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null)
libdir      ?= $(prefix)/lib$(if $(multiarch),/$(multiarch))
libexecdir  ?= $(prefix)/libexec
unitdir     ?= $(prefix)/lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
catalogdir  ?= $(prefix)/lib/systemd/catalog
udevdir     ?= $(prefix)/lib/udev/rules.d
moduledir   ?= $(prefix)/lib/modules

# None of make's built-in rules: with them, a file without a rule of ours is compiled somehow.
MAKEFLAGS   += -rR
CC          := $(if $(filter-out default undefined,$(origin CC)),$(CC),cc)
AR          := $(if $(filter-out default undefined,$(origin AR)),$(AR),ar)
CFLAGS      ?= -O2 -g
WARN_CFLAGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	       -Wundef -Wformat=2 -Wno-unused-parameter -Wno-missing-field-initializers
HARDEN      := -fstack-protector-strong -fstack-clash-protection -fcf-protection -D_FORTIFY_SOURCE=2
CPPFLAGS    += -Ikernel/uapi -Ilib -I. -D_GNU_SOURCE -DTMS_VERSION='"$(VERSION)"'
BASE_CFLAGS := -std=gnu11 $(WARN_CFLAGS) -MMD -MP
SAN_CFLAGS  := -fsanitize=address,undefined -fno-sanitize-recover=all -O1 -g
override CFLAGS := $(BASE_CFLAGS) $(HARDEN) $(CFLAGS)
INSTALL     := install

ALL_TARGETS     :=
INSTALL_TARGETS :=
UNIT_TESTS      :=
UNIT_LAST       :=

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all module check check-unit check-newest check-full check-bare demo bench lint install install-module uninstall clean help deps

include $(wildcard lib/build.mk daemon/build.mk tests/build.mk tests/*/build.mk tests/unit/*.mk)

# A unit test that no list has would never run.
UNIT_LOST := $(filter-out $(notdir $(UNIT_TESTS) $(UNIT_LAST)),$(basename $(notdir $(wildcard tests/unit/test-*.c))))
$(if $(UNIT_LOST),$(error no tests/unit/*.mk has a row for: $(UNIT_LOST)))

# Asked for by name in a rule's order-only prerequisites; not intermediate.
.PRECIOUS: %/
%/:
	@mkdir -p $@

all: $(ALL_TARGETS) $(if $(wildcard $(KDIR)/Makefile),module)

# --- The module: built in a copy, so that the source tree stays clean --------

KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
	$(lastword $(sort $(wildcard $(addsuffix /build,$(wildcard /lib/modules/*) $(wildcard /usr/lib/modules/*))))))
# Debian's own `make kernelrelease` names the upstream release; modules go by this one.
KREL  = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)".*/\1/p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null)
MB    = $(abspath $(B))/module/$(KREL)

module:
	@test -e "$(KDIR)/Makefile" || { echo "make: no kernel headers at KDIR='$(KDIR)'; install linux-headers-$$(uname -r) or give KDIR=" >&2; exit 1; }
	@mkdir -p "$(MB)"
	@cp -a -u Kbuild kernel "$(MB)/"
	$(MAKE) -C "$(KDIR)" M="$(MB)" $(MODULE_FLAGS) modules

install-module:
	@test -e "$(MB)/tms.ko" || { echo "make: no module for '$(KREL)' yet; run make module first" >&2; exit 1; }
	$(INSTALL) -D -m 0644 "$(MB)/tms.ko" "$(DESTDIR)$(moduledir)/$(KREL)/updates/tms.ko"
	@test -n "$(DESTDIR)" || depmod "$(KREL)"

# --- Install ----------------------------------------------------------------

install: $(ALL_TARGETS) $(INSTALL_TARGETS) $(if $(wildcard $(MB)/tms.ko),install-module)

# What install put there, by installing into an empty tree and taking the same names away.
uninstall:
	@tree=$$(mktemp -d) && trap 'rm -rf "$$tree"' EXIT && \
	$(MAKE) -s --no-print-directory install DESTDIR="$$tree" KDIR="$(KDIR)" >/dev/null && \
	(cd "$$tree" && find . -type f -o -type l) | while read -r f; do rm -fv "$(DESTDIR)/$$f"; done

# --- Tests --------------------------------------------------------------------

deps:
	@tests/deps build vm lint

check-unit: $(UNIT_TESTS) $(UNIT_LAST)
	@tests/run-unit $(B)/tests $(UNIT_TESTS) $(UNIT_LAST)

check:
	@tests/check

check-full:
	@tests/deps build vm
	@tests/check-build
	@$(MAKE) --no-print-directory $(B)/tests/test-session-memory
	TMSD_ALLOC_STEP=1 $(B)/tests/test-session-memory
	@tests/newest --full
	@$(MAKE) --no-print-directory check-ghost
	@VERDICTS=10000 $(MAKE) --no-print-directory check-attacks
	@$(MAKE) --no-print-directory attacks
	@tests/e2e/full

check-newest:
	@tests/deps build vm
	@tests/newest

check-bare:
	@tests/bare

demo:
	@tests/e2e/demo

bench:
	@tests/bench/run

lint:
	@tests/lint

clean:
	rm -rf $(B)

help:
	@echo 'all        programs, library and (with kernel headers) the module, in $(B)/'
	@echo 'module     the kernel module for KDIR=$(KDIR)'
	@echo 'demo       a whole treatment in a virtual machine: installs what is missing, builds, runs, proves'
	@echo 'check      all tests: unit, card model, module and daemon in the virtual machine'
	@echo 'check-unit, check-attacks, check-model, check-cli, check-kselftest, check-ends, check-newest: one part of check'
	@echo 'check-full every allocation of a session failing once and from then on; all on the newest kernel; half an hour of random ends of timelines, an hour of attacks on the audit log; every shipped protocol at full length (hours)'
	@echo 'check-bare make demo and make check in minimal Debian 12 and 13 root file systems (as root; two hours)'
	@echo 'check-ghost, check-hostile: half an hour of random ends of timelines, of an ioctl fuzzer; the next call goes on'
	@echo 'attacks    an hour of all attacks on the audit log of a day, half of it on one of format 1; the next call goes on'
	@echo 'check-debug the module under KASAN, lockdep, kmemleak, UBSAN (builds a kernel once)'
	@echo 'fuzz       the protocol reader, the verifier and the scanner of records, FUZZ_SECONDS each'
	@echo 'coverage   which lines of user space the unit tests and the tests of tmsctl run; $(B)/coverage/index.html'
	@echo 'bench      measures; table and $(B)/bench.json'
	@echo 'lint       format, warnings, sparse, checkpatch, shellcheck, arrows, unit hardening'
	@echo 'audit-fields  the tables of fields in lib/AUDIT.md, made anew from daemon/record/schema.c'
	@echo 'arrows     who calls whom, floor by floor; fails on a circle and on an arrow that runs back'
	@echo 'vm         a root shell in the virtual machine with a card plugged in'
	@echo 'vm-terminal a second terminal of that machine'
	@echo 'install    into DESTDIR=$(DESTDIR) prefix=$(prefix)'
	@echo 'uninstall  take away what install put there'
	@echo 'deps       Debian packages that build, tests and lint need'
	@echo 'clean      remove $(B)/'

endif
