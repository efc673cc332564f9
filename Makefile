# GNU make. Needs cargo, a C compiler with GNU binutils, and perl; `make help` lists the targets.

PREFIX = /usr/local
EXEC_PREFIX = $(PREFIX)
LIBDIR = $(EXEC_PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
PKGCONFIGDIR = $(LIBDIR)/pkgconfig
DESTDIR =
CXX = g++
CFLAGS =
LDFLAGS =
OBJCOPY = objcopy
INSTALL = install
CARGO = cargo
CARGOFLAGS =
JOBS := $(shell nproc 2>/dev/null || echo 2)
# What `make check` runs besides; .ci/run adds the slow ones.
EXTRA_CHECKS =

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
# The first number is the ABI's: build.rs gives it to cargo's own shared object too.
SONAME = libacl_socket.so.$(firstword $(subst ., ,$(VERSION)))
REAL = libacl_socket.so.$(VERSION)

TARGET = target
DIST = $(TARGET)/dist
STATICLIB = $(TARGET)/release/libacl_socket.a
NATIVE = $(DIST)/native-static-libs
LIBRARIES = $(DIST)/$(REAL) $(DIST)/libacl_socket.a

# "system", with what cargo needs to find it where pkg-config does not, or "vendored".
OPENSSL := $(shell tools/find-openssl $(CC))
ifneq ($(filter vendored,$(OPENSSL)),)
FEATURES = --features vendored-openssl
# Other cargo runs take the OpenSSL that the first one built, instead of building it once each.
VENDORED = $$(ls -td $(abspath $(TARGET))/release/build/openssl-sys-*/out/openssl-build/install | head -n 1)
OPENSSL_ENV = OPENSSL_STATIC=1 OPENSSL_DIR=$(VENDORED)
else
BUILD_ENV = $(filter OPENSSL_%,$(OPENSSL))
OPENSSL_ENV = $(BUILD_ENV)
OPENSSL_CFLAGS = $(patsubst OPENSSL_INCLUDE_DIR=%,-I%,$(filter OPENSSL_INCLUDE_DIR=%,$(OPENSSL)))
OPENSSL_LDFLAGS = $(patsubst OPENSSL_LIB_DIR=%,-L%,$(filter OPENSSL_LIB_DIR=%,$(OPENSSL)))
endif

# Cargo cannot use make's job server and would complain.
RUN_CARGO = MAKEFLAGS= $(CARGO)
# Parts of a check do not ask cargo again.
SUBMAKE = $(MAKE) --no-print-directory BUILT=1
PARALLEL = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(JOBS))
# Programs in the build tree find the shared object without being told.
LINK_SHARED = -L$(DIST) -lacl_socket -Wl,-rpath,$(abspath $(DIST))
LINK_STATIC = $(DIST)/libacl_socket.a $(OPENSSL_LDFLAGS) $$(cat $(NATIVE))

all: $(LIBRARIES)
.PHONY: all check check-lisp check-header check-header-matrix check-symbols check-native-libs check-rust check-c \
	check-c-programs check-cpp check-demo check-install check-valgrind check-instructions check-sanitize check-sanitize-programs \
	check-tsan-programs check-loom bench bench-sbcl demo examples header install install-strip uninstall clean help FORCE
.DELETE_ON_ERROR:

help:
	@echo 'make                  the shared and the static library, in $(DIST)'
	@echo 'make demo             builds and runs the examples'
	@echo 'make bench            the library against bare system calls, as ratios; bench/README.md'
	@echo 'make bench-sbcl       the Lisp system against streams of SBCL, as ratios'
	@echo 'make check            every test but the slow ones: make check-valgrind, check-sanitize, check-loom, check-instructions'
	@echo 'make install          PREFIX=$(PREFIX) LIBDIR INCLUDEDIR PKGCONFIGDIR DESTDIR; also install-strip, uninstall'
	@echo 'make header           include/acl_socket.h, from the sources'
	@echo 'make clean            removes all that was built'
	@echo 'OPENSSL=vendored      builds OpenSSL from source though the system has one'

