# foldrank - see `make help`.
-include config.mk                # site settings: CC, PKGS, ARCH, PREFIX ... (git-ignored)

BUILD  ?= release
O      ?= build/$(BUILD)
PREFIX ?= /usr/local
ROOMS  ?= base linalg space data model ensemble explain train search select config objective store export schedule embed cli

ifeq ($(origin CC),default)
CC := mpicc
endif
OBJCOPY ?= objcopy
# Debian may have another OpenBLAS installed beside the OpenMP one: prefer this one.
export PKG_CONFIG_PATH := $(PKG_CONFIG_PATH):$(firstword $(wildcard /usr/lib/*/openblas-openmp/pkgconfig))
PKGS ?= $(shell pkg-config --exists hdf5-openmpi && echo hdf5-openmpi || echo hdf5) openblas \
        scalapack-openmpi yaml-0.1 nlopt zlib libprotobuf-c sndfile fftw3f libpng jansson

# XGBoost's library grows the trees of family xgboost: found by pkg-config or by the compiler,
# XGBOOST=DIR says where it is, XGBOOST=no leaves it out.
XGBOOST ?= $(shell pkg-config --exists xgboost && echo pkg-config || \
             { printf '\#include <xgboost/c_api.h>\nint main(void) { XGBoostVersion(0, 0, 0); }\n' | \
               $(CC) $(CPPFLAGS) -x c - $(LDFLAGS) -lxgboost -o /dev/null 2>/dev/null && echo yes || echo no; })
XGBOOST := $(XGBOOST)
XGBOOST.none := $(filter no,$(XGBOOST))
XGBOOST.dir  := $(filter-out pkg-config yes no,$(XGBOOST))

# Open MPI as root, and more ranks than cores, want to be told so. On one machine the ranks talk
# through shared memory: not looking for fabrics (pml ob1) halves the time of a start.
MPIRUN ?= mpirun --oversubscribe --mca pml ob1 $(if $(filter 0,$(shell id -u)),--allow-run-as-root) -n

WARN := -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
OPT.release := -O3 $(ARCH) -g1
OPT.asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT.tsan    := -O1 -g -fsanitize=thread
OPT         ?= $(OPT.$(BUILD))

CPPFLAGS += -D_GNU_SOURCE -Iinclude $(shell pkg-config --cflags $(PKGS)) $(XGBOOST.dir:%=-isystem %/include)
FPFLAGS  := -fno-math-errno -ffp-contract=off
# Products in registers want fused multiply-add, and so do the sums over sparse rows, which are
# those over dense ones without the products of zeros; nowhere else may results depend on it.
FUSED    := src/linalg/small% src/model/sparse
CFLAGS   += $(WARN) $(WERROR) $(OPT) $(FPFLAGS) -fPIC -fvisibility=hidden -fopenmp -pthread
LDLIBS   += $(shell pkg-config --libs $(PKGS)) \
            $(XGBOOST.dir:%=-L%/lib -Wl,-rpath,%/lib) $(if $(XGBOOST.none),,-lxgboost) -ldl -lm

# Short lines; V=1 shows the commands.
Q := $(if $(V),,@)
say = @$(if $(V),:,printf '%-5s %s\n' $1 $2)

SRC := $(filter-out src/cli/main%.c src/train/grow_$(if $(XGBOOST.none),xgboost,none).c,$(sort $(foreach r,$(ROOMS),$(wildcard src/$r/*.c))))
OBJ := $(SRC:%.c=$O/%.o) $O/gen/onnx.pb-c.o
LIB := $O/rooms.a
BIN := $O/foldrank

# What other programs link: all that a run needs, of which only tune.h and status.h are visible.
VERSION := $(shell sed -nE 's/^.define FR_VERSION "(.*)"/\1/p' include/foldrank/version.h)
SONAME  := libfoldrank.so.$(firstword $(subst ., ,$(VERSION)))
SHARED  := $O/lib/libfoldrank.so.$(VERSION)
STATIC  := $O/lib/libfoldrank.a
LIBOBJ  := $(filter-out $O/src/cli/% $O/src/export/% $O/gen/%,$(OBJ))
EXPORTS := $(shell sed -nE 's/^ *(fr_.*);/\1/p' src/embed/exports)
PUBLIC  := tune.h plugin.h status.h version.h

all: $(BIN) $(SHARED) $(STATIC)   ## build the program and the library

$(BIN): $O/src/cli/main.o $(LIB)
	$(call say,LINK,$@)
	$Q$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIB): $(OBJ)
	@rm -f $@
	$Q$(AR) rcs $@ $^

$(SHARED): $(LIBOBJ) src/embed/exports
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$Q$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=src/embed/exports \
	    -Wl,--no-undefined -Wl,--as-needed -o $@ $(LIBOBJ) $(LDLIBS)
	@ln -sf $(@F) $(@D)/$(SONAME); ln -sf $(SONAME) $(@D)/libfoldrank.so

$(STATIC): $(LIBOBJ) src/embed/exports
	@mkdir -p $(@D); rm -f $@
	$(call say,AR,$@)
	$Q$(LD) -r -o $(@:.a=.o) $(LIBOBJ)
	$Q$(OBJCOPY) -w $(EXPORTS:%=-G '%') $(@:.a=.o)
	$Q$(AR) rcs $@ $(@:.a=.o)

$(FUSED:%=$O/%.o): private FPFLAGS += -ffp-contract=fast

$O/%.o: %.c $O/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$Q$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# ONNX models are written through the official description of the format; every ONNX package has
# the file (Debian's libonnx-dev, the onnx wheel). Ours is a copy, so that it has one name.
ONNX_PROTO ?= $(firstword $(wildcard $(foreach d,/usr/include /usr/local/include $(subst :, ,$(CPATH)),\
                $d/onnx/onnx.proto $d/onnx/onnx-ml.proto)))
$O/gen/onnx.pb-c.c: $(ONNX_PROTO) $O/flags
	@mkdir -p $(@D)
	@test -n '$(ONNX_PROTO)' || { echo 'onnx.proto is not found: run make deps, or say where it is: make ONNX_PROTO=FILE' >&2; exit 1; }
	$(call say,GEN,$@)
	$Qcp $(ONNX_PROTO) $(@D)/onnx.proto && protoc-c --proto_path=$(@D) --c_out=$(@D) $(@D)/onnx.proto
$O/gen/onnx.pb-c.h: $O/gen/onnx.pb-c.c ;
$O/gen/onnx.pb-c.o: $O/gen/onnx.pb-c.c
	$(call say,CC,$@)
	$Q$(CC) $(CPPFLAGS) $(OPT) -w -c -o $@ $<
$(filter $O/src/export/%,$(OBJ)): $O/gen/onnx.pb-c.h
$O/src/export/%.o: private CPPFLAGS += -isystem $O/gen

# The results name the source they were made by.
$O/src/store/results_put.o: private CPPFLAGS += -DFR_GIT='"$(shell cat $O/git)"'
$O/src/store/results_put.o: $O/git
$O/git: FORCE
	@mkdir -p $(@D); git describe --always --dirty --tags 2>/dev/null >$@.new || echo unknown >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# What foldrank submit writes: the lines of jobs/batch.sh below its options, as C strings.
$O/src/cli/submit_script.o: private CPPFLAGS += -I$O/src/cli
$O/src/cli/submit_script.o: $O/src/cli/batch_script.h
$O/src/cli/batch_script.h: jobs/batch.sh
	@mkdir -p $(@D); sed -E '1,/^set -u$$/{/^set -u$$/!d}; s/[\\"]/\\&/g; s/.*/"&",/' $< >$@

UNIT := $(patsubst %.c,$O/%,$(sort $(wildcard tests/unit/test_*.c)))
PARALLEL := $(patsubst %.c,$O/%,$(sort $(wildcard tests/mpi/test_*.c)))
$O/tests/%: $O/tests/%.o $(LIB)
	$(call say,LINK,$@)
	$Q$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

# Rebuild when the compiler or the flags change, not only when sources do. Warnings as errors
# change nothing in what is built; without XGBoost a file takes the place of another.
STAMP = $(CC) $(CPPFLAGS) $(filter-out $(WERROR),$(CFLAGS)) $(XGBOOST.none:no=XGBOOST=no) fused: $(FUSED)
$O/flags: FORCE
	@mkdir -p $(@D); echo '$(STAMP)' | cmp -s - $@ || echo '$(STAMP)' >$@

# ---- what is needed ----

DEPS := gcc libc6-dev make pkg-config openmpi-bin libopenmpi-dev libhdf5-openmpi-dev \
        libopenblas-openmp-dev libscalapack-openmpi-dev libyaml-dev libnlopt-dev zlib1g-dev \
        libprotobuf-c-dev protobuf-c-compiler libonnx-dev libsndfile1-dev libfftw3-dev libpng-dev \
        libjansson-dev
DEPS.check := gfortran libcmocka-dev clang-format-14 shellcheck hdf5-tools perl-base procps \
              man-db groff mandoc python3-venv
# Built without, where a distribution has it not; `make` says so.
DEPS.wanted := libxgboost-dev
# For tests that skip themselves without: no reason to fail, or to ask for a password.
DEPS.optional := slurmctld slurmd slurm-client munge chromium
DEPS_ELSEWHERE := a C11 compiler, pkg-config, an MPI-3 library, HDF5, OpenBLAS with OpenMP, \
                  ScaLAPACK, libyaml, NLopt, zlib, libsndfile, FFTW (single precision), libpng, Jansson, \
                  protobuf-c, onnx.proto; for family xgboost its library; for the tests also cmocka, \
                  clang-format 14, shellcheck, \
                  h5diff, Python 3 with venv

# install,NAMES,AS-ROOT: those of the packages that are missing.
define install
	@missing=; for p in $1; do \
	    dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] && exit 0; echo "installing:$$missing"; \
	as=; [ $$(id -u) = 0 ] || as='$2'; \
	$$as apt-get update -qq && $$as env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends $$missing >/dev/null
endef

deps:                             ## install what is missing (asks for root only if something is)
ifeq ($(shell command -v dpkg-query),)
	@echo 'Needed: $(DEPS_ELSEWHERE).'
deps-check: deps
else
	$(call install,$(DEPS),sudo)
	$(call install,$(DEPS.wanted),sudo) || echo 'Built without family xgboost: $(DEPS.wanted) cannot be installed'

deps-check: deps                  ## and what the tests want
	$(call install,$(DEPS.check),sudo)
	$(call install,$(DEPS.optional),sudo -n) || echo 'Not all can be installed: some tests will be skipped'
endif

# The compiler and the flags are looked up when make starts; what deps has just installed is seen
# by a second make.
demo: deps                        ## install, build, search models for data/digits, predict
	@$(MAKE) --no-print-directory -j$$(nproc) run-demo

DEMO := build/demo
run-demo: $(BIN)
	$(MPIRUN) 2 $(BIN) run jobs/digits.yaml --output $(DEMO)
	$(MPIRUN) 2 $(BIN) predict $(DEMO) data/digits.csv.gz -o $(DEMO)/predictions.csv
	@echo; head -n 4 $(DEMO)/predictions.csv

check: deps-check                 ## install, build, run all tests
	@$(MAKE) --no-print-directory -j$$(nproc) run-check

SLURM := $(sort $(wildcard tests/slurm/*.sh))

export MPIRUN CC
run-check: export FOLDRANK := $(abspath $(BIN))
run-check: WERROR := -Werror
run-check: $(BIN) $(UNIT) $(PARALLEL) man
	@$(MAKE) --no-print-directory BUILD=asan WERROR=-Werror units
	-@$(MAKE) --no-print-directory build/analysis-venv/ready
	@tests/run $(UNIT) $(UNIT:$O/%=build/asan/%) \
	    $(sort $(wildcard tests/mpi/*.sh tests/cli/*.sh tests/lint/*.sh tests/analysis/*.sh)) $(SLURM)

check-analysis: export FOLDRANK := $(abspath $(BIN))
check-analysis: $(BIN) build/analysis-venv/ready ## test the Python package
	@tests/run $(sort $(wildcard tests/analysis/*.sh))

# The environment with the package as it is now; the tests say so, and are skipped, without it.
ANALYSIS := analysis/pyproject.toml $(wildcard analysis/foldrank/*.* analysis/foldrank/*/*.*)
build/analysis-venv/ready: build/analysis-venv/needs $(ANALYSIS)
	@rm -f $@; build/analysis-venv/bin/pip install -q --no-deps --force-reinstall ./analysis && touch $@
	@rm -rf analysis/build analysis/*.egg-info

build/analysis-venv/needs: analysis/pyproject.toml analysis/constraints.txt
	@rm -rf build/analysis-venv; mkdir -p build; python3 -m venv build/analysis-venv
	build/analysis-venv/bin/pip install -q -c analysis/constraints.txt './analysis[test,lint]'
	@rm -rf analysis/build analysis/*.egg-info; touch $@

check-slurm: export FOLDRANK := $(abspath $(BIN))
check-slurm: $(BIN)               ## try jobs/ on a private Slurm: a part of check
	@tests/run $(SLURM)

units: $(UNIT)                    ## build the unit tests

bench: $(BIN)                     ## measure: this machine, this program, its rivals
	tests/bench/run.sh $(BIN)

# The manual comes from the tables of options; its date is that of the source.
$O/foldrank-man: $O/src/cli/main_man.o $(LIB)
	$(call say,LINK,$@)
	$Q$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

MAN_DATE ?= $(shell git log -1 --format=%cs 2>/dev/null || date +%F)
$O/man/done: $O/foldrank-man
	@mkdir -p $O/man/man1 $O/man/man5
	$(call say,MAN,$O/man)
	$Q$< $O/man '$(MAN_DATE)' && touch $@

man: $O/man/done                  ## make the manual pages

TO := $(DESTDIR)$(PREFIX)
install: $(BIN) $(SHARED) $(STATIC) man ## copy program, library, headers and manual under PREFIX
	install -d $(TO)/bin $(TO)/lib/pkgconfig $(TO)/include/foldrank $(TO)/share/man/man1 $(TO)/share/man/man3 $(TO)/share/man/man5
	install -m 755 $(BIN) $(TO)/bin/foldrank
	install -m 755 $(SHARED) $(TO)/lib/
	ln -sf $(notdir $(SHARED)) $(TO)/lib/$(SONAME)
	ln -sf $(SONAME) $(TO)/lib/libfoldrank.so
	install -m 644 $(STATIC) $(TO)/lib/
	install -m 644 $(PUBLIC:%=include/foldrank/%) src/embed/foldrank.f90 $(TO)/include/foldrank/
	install -m 644 $O/man/man1/*.1 $(TO)/share/man/man1/
	install -m 644 $O/man/man5/*.5 $(TO)/share/man/man5/
	install -m 644 src/embed/foldrank.3 $(TO)/share/man/man3/
	sed -e 's|@PREFIX@|$(abspath $(PREFIX))|; s|@VERSION@|$(VERSION)|' \
	    -e 's|@LIBS@|$(LDFLAGS) $(LDLIBS) -fopenmp -pthread|' src/embed/foldrank.pc.in >$(TO)/lib/pkgconfig/foldrank.pc

clean:                            ## remove everything that was built
	rm -rf build

help:                             ## this text
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 20
	@echo; echo '  BUILD=asan|tsan  with sanitizers     PREFIX=DIR  where install goes'
	@echo   '  ARCH=-march=native  for this processor only     XGBOOST=no|DIR  without it; where it is'
	@echo   '  config.mk  keeps such settings'

.PHONY: all bench check check-analysis check-slurm clean demo deps deps-check help install man run-check run-demo units FORCE
.SECONDARY:
-include $(OBJ:.o=.d) $O/src/cli/main.d $O/src/cli/main_man.d $(UNIT:%=%.d) $(PARALLEL:%=%.d)
