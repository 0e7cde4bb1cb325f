# A thin front for Meson: these targets are for the first minute. Everything else is `meson` and `ninja` in $(BUILD).
#
#   make          configure and build
#   make demo     the main job, start to end: two processes, a picture, a table
#   make test     every test suite; ends with "N passed, N failed"
#   make campaign the attacks on cache, store and dispatch at full length, sanitizers and fuzzing included: some 20 minutes
#
# Each installs the packages it misses first (tools/setup.sh) and needs nothing done before.
BUILD ?= build
MESON_FLAGS ?=

.PHONY: all campaign clean configure demo packages test

all: configure
	ninja -C $(BUILD)

campaign: configure
	tools/setup.sh --dev
	BUILD=$(BUILD) tools/campaign.sh

demo: packages
	BUILD=$(BUILD) tools/demo.sh

test: configure
	BUILD=$(BUILD) tools/test.sh

clean:
	rm -rf $(BUILD)

configure: packages
	@[ -f $(BUILD)/build.ninja ] || meson setup --fatal-meson-warnings $(MESON_FLAGS) $(BUILD)

packages:
	@tools/setup.sh