# --- the libraries

# Cargo knows whether something is to be done, and leaves the file's time alone if not.
$(STATICLIB): $(if $(BUILT),,FORCE)
	@mkdir -p $(DIST)
	$(if $(FEATURES),@echo 'No OpenSSL 3 development files: building OpenSSL from source (some minutes the first time).')
	$(BUILD_ENV) $(RUN_CARGO) rustc --release --lib --crate-type staticlib --target-dir $(TARGET) $(FEATURES) $(CARGOFLAGS) \
		-- --print native-static-libs=$(NATIVE)

# One object with everything the exported functions reach and no other global name: Rust's own would
# clash with those of a second Rust library in the program. The bitcode makes older LLVM plugins of
# nm and ar abort; references that nothing needs any more would drag in what no one uses.
$(DIST)/acl_socket.o: $(STATICLIB) acl_socket.symbols
	@sed 's/^/-Wl,-u,/' acl_socket.symbols > $(DIST)/roots
	$(CC) -r -nostdlib -Wl,-d -Wl,--gc-sections -Wl,--force-group-allocation \
		@$(DIST)/roots $(STATICLIB) -o $@.tmp
	$(OBJCOPY) -w -R .llvmbc -R .llvmcmd --strip-unneeded-symbol='*' \
		--keep-symbols=acl_socket.symbols --keep-global-symbols=acl_socket.symbols $@.tmp $@
	@rm -f $@.tmp

$(DIST)/libacl_socket.a: $(DIST)/acl_socket.o
	@rm -f $@
	$(AR) rcs $@ $<

# Linked here and not by cargo, because rustc brings an export list of its own, which no linker
# combines with symbol versions.
$(DIST)/$(REAL): $(DIST)/acl_socket.o tools/version-script
	tools/version-script acl_socket.symbols > $(DIST)/acl_socket.map
	$(CC) -shared $(CFLAGS) $(LDFLAGS) $(OPENSSL_LDFLAGS) -Wl,--version-script=$(DIST)/acl_socket.map -Wl,-soname,$(SONAME) \
		-Wl,-z,nodelete -Wl,-z,now -Wl,-z,relro -Wl,-z,defs -Wl,-z,noexecstack -Wl,--gc-sections \
		$< -Wl,--as-needed $$(cat $(NATIVE)) -o $@
	@ln -sf $(REAL) $(DIST)/$(SONAME)
	@ln -sf $(SONAME) $(DIST)/libacl_socket.so

# --- the header

HEADER_TOOL = $(OPENSSL_ENV) $(RUN_CARGO) run --quiet --manifest-path tools/header/Cargo.toml \
	--target-dir $(TARGET)/header $(CARGOFLAGS) --

header: $(if $(FEATURES),$(STATICLIB))
	$(HEADER_TOOL) include/acl_socket.h

check-header: $(if $(FEATURES),$(STATICLIB))
	@mkdir -p $(DIST)
	@$(HEADER_TOOL) $(DIST)/acl_socket.h
	@diff -u include/acl_socket.h $(DIST)/acl_socket.h || { echo 'include/acl_socket.h is stale: make header'; exit 1; }

