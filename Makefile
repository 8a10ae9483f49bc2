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
.PHONY: deb all module no-module check check-unit check-package check-newest check-full check-bare demo bench lint install install-files install-module uninstall \
	clean help deps deps-all

include $(wildcard lib/build.mk daemon/build.mk tests/build.mk tests/*/build.mk tests/unit/*.mk)

# Whether the module is part of all and install: no is said on purpose, and so is an empty KDIR=.
MODULE      ?= yes

# A unit test that no list has would never run.
UNIT_LOST := $(filter-out $(notdir $(UNIT_TESTS) $(UNIT_LAST)),$(basename $(notdir $(wildcard tests/unit/test-*.c))))
$(if $(UNIT_LOST),$(error no tests/unit/*.mk has a row for: $(UNIT_LOST)))

# Asked for by name in a rule's order-only prerequisites; not intermediate.
.PRECIOUS: %/
%/:
	@mkdir -p $@

# What every object needs: a compiler that finds the libraries. Asked once, so that what is missing is said in one line.
$(B)/needs: | $(B)/
	@printf '#include <%s>\n' stdio.h systemd/sd-bus.h libudev.h yaml.h jansson.h openssl/evp.h sqlite3.h | \
		$(CC) $(CPPFLAGS) $(SQLITE_CFLAGS) -x c -E -o /dev/null - 2>$@.log || { \
		echo "make: $(CC) does not compile with the libraries that tmsd is built on:" >&2; head -n 3 $@.log >&2; \
		tests/deps --check build && echo "make: Debian's packages for it are all there; see $@.log" >&2; exit 1; }
	@touch $@

# --- The module: built in a copy, so that the source tree stays clean --------

KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
	$(lastword $(sort $(wildcard $(addsuffix /build,$(wildcard /lib/modules/*) $(wildcard /usr/lib/modules/*))))))
# "": the module is wanted; else what says that it is not.
UNWANTED := $(if $(filter no,$(MODULE)),MODULE=no,$(if $(and $(filter command environment,$(origin KDIR)),$(if $(KDIR),,empty)),KDIR=))
HEADERS  := $(if $(UNWANTED),,$(wildcard $(KDIR)/Makefile))

all: $(ALL_TARGETS) $(if $(UNWANTED),,$(if $(HEADERS),module,no-module))

# Nobody takes programs without a module for the whole.
no-module: $(ALL_TARGETS)
	@echo "make: the module is NOT built: there are no kernel headers at KDIR='$(KDIR)'" >&2
	@tests/deps --check headers || true

# Debian's own `make kernelrelease` names the upstream release; modules go by this one.
KREL  = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)".*/\1/p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null)
MB    = $(abspath $(B))/module/$(KREL)

module:
	@test -e "$(KDIR)/Makefile" || { echo "make: the module cannot be built: there are no kernel headers at KDIR='$(KDIR)'; give KDIR=, or" >&2; \
		tests/deps --check headers; exit 1; }
	@mkdir -p "$(MB)"
	@cp -a -u Kbuild kernel "$(MB)/"
	$(MAKE) -C "$(KDIR)" M="$(MB)" $(MODULE_FLAGS) modules

install-module:
	@test -e "$(MB)/tms.ko" || $(MAKE) --no-print-directory module
	$(INSTALL) -D -m 0644 "$(MB)/tms.ko" "$(DESTDIR)$(moduledir)/$(KREL)/updates/tms.ko"
	@test -n "$(DESTDIR)" || depmod "$(KREL)"

# --- Install ----------------------------------------------------------------

# Nothing is installed unless all can be: a machine with the programs alone looks as if it could treat.
install:
ifeq ($(UNWANTED)$(HEADERS),)
	@echo "make: nothing is installed: without kernel headers at KDIR='$(KDIR)' there is no module. Give KDIR=, leave the module out on" >&2
	@echo "make: purpose (make install MODULE=no: for an image, or where DKMS builds it), or get what is" >&2
	@tests/deps --check headers || true
	@exit 1
else
	@$(MAKE) --no-print-directory install-files
	@[ -z "$(UNWANTED)" ] || echo "make: the module is left out, as $(UNWANTED) says"
	@DESTDIR="$(DESTDIR)" systemd/after-install
