# A thin front: CMake builds, ctest tests. Everything installs what it lacks.
PRESET ?= release
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
C_FILES = $(shell git ls-files '*.c' '*.h')

.PHONY: all deps build captures demo test e2e bench fuzz install format lint clean help

all: build

help:
	@echo 'make            build derper, derpmap, derpverify in $(BUILD)/bin'
	@echo 'make demo       show it all working on this machine, without root'
	@echo 'make test       all tests, also under ASan+UBSan and TSan'
	@echo 'make e2e        real tailscaled and headscale through the relay'
	@echo 'make bench      measure against the Go derper (BENCH_ARGS=--wide: also'
	@echo '                over emulated links)'
	@echo 'make fuzz       fuzz every parser (SECONDS_EACH=60)'
	@echo 'make install    PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)'
	@echo 'make captures   make the pictures of the README anew'
	@echo 'make deps       install the Debian packages that are missing'
	@echo 'make format | lint | clean'

deps:
	@.ci/deps

build: deps
	@cmake -S . -B $(BUILD) -G Ninja -DDERPKIT_PRESET=$(PRESET) \
		-DCMAKE_INSTALL_PREFIX=$(PREFIX) >$(BUILD).log 2>&1 || \
		{ cat $(BUILD).log; exit 1; }
	@cmake --build $(BUILD) -j $(JOBS)

captures: build
	@python3 -B docs/capture.py $(BUILD)/bin/derpmap $(BUILD)/bin/derper \
		docs/img

demo: build
	@python3 -B tests/demo/demo.py $(BUILD)/bin $(BUILD)/tests

test: deps
	@tests/run.sh release debug tsan

e2e: build
	@DERPKIT_BIN=$(CURDIR)/$(BUILD)/bin DERPKIT_PEERS=$(CURDIR)/$(BUILD)/peers \
		tests/interop/e2e.sh || [ $$? -eq 77 ]
	@python3 tests/lint/consumers.py $(BUILD)/bin/derpmap
	@python3 -B tests/ci/consumers.py $(BUILD)/bin/derpmap
	@DERPER_BUILT=$(CURDIR)/$(BUILD)/bin/derper \
		DERP_PEER=$(CURDIR)/$(BUILD)/tests/derp-peer \
		WEBSOCKET_ECHO=$(CURDIR)/$(BUILD)/tests/derp-websocket-echo \
		python3 -B tests/relay/e2e_websocket.py

bench: build
	@cmake -S . -B $(BUILD)-evp -G Ninja -DDERPKIT_IPSEC_MB=OFF \
		-DDERPKIT_TESTS=OFF >$(BUILD)-evp.log && \
		cmake --build $(BUILD)-evp -j $(JOBS) >>$(BUILD)-evp.log || \
		{ cat $(BUILD)-evp.log; exit 1; }
	@python3 tests/bench/bench.py --bin $(BUILD)/bin \
		--ours-evp $(BUILD)-evp/bin/derper $(BENCH_ARGS)
	@python3 tests/bench/map_bench.py --bin $(BUILD)/bin \
		--peer $(BUILD)/tests/map-peer

fuzz: deps
	@tests/fuzz/run.sh $(or $(SECONDS_EACH),60)

install: build
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD) --prefix $(PREFIX)

format: deps
	@clang-format-14 -i $(C_FILES)

lint: deps
	@.ci/lint

clean:
	@rm -rf build build-* build.log