check-header-matrix:
	@CC='$(CC)' CXX='$(CXX)' tools/check-header-matrix include/*.h

# --- the tests

CHECKS = check-header check-header-matrix check-symbols check-native-libs check-rust check-c check-cpp check-demo check-lisp check-install

check: all
	+@MAKE='$(SUBMAKE)' tools/check $(CHECKS) $(EXTRA_CHECKS)

check-symbols: all
	@CC='$(CC)' tools/check-symbols $(DIST) include/acl_socket.h

check-native-libs: all
	@tools/check-native-libs $(NATIVE) acl_socket.pc.in

check-rust: $(if $(FEATURES),$(STATICLIB))
	@$(OPENSSL_ENV) $(RUN_CARGO) test --target-dir $(TARGET) $(CARGOFLAGS)

# The models of what threads share, in every order of few preemptions. Each run of a model maps its threads'
# stacks, at which two models at once would only wait for each other.
check-loom: $(if $(FEATURES),$(STATICLIB))
	@$(OPENSSL_ENV) RUSTFLAGS='--cfg loom' $(RUN_CARGO) test --release --lib --target-dir $(TARGET)/loom $(CARGOFLAGS) \
		-- --test-threads=1 _model::

C_TESTS := $(basename $(notdir $(wildcard c-tests/*.c))) sweep
C_SUPPORT := $(wildcard c-tests/support/*.c)
C_HEADERS := $(wildcard c-tests/*.h c-tests/support/*.h include/*.h)
C_SHARED = $(C_TESTS:%=$(TARGET)/c-tests/shared/%)
C_STATIC = $(C_TESTS:%=$(TARGET)/c-tests/static/%)
C_FLAGS = -std=c99 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wstrict-prototypes -Werror -g -O1 -pthread -Iinclude -Ic-tests
C_COMPILE = $(CC) $(C_FLAGS) $(CFLAGS) $< $(C_SUPPORT) -o $@
# For tests that open the library or walk its list of names.
C_ENV = ACL_SOCKET_LIBRARY=$(abspath $(DIST)/$(SONAME)) ACL_SOCKET_SYMBOLS=$(abspath acl_socket.symbols) ACL_TEST_PKI=$(abspath $(PKI))

# Certificates, keys and revocation lists for the tests of SSL.
PKI = $(TARGET)/c-tests/pki
$(PKI)/made: c-tests/make-pki
	@mkdir -p $(@D)
	c-tests/make-pki $(PKI)

# The sweep over every exported function is made from the export list.
$(TARGET)/c-tests/sweep.c: c-tests/make-sweep acl_socket.symbols include/acl_socket.h
	@mkdir -p $(@D)
	c-tests/make-sweep acl_socket.symbols include/acl_socket.h > $@

vpath %.c c-tests $(TARGET)/c-tests

$(TARGET)/c-tests/shared/%: %.c $(C_SUPPORT) $(C_HEADERS) $(DIST)/$(REAL)
	@mkdir -p $(@D)
	$(C_COMPILE) $(LDFLAGS) $(LINK_SHARED) -ldl -lm

$(TARGET)/c-tests/static/%: %.c $(C_SUPPORT) $(C_HEADERS) $(DIST)/libacl_socket.a
	@mkdir -p $(@D)
	$(C_COMPILE) $(LDFLAGS) $(LINK_STATIC) -ldl -lm

check-c-programs: $(PKI)/made $(C_SHARED) $(C_STATIC)

# A test that does not compile is a test that fails; the others run all the same.
check-c: all
	+@$(SUBMAKE) -s -k $(PARALLEL) check-c-programs || true
	@$(C_ENV) c-tests/run --jobs $(JOBS) $(C_SHARED) $(C_STATIC)

CPP_PROGRAMS = $(TARGET)/c-tests/cpp-c++11 $(TARGET)/c-tests/cpp-c++23

$(TARGET)/c-tests/cpp-%: c-tests/cpp.cpp $(wildcard include/*) $(DIST)/$(REAL)
	@mkdir -p $(@D)
	$(CXX) -std=$(subst 23,2b,$*) -Wall -Wextra -Wpedantic -Wold-style-cast -Werror -Iinclude $(CXXFLAGS) -pthread $< -o $@ $(LDFLAGS) $(LINK_SHARED)

check-cpp: all
	@command -v $(CXX) >/dev/null || { echo 'SKIP check-cpp: no $(CXX)'; exit 0; }; \
	$(SUBMAKE) -s -k $(PKI)/made $(CPP_PROGRAMS) || true; \
	$(C_ENV) c-tests/run --jobs $(JOBS) $(CPP_PROGRAMS)

# Counts that are the same on a busy machine: a call that takes more than it did is seen.
INSTRUCTIONS = $(TARGET)/bench/instructions
$(INSTRUCTIONS): bench/instructions/calls.c include/acl_socket.h
	@mkdir -p $(@D)
	$(CC) -std=c99 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wstrict-prototypes -Werror -O2 -g -Iinclude $(CFLAGS) $< -o $@ \
		$(LDFLAGS) $(LINK_SHARED)

check-instructions: all $(INSTRUCTIONS)
	@command -v valgrind >/dev/null || { echo 'SKIP check-instructions: no valgrind'; exit 0; }; \
	bench/instructions/check $(INSTRUCTIONS) $(if $(RECORD),--record)

# Skips the Lisps that are not installed. What they compile is kept in $(TARGET)/lisp.
check-lisp: all $(PKI)/made
	@ACL_TEST_PKI=$(abspath $(PKI)) lisp/tests/run $(TARGET)/lisp $(DIST)/$(SONAME)

VALGRIND = valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --track-fds=yes --fair-sched=try \
	--suppressions=c-tests/valgrind.supp

check-valgrind: all
	+@command -v valgrind >/dev/null || { echo 'SKIP check-valgrind: no valgrind'; exit 0; }; \
	$(SUBMAKE) -s -k $(PARALLEL) $(PKI)/made $(C_SHARED) || true; \
	$(C_ENV) ACL_TEST_SLOW=1 c-tests/run --jobs $(JOBS) --timeout 300 --wrapper '$(VALGRIND)' $(C_SHARED)

# The Rust code is instrumented too, which only a nightly compiler does; the runtime is gcc's.
SANITIZE = $(TARGET)/sanitize
C_SANITIZE = $(C_TESTS:%=$(TARGET)/c-tests/sanitize/%)

$(SANITIZE)/libacl_socket.a: FORCE
	@mkdir -p $(@D)
	host=$$(rustc -vV | sed -n 's/^host: //p') && \
	$(OPENSSL_ENV) RUSTFLAGS=-Zsanitizer=address MAKEFLAGS= cargo +nightly rustc --quiet --release --lib --crate-type staticlib \
		--target $$host --target-dir $(SANITIZE) $(CARGOFLAGS) -- --print native-static-libs=$(SANITIZE)/native-static-libs && \
	{ cmp -s $(SANITIZE)/$$host/release/libacl_socket.a $@ || cp $(SANITIZE)/$$host/release/libacl_socket.a $@; }

$(TARGET)/c-tests/sanitize/%: %.c $(C_SUPPORT) $(C_HEADERS) $(SANITIZE)/libacl_socket.a
	@mkdir -p $(@D)
	$(C_COMPILE) -fsanitize=address,undefined -fno-sanitize-recover=undefined $(LDFLAGS) $(SANITIZE)/libacl_socket.a \
		$(OPENSSL_LDFLAGS) $$(cat $(SANITIZE)/native-static-libs) -ldl -lm

# ThreadSanitizer wants the standard library instrumented as well, from its sources, which the first time
# takes a minute. The runtime is rustc's: gcc 12's has no hook for a system call that may wait, which
# c-tests/tsan/syscall.c needs. The tests that have no threads are left out, and none for other reasons.
TSAN = $(TARGET)/tsan
TSAN_TESTS := $(basename $(notdir $(shell grep -lE 'pthread_create|(concurrent|nameserver|places|sources|timeouts|wait_sets)\.h' c-tests/*.c)))
C_TSAN = $(TSAN_TESTS:%=$(TARGET)/c-tests/tsan/%)
TSAN_SUPPORT := $(wildcard c-tests/tsan/*.c)
TSAN_RUNTIME = -Wl,--whole-archive $$(echo $$(rustc +nightly --print target-libdir)/librustc*_rt.tsan.a) -Wl,--no-whole-archive \
	-Wl,--export-dynamic

$(TSAN)/libacl_socket.a: FORCE
	@mkdir -p $(@D)
	host=$$(rustc -vV | sed -n 's/^host: //p') && \
	$(OPENSSL_ENV) RUSTFLAGS=-Zsanitizer=thread MAKEFLAGS= cargo +nightly rustc --quiet --release --lib --crate-type staticlib \
		-Zbuild-std --target $$host --target-dir $(TSAN) $(CARGOFLAGS) -- --print native-static-libs=$(TSAN)/native-static-libs && \
	{ cmp -s $(TSAN)/$$host/release/libacl_socket.a $@ || cp $(TSAN)/$$host/release/libacl_socket.a $@; }

# -r keeps gcc from linking its own runtime.
$(TARGET)/c-tests/tsan/%: %.c $(C_SUPPORT) $(TSAN_SUPPORT) $(C_HEADERS) $(TSAN)/libacl_socket.a
	@mkdir -p $(@D)
	$(CC) $(C_FLAGS) $(CFLAGS) -fsanitize=thread -r -nostdlib $< $(C_SUPPORT) -o $@.o
	$(CC) $(C_FLAGS) $(CFLAGS) $@.o $(TSAN_SUPPORT) -Wl,--wrap=syscall $(LDFLAGS) $(TSAN)/libacl_socket.a $(TSAN_RUNTIME) \
		$(OPENSSL_LDFLAGS) $$(cat $(TSAN)/native-static-libs) -ldl -lm -lrt -o $@

check-sanitize-programs: $(PKI)/made $(C_SANITIZE)
check-tsan-programs: $(PKI)/made $(C_TSAN)

check-sanitize: $(if $(FEATURES),$(STATICLIB))
	+@rustup toolchain list 2>/dev/null | grep -q '^nightly' || { echo 'SKIP check-sanitize: no nightly toolchain'; exit 0; }; \
	programs='$(C_SANITIZE)'; targets=check-sanitize-programs; \
	if test -e "$$(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock"; then \
		programs="$$programs $(C_TSAN)"; targets="$$targets check-tsan-programs"; \
	else \
		echo 'SKIP check-sanitize with ThreadSanitizer: rustup component add rust-src --toolchain nightly'; \
	fi; \
	$(SUBMAKE) -s -k $(PARALLEL) $$targets || true; \
	$(C_ENV) ACL_TEST_SLOW=1 TSAN_OPTIONS=io_sync=0 c-tests/run --jobs $(JOBS) --timeout 120 $$programs

# --- the benchmark

# make bench BENCH='-r 15 -s 0.5 getc lines'; bench/README.md tells how to read it.
BENCH =
BENCH_FLAGS = -std=c99 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wstrict-prototypes -Werror -O2 -g -pthread -Iinclude

DECODERS = $(TARGET)/bench/chunks/release/libacl_socket_bench_chunks.a
$(DECODERS): bench/chunks/src/lib.rs bench/chunks/Cargo.toml src/stream/chunks.rs
	MAKEFLAGS= cargo build --quiet --release --locked --manifest-path bench/chunks/Cargo.toml --target-dir $(TARGET)/bench/chunks

$(TARGET)/bench/bench: $(wildcard bench/*.c bench/*.h include/*.h) $(DECODERS) $(DIST)/$(REAL)
	@mkdir -p $(@D)
	$(CC) $(BENCH_FLAGS) $(CFLAGS) $(filter %.c,$^) $(DECODERS) -o $@ $(LDFLAGS) $(LINK_SHARED) $(if $(FEATURES),-I$(VENDORED)/include -L$(VENDORED)/lib64 -L$(VENDORED)/lib,$(OPENSSL_CFLAGS)) -lssl -lcrypto -lpthread -ldl

bench: $(TARGET)/bench/bench
	@$(TARGET)/bench/bench $(BENCH)

bench-sbcl: all
	@mkdir -p $(TARGET)/lisp/sbcl
	@ACL_SOCKET_LIBRARY=$(abspath $(DIST)/$(SONAME)) ACL_SOCKET_FASLS=$(abspath $(TARGET))/lisp/sbcl/ \
		sbcl --noinform --no-sysinit --no-userinit --non-interactive --load bench/sbcl.lisp

# --- the examples

EXAMPLES := $(sort $(basename $(notdir $(wildcard examples-c/*.c))))

# An example that opens the library at run time is not linked to it.
BY_DLOPEN = datagram

$(TARGET)/examples/%: examples-c/%.c $(wildcard examples-c/*.h) $(C_HEADERS) $(DIST)/$(REAL)
	@mkdir -p $(@D)
	$(CC) $(C_FLAGS) $(CFLAGS) $< -o $@ $(LDFLAGS) $(if $(filter $(BY_DLOPEN),$*),-ldl,$(LINK_SHARED))

examples: $(EXAMPLES:%=$(TARGET)/examples/%)

demo: examples
	@for name in $(EXAMPLES); do \
		echo "== $$name"; LD_LIBRARY_PATH=$(abspath $(DIST)) $(TARGET)/examples/$$name || exit 1; done

check-demo: examples
	@mkdir -p $(TARGET)/examples
	+@$(SUBMAKE) -s demo > $(TARGET)/examples/output || { cat $(TARGET)/examples/output; exit 1; }
	@for tool in curl openssl; do command -v $$tool >/dev/null || { echo "SKIP check-demo: no $$tool"; exit 0; }; done; \
	tools/check-demo examples-c/demo.expected $(TARGET)/examples/output

# --- installation

# What is there is installed as it is: root need not have cargo.
install:
	+@test -e $(DIST)/$(REAL) && test -e $(DIST)/libacl_socket.a || $(SUBMAKE) all
	$(INSTALL) -d $(DESTDIR)$(LIBDIR) $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(PKGCONFIGDIR)
	$(INSTALL) -m 755 $(DIST)/$(REAL) $(DESTDIR)$(LIBDIR)/$(REAL)
	ln -sf $(REAL) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libacl_socket.so
	$(INSTALL) -m 644 $(DIST)/libacl_socket.a $(DESTDIR)$(LIBDIR)/libacl_socket.a
	$(INSTALL) -m 644 $(wildcard include/*.h include/*.hpp) $(DESTDIR)$(INCLUDEDIR)
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@EXEC_PREFIX@|$(patsubst $(PREFIX)%,$${prefix}%,$(EXEC_PREFIX))|' \
		-e 's|@LIBDIR@|$(patsubst $(EXEC_PREFIX)%,$${exec_prefix}%,$(LIBDIR))|' \
		-e 's|@INCLUDEDIR@|$(patsubst $(PREFIX)%,$${prefix}%,$(INCLUDEDIR))|' -e 's|@VERSION@|$(VERSION)|' \
		-e "s|@REQUIRES_PRIVATE@|$$(grep -qw -e -lssl $(NATIVE) && echo libssl libcrypto)|" \
		acl_socket.pc.in > $(DESTDIR)$(PKGCONFIGDIR)/acl_socket.pc

install-strip: install
	strip --strip-unneeded $(DESTDIR)$(LIBDIR)/$(REAL)
	strip --strip-debug $(DESTDIR)$(LIBDIR)/libacl_socket.a

uninstall:
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,$(REAL) $(SONAME) libacl_socket.so libacl_socket.a) \
		$(addprefix $(DESTDIR)$(INCLUDEDIR)/,$(notdir $(wildcard include/*.h include/*.hpp))) \
		$(DESTDIR)$(PKGCONFIGDIR)/acl_socket.pc

check-install: all
	+@MAKE='$(SUBMAKE)' CC='$(CC)' CXX='$(CXX)' tools/check-install $(NATIVE)

clean:
	rm -rf $(TARGET)