endif

install-files: $(ALL_TARGETS) $(INSTALL_TARGETS) $(if $(UNWANTED),,install-module)

# What install put there, by installing into an empty tree and taking the same names away.
uninstall:
	@DESTDIR="$(DESTDIR)" systemd/uninstall --check
	@tree=$$(mktemp -d) && trap 'rm -rf "$$tree"' EXIT && \
	$(MAKE) -s --no-print-directory install-files DESTDIR="$$tree" MODULE=no >/dev/null && \
	DESTDIR="$(DESTDIR)" systemd/uninstall "$$tree" "$(sysconfdir)/tmsd" "$(moduledir)"

# --- Tests --------------------------------------------------------------------

deb:
	@debian/make-deb

deps:
	@tests/deps build $(if $(UNWANTED)$(HEADERS),,headers)

deps-all:
	@tests/deps build $(if $(UNWANTED)$(HEADERS),,headers) test vm lint

check-unit: $(UNIT_TESTS) $(UNIT_LAST)
	@tests/run-unit $(B)/tests $(UNIT_TESTS) $(UNIT_LAST)

check:
	@tests/check

check-full:
	@tests/deps build test vm
	@tests/check-build
	@$(MAKE) --no-print-directory $(B)/tests/test-session-memory
	TMSD_ALLOC_STEP=1 $(B)/tests/test-session-memory
	@tests/newest --full
	@$(MAKE) --no-print-directory check-ghost
	@VERDICTS=10000 $(MAKE) --no-print-directory check-attacks
	@$(MAKE) --no-print-directory attacks
	@$(MAKE) --no-print-directory campaign
	@tests/e2e/full

check-package: $(ALL_TARGETS)
	@tests/package/install
	@tests/package/deb

check-newest:
	@tests/deps build test vm
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
	@echo 'check-unit, check-attacks, check-model, check-cli, check-kselftest, check-ends, check-campaign, check-newest: one part of check'
	@echo 'check-full every allocation of a session failing once and from then on; all on the newest kernel; half an hour of random ends of timelines, an hour of attacks on the audit log, half an hour of kills and power cuts; every shipped protocol at full length (hours)'
	@echo 'check-bare make demo and make check in minimal Debian 12 and 13 root file systems (as root; two hours)'
	@echo 'check-ghost, check-hostile: half an hour of random ends of timelines, of an ioctl fuzzer; the next call goes on'
	@echo 'attacks    an hour of all attacks on the audit log of a day, half of it on one of format 1; the next call goes on'
	@echo 'campaign   half an hour of kills of the daemon, of crash states of its disk, of cuts of the machine'"'"'s power; the next call goes on'
	@echo 'check-debug the module under KASAN, lockdep, kmemleak, UBSAN (builds a kernel once)'
	@echo 'fuzz       the protocol reader, the verifier and the scanner of records, FUZZ_SECONDS each'
	@echo 'coverage   which lines of user space the unit tests and the tests of tmsctl run; $(B)/coverage/index.html'
	@echo 'bench      measures; table and $(B)/bench.json'
	@echo 'lint       format, warnings, sparse, checkpatch, shellcheck, arrows, unit hardening'
	@echo 'audit-fields  the tables of fields in lib/AUDIT.md, made anew from daemon/record/schema.c'
	@echo 'arrows     who calls whom, floor by floor; fails on a circle and on an arrow that runs back'
	@echo 'vm         a root shell in the virtual machine with a card plugged in'
	@echo 'vm-terminal a second terminal of that machine'
	@echo 'install    into DESTDIR=$(DESTDIR) prefix=$(prefix), with the module for KDIR; MODULE=no leaves the module out'
	@echo 'uninstall  take away what install put there, unless a session is live; records, keys and what you have edited stay'
	@echo 'check-package installing, keeping, taking away, with a daemon that is played; the Debian packages, built twice, and lintian'
	@echo 'deb        Debian packages, with their bill of materials, in $(B)/deb/'
	@echo 'deps       Debian packages that make needs; deps-all: and those of tests and lint'
	@echo 'clean      remove $(B)/'

endif
