# A thin front: CMake builds, ctest tests. Each target installs what it lacks.
PRESET ?= release
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
C_FILES = $(shell git ls-files '*.c' '*.h')

# the one place that has the number is CMakeLists.txt
VERSION = $(shell sed -n 's/^project.derpkit VERSION \([^ ]*\) .*/\1/p' \
	CMakeLists.txt)
PROGRAMS = derper derpmap derpverify

.PHONY: all deps build peers helpers captures demo test e2e packages bench fuzz \
	install uninstall dist deb image format lint clean help

all: build

help:
	@echo 'make            build derper, derpmap, derpverify in $(BUILD)/bin, and'
	@echo '                nothing else'
	@echo 'make demo       show it all working on this machine, without root'
	@echo 'make test       all tests, also under ASan+UBSan and TSan'
	@echo 'make e2e        real tailscaled and headscale through the relay'
	@echo 'make packages   build, check, install and remove packages and images'
	@echo '                (PACKAGES="NAME...": only these of tests/packages)'
	@echo 'make bench      measure against the Go derper (BENCH_ARGS=--wide: also'
	@echo '                over emulated links)'
	@echo 'make fuzz       fuzz every parser (SECONDS_EACH=60)'
	@echo 'make install    PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)'
	@echo 'make uninstall  remove what make install put there'
	@echo 'make dist       derpkit-$(VERSION).tar.gz, which builds without git'
	@echo 'make deb        Debian packages in $(BUILD)/deb'
	@echo 'make image      container images, by docker, podman or buildah'
	@echo '                (REGISTRY=localhost)'
	@echo 'make captures   make the pictures of the README anew'
	@echo 'make deps       install the Debian packages that anything needs'
	@echo 'make format | lint | clean'

deps:
	@.ci/deps

# What root has built belongs to whom the sources belong, who builds again.
give_back = [ "$$(id -u)" != 0 ] || \
	chown -R --reference=. $(BUILD) $(BUILD).log 2>/dev/null || true

# Configures with the tests that $(1) says, and builds $(2).
define build_with
	@cmake -S . -B $(BUILD) -G Ninja -DDERPKIT_PRESET=$(PRESET) $(1) \
		'-DCMAKE_INSTALL_PREFIX=$(PREFIX)' >$(BUILD).log 2>&1 || \
		{ cat $(BUILD).log; exit 1; }
	@cmake --build $(BUILD) -j $(JOBS) $(2) -- $$([ -t 1 ] || echo --quiet)
	@$(give_back)
endef

# A folder that was configured with more of the tests keeps them.
has_tests = $(shell sed -n 's/^DERPKIT_TESTS:[A-Z]*=//p' $(BUILD)/CMakeCache.txt \
	2>/dev/null)

build:
	@.ci/deps build
	$(call build_with,$(if $(has_tests),,-DDERPKIT_TESTS=OFF),--target $(PROGRAMS))

# what make demo needs besides
peers:
	@.ci/deps build demo
	$(call build_with,$(if $(filter ON,$(has_tests)),,-DDERPKIT_TESTS=peers),\
		--target $(PROGRAMS) derp-peer)

# all that tests need
helpers:
	@.ci/deps build demo test
	$(call build_with,-DDERPKIT_TESTS=ON)

captures: peers
	@python3 -B docs/capture.py $(BUILD)/bin/derpmap $(BUILD)/bin/derper \
		docs/img
	@python3 -B docs/record.py docs/img/demo.svg \
		python3 -B tests/demo/demo.py $(BUILD)/bin $(BUILD)/tests

demo: peers
	@python3 -B tests/demo/demo.py $(BUILD)/bin $(BUILD)/tests

test:
	@.ci/deps build demo test
	@tests/run.sh release debug tsan

e2e: helpers
	@DERPKIT_BIN=$(CURDIR)/$(BUILD)/bin DERPKIT_PEERS=$(CURDIR)/$(BUILD)/peers \
		tests/interop/e2e.sh || [ $$? -eq 77 ]
	@python3 tests/lint/consumers.py $(BUILD)/bin/derpmap
	@python3 -B tests/ci/consumers.py $(BUILD)/bin/derpmap
	@DERPER_BUILT=$(CURDIR)/$(BUILD)/bin/derper \
		DERP_PEER=$(CURDIR)/$(BUILD)/tests/derp-peer \
		WEBSOCKET_ECHO=$(CURDIR)/$(BUILD)/tests/derp-websocket-echo \
		python3 -B tests/relay/e2e_websocket.py
	@DERPER_BUILT=$(CURDIR)/$(BUILD)/bin/derper \
		DERP_PEER=$(CURDIR)/$(BUILD)/tests/derp-peer \
		python3 -B tests/relay/e2e_status.py
	@DERPER_BUILT=$(CURDIR)/$(BUILD)/bin/derper \
		DERP_PEER=$(CURDIR)/$(BUILD)/tests/derp-peer \
		DERPKIT_PEERS=$(CURDIR)/$(BUILD)/peers \
		python3 -B tests/relay/e2e_acme.py

packages: helpers
	@.ci/deps deb packages
	@DERPKIT_BIN=$(CURDIR)/$(BUILD)/bin DERPKIT_PEERS=$(CURDIR)/$(BUILD)/peers \
		DERPKIT_HELPERS=$(CURDIR)/$(BUILD)/tests \
		tests/packages/run.sh $(PACKAGES)

bench: helpers
	@cmake -S . -B $(BUILD)-evp -G Ninja -DDERPKIT_IPSEC_MB=OFF \
		-DDERPKIT_TESTS=OFF >$(BUILD)-evp.log && \
		cmake --build $(BUILD)-evp -j $(JOBS) >>$(BUILD)-evp.log || \
		{ cat $(BUILD)-evp.log; exit 1; }
	@python3 tests/bench/bench.py --bin $(BUILD)/bin \
		--ours-evp $(BUILD)-evp/bin/derper $(BENCH_ARGS)
	@python3 tests/bench/map_bench.py --bin $(BUILD)/bin \
		--peer $(BUILD)/tests/map-peer

fuzz:
	@.ci/deps build demo test
	@tests/fuzz/run.sh $(or $(SECONDS_EACH),60)

# whatever umask root has, others use what is installed
install: build
	@umask 022; DESTDIR='$(DESTDIR)' cmake --install $(BUILD) >$(BUILD)/install.log || \
		{ cat $(BUILD)/install.log; exit 1; }
	@$(give_back)
	@echo 'installed below $(DESTDIR)$(PREFIX);' \
		'$(BUILD)/install_manifest.txt has the list'

uninstall: build
	@cmake/uninstall.sh $(BUILD) '$(DESTDIR)' '$(PREFIX)'
	@$(give_back)

# The sources of the last commit, always the same bytes. They build without git.
dist:
	@[ -e .git ] || { echo 'make dist: only in a git checkout of derpkit' >&2; \
		exit 1; }
	@git status --porcelain --untracked-files=no | sed 1q | \
		sed 's/.*/make dist: what is not committed is not in it/' >&2
	@git archive --prefix=derpkit-$(VERSION)/ -o derpkit-$(VERSION).tar HEAD
	@gzip -9nf derpkit-$(VERSION).tar
	@sha256sum derpkit-$(VERSION).tar.gz

deb:
	@.ci/deps build deb
	@debian/build.sh $(BUILD)/deb

image:
	@container/build.sh

format:
	@.ci/deps test
	@clang-format-14 -i $(C_FILES)

lint:
	@.ci/deps build demo test
	@.ci/lint

clean:
	@rm -rf build build-* build.log derpkit-*.tar.gz
