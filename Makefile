# hinternet: how it is built.
#
#   make            the module, build/hinternet/*.so (installs nothing)
#   make demo       a guided walk against a peer on loopback; URL=... fetches it
#   make test       everything that proves it; ends with "N passed, N failed"
#   make lint       the rules of the source tree, and luacheck
#   make asan       the specs alone, under ASan and UBSan
#   make bench      side by side with others; BENCH_QUICK=1: less than a minute
#   make fuzz       the fuzzers under libFuzzer, FUZZ_SECONDS each
#   make amalgamation   build/amalgamation/hinternet.c and .h: everything, for a
#                   program that links it statically
#   make install    into LIBDIR and LUADIR
#   make uninstall  takes away what that put there
#   make clean
#
# demo, test, lint, asan, bench and fuzz install missing Debian packages first;
# `all` and `install` never do.

# ---------------------------------------------------------------- settings

CC          ?= cc
CFLAGS      ?= -O2 -g
# Of the module alone, behind CFLAGS: 4 % fewer instructions for a GET.
OPTIMISE    ?= -O3
LIBFLAG     ?= -shared
LUA         ?= lua5.4
REACTOR     ?= $(if $(filter Linux,$(shell uname -s)),epoll,poll)
PREFIX      ?= /usr/local
LUADIR      ?= $(PREFIX)/share/lua/$(lua_version)
LIBDIR      ?= $(PREFIX)/lib/lua/$(lua_version)
FUZZ_SECONDS ?= 60

# Where libraries are: left empty, pkg-config is asked, then the usual places.
LUA_INCDIR  ?=
OPENSSL_DIR ?=
ZLIB_DIR    ?=

# Content codings left out when 0, and where their libraries are missing.
BROTLI      ?= 1
ZSTD        ?= 1

# Warnings are errors in CI and in `make test`.
WERROR      ?= $(if $(filter true,$(CI)),1,)

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion \
  -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wundef -Wvla \
  -Wformat=2

# ------------------------------------------------------------------- flags

# Lua's version is the interpreter's; where there is none, its name tells.
lua_version := $(or $(shell $(LUA) -e \
  'io.write((_VERSION:match("%d+%.%d+")))' 2>/dev/null),$(patsubst \
  lua%,%,$(filter lua5.%,$(notdir $(LUA)))),5.4)
lua_short := $(subst .,,$(lua_version))

# $(call works,header,condition,flags): "yes" when the compiler finds the
# header, the condition holds there, and a program can be linked
works = $(shell printf '\043include <$(strip $(1))>\n\043if !($(2))\n\043error\n\043endif\n%s' \
  'int main(void) { return 0; }' | $(CC) $(CFLAGS) -x c - -o /dev/null $(3) \
  2>/dev/null && echo yes)

# $(call first_dir,folders,header,condition): -I and the first that fits
first_dir = $(firstword $(foreach d,$(1),$(if $(wildcard $(d)/$(2)),$(if \
  $(call works,$(2),$(3),-I$(d)),-I$(d)))))

# $(call first_pkg,condition,packages): the first that pkg-config knows
first_pkg = $(shell for p in $(2); do \
  pkg-config --exists "$$p $(1)" 2>/dev/null && echo $$p && break; done)

# $(call cflags,pkg,dir,incdir) and $(call libs,pkg,dir,libdir,default)
cflags = $(if $(3),-I$(3),$(if $(2),-I$(2)/include,$(shell \
  pkg-config --cflags $(1) 2>/dev/null)))
libs = $(if $(3),-L$(3) )$(if $(2),$(addprefix -L,$(wildcard \
  $(2)/lib $(2)/lib64)) )$(4)

# Headers of another Lua than the interpreter's are not taken.
lua_pkg := $(if $(LUA_INCDIR),,$(call first_pkg,>= $(lua_version),\
  lua$(lua_version) lua-$(lua_version) lua$(lua_short)))
lua_home := $(patsubst %/bin/,%/include,$(dir $(shell command -v $(LUA))))
lua_dirs := $(foreach d,$(lua_home) /usr/local/include /usr/include,$(addprefix $(d)/,\
  lua$(lua_version) lua-$(lua_version) lua/$(lua_version) lua$(lua_short)) $(d))
lua_cflags := $(or $(call cflags,$(or $(lua_pkg),none),,$(LUA_INCDIR)),\
  $(if $(lua_pkg),,$(call first_dir,$(lua_dirs),lua.h,\
  LUA_VERSION_NUM == $(subst .,0,$(lua_version)))))

dep_cflags := $(call cflags,openssl,$(OPENSSL_DIR),$(OPENSSL_INCDIR)) \
  $(call cflags,zlib,$(ZLIB_DIR),$(ZLIB_INCDIR))
tls_libs  := $(call libs,openssl,$(OPENSSL_DIR),$(OPENSSL_LIBDIR),-lssl -lcrypto)
zlib_libs := $(call libs,zlib,$(ZLIB_DIR),$(ZLIB_LIBDIR),-lz)
core_libs := -pthread

# Optional libraries: what links with one, if it is there.
# $(call optional,setting,pkg,version,header,condition,library)
optional = $(if $(filter-out 0,$(1)),$(if $(call first_pkg,$(3),$(2)),$(shell \
  pkg-config --libs $(2)),$(if $(call works,$(4),$(5),$(6)),$(6))))
brotli_libs := $(call optional,$(BROTLI),libbrotlidec,,brotli/decode.h,1,\
  -lbrotlidec)
zstd_libs := $(call optional,$(ZSTD),libzstd,>= 1.4,zstd.h,\
  ZSTD_VERSION_NUMBER >= 10400,-lzstd)
brotli := $(if $(brotli_libs),libbrotlidec)
zstd   := $(if $(zstd_libs),libzstd)
dep_cflags += $(if $(brotli),-DHN_HAVE_BROTLI=1) $(if $(zstd),-DHN_HAVE_ZSTD=1)
ifneq ($(brotli)$(zstd),)
dep_cflags += $(shell pkg-config --cflags $(brotli) $(zstd) 2>/dev/null)
endif
dep_libs := $(tls_libs) -Wl,--as-needed $(zlib_libs) $(brotli_libs) \
  $(zstd_libs) $(core_libs)

language := -std=c11 -D_GNU_SOURCE -fPIC -fno-plt -fvisibility=hidden
compile  := $(CC) $(CFLAGS) $(language) $(WARNINGS) $(dep_cflags)
werror   := $(if $(WERROR),-Werror)
depfiles := -MMD -MP
link     := $(LIBFLAG) -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now

# The specs' C code runs under sanitizers, unoptimised enough to be debugged.
sanitize := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
  -fno-sanitize-recover=all

# ----------------------------------------------------------------- sources

# Everything in one piece, as the C tests link it. One reactor is built; the
# other stays out.
embedded    := csrc/lua/lhn_embedded.c
all_sources := $(filter-out csrc/net/part_shared.c $(embedded),\
  $(wildcard csrc/*/*.c csrc/*/*/*.c))
common      := $(filter-out csrc/net/reactor_%.c,$(all_sources))
sources     := $(common) csrc/net/reactor_$(REACTOR).c

# As it is installed: the core, and parts that it opens when they are needed
# (csrc/net/part.h). A part has its own copy of the few files below that it
# shares with the core.
modules := core tls zlib $(if $(brotli),brotli) $(if $(zstd),zstd)

tls_own := $(wildcard csrc/net/openssl/*.c) csrc/net/trust.c
tls_sources := $(tls_own) $(addprefix csrc/,base/account.c base/buf.c \
  base/err.c base/mem.c base/slice.c net/address.c net/clock.c net/file.c net/tls_part.c)
zlib_sources := $(addprefix csrc/,base/account.c base/mem.c base/slice.c \
  proto/decode_zlib.c)
brotli_sources := $(zlib_sources:%_zlib.c=%_brotli.c)
zstd_sources := $(zlib_sources:%_zlib.c=%_zstd.c)
core_sources := $(filter-out $(tls_own) csrc/proto/decode_%.c \
  csrc/net/part_linked.c,$(sources)) csrc/net/part_shared.c

# $(call by_floor,sources): the lower floors first
by_floor = $(foreach d,base proto net http core handles lua,$(filter csrc/$(d)/%,$(1)))

# $(call objects,variant,sources)
objects = $(patsubst csrc/%.c,build/$(1)/%.o,$(2))

adapters   := $(addprefix lua/hinternet/,luv.lua cqueues.lua copas.lua)

# The Lua half is inside the core; the files that users require by name, and the
# types that editors read, are installed.
lua_half   := $(filter-out $(adapters),$(wildcard lua/hinternet/*.lua))
lua_files  := $(patsubst lua/%,%,lua/hinternet.lua $(adapters) \
  $(wildcard lua/hinternet/types/*.lua))

# ------------------------------------------------------------------ module

.PHONY: all deps-build deps-demo deps-test deps-fuzz deps-bench demo test lint \
  asan bench fuzz amalgamation hosts install uninstall clean list-c-tests list-fuzz
.DELETE_ON_ERROR:
.SECONDARY:

all: build/found $(modules:%=build/hinternet/%.so)

headers := $(wildcard csrc/*.h csrc/*/*.h csrc/*/*/*.h)

# A core refuses the parts of another build.
stamp = $(firstword $(shell cat $(headers) | cksum))

# $(call module_rules,name): the core or a part, compiled as one file.
# Everything but its API is static there, so that the compiler sees through the
# floors. Assertions stay in the builds that are tested.
define module_rules
build/hinternet/$(1).so: build/one/$(1).o
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(link) -o $$@ $$^ $$($(1)_libs)

build/one/$(1).o: one_flags = -DNDEBUG -DHN_PART=HN_API -DHN_STAMP=$$(stamp)u
build/one/$(1).c: $$($(1)_sources)

build/asan/hinternet/$(1).so: $$(call objects,asan,$$($(1)_sources))
	@mkdir -p $$(@D)
	$$(CC) $$(sanitize) $$(link) -o $$@ $$^ $$($(1)_libs)
endef
$(foreach module,$(modules),$(eval $(call module_rules,$(module))))

# The Lua half's text.
build/hinternet/core.so: build/text/half.o
build/asan/hinternet/core.so: build/text/half.o
build/poll/hinternet/core.so: build/text/half.o
build/tiny/hinternet/core.so: build/text/half.o

build/text/all.c: for_users := lua/hinternet.lua $(adapters)
build/text/all.c: lua/hinternet.lua $(adapters)
build/text/half.c build/text/all.c: csrc/lua/embed.sh $(lua_half)
	@mkdir -p $(@D)
	@sh $< ../../csrc/lua/lhn.h $(for_users) -- $(lua_half) >$@

build/text/half.o: build/text/half.c csrc/lua/lhn.h build/flags
	$(CC) $(CFLAGS) $(language) $(werror) $(lua_cflags) -c -o $@ $<

build/asan/hinternet/core.so: \
  | $(patsubst %,build/asan/hinternet/%.so,$(filter-out core,$(modules)))

# Everything as one file: no two files use one name for two things.
build/one/all.c: $(sources)

build/one/%.c: build/flags
	@mkdir -p $(@D)
	@for f in $(call by_floor,$^); do echo "#include \"../../$$f\""; done >$@

build/one/%.o: build/one/%.c $(headers)
	$(compile) $(OPTIMISE) $(werror) $(lua_cflags) -Wno-unused-function $(one_flags) \
	  -DHN_INTERNAL=static -c -o $@ $<

build/obj/%.o: csrc/%.c build/flags
	@mkdir -p $(@D)
	$(compile) $(werror) $(lua_cflags) $(depfiles) -c -o $@ $<

# Touched when the settings change, so that everything is built anew.
settings := $(compile) $(OPTIMISE) $(link) $(lua_cflags) $(REACTOR)
ifneq ($(settings),$(file <build/flags))
$(shell mkdir -p build; touch build/flags)
$(file >build/flags,$(settings))
endif

# What it is built with, said once for each settings.
# $(call has,name,header,condition,flags)
has = $(if $(call works,$(2),$(3),$(4)),$(1),no $(1))
found = built with: $(call has,$(if $(LUA_INCDIR),lua.h,Lua $(lua_version)),\
  lua.h,1,$(lua_cflags)) ($(or $(strip $(lua_cflags)),in the compiler's own \
  folders)); $(call has,OpenSSL,openssl/ssl.h,OPENSSL_VERSION_NUMBER >= \
  0x30000000L,$(dep_cflags) $(tls_libs)); $(call has,zlib,zlib.h,1,$(dep_cflags) \
  $(zlib_libs)); $(if $(brotli),,no )brotli; $(if $(zstd),,no )zstd

build/found: build/flags
	@echo "$(strip $(found))" $(if $(findstring \
	  s,$(firstword -$(MAKEFLAGS))),>$@,| tee $@)

amalgamation: build/amalgamation/hinternet.c

build/amalgamation/hinternet.c: spec/support/amalgamate.lua $(all_sources) \
    build/text/all.c $(embedded) $(headers)
	@mkdir -p $(@D)
	@$(LUA) $< $(@D) $(call by_floor,$(all_sources)) build/text/all.c $(embedded)

install: all
	install -d '$(DESTDIR)$(LIBDIR)/hinternet'
	install -m 755 $(modules:%=build/hinternet/%.so) \
	  '$(DESTDIR)$(LIBDIR)/hinternet/'
	for f in $(lua_files); do \
	  install -D -m 644 "lua/$$f" '$(DESTDIR)$(LUADIR)'/"$$f" || exit 1; done

# The folders go that are empty then.
uninstall:
	rm -f $(foreach m,core tls zlib brotli zstd,\
	  '$(DESTDIR)$(LIBDIR)/hinternet/$(m).so') \
	  $(foreach f,$(lua_files),'$(DESTDIR)$(LUADIR)/$(f)')
	for d in '$(DESTDIR)$(LIBDIR)/hinternet' \
	  $(foreach d,types/ ,'$(DESTDIR)$(LUADIR)/hinternet/$(d)') \
	  '$(DESTDIR)$(LUADIR)/hinternet'; do \
	  rmdir "$$d" 2>/dev/null || :; done

clean:
	rm -rf build

# ---------------------------------------------------------------- packages

# Each group is looked for first, which costs next to nothing.
deps-build deps-demo deps-test deps-fuzz deps-bench: deps-%:
	@sh spec/support/deps.sh $*

# -------------------------------------------------------------------- demo

demo: deps-demo
	@$(MAKE) --no-print-directory -s all
	@LUA_PATH='lua/?.lua;lua/?/init.lua;./?.lua;;' LUA_CPATH='build/?.so;;' \
	  $(LUA) examples/demo.lua $(URL)

# ------------------------------------------------------------------- tests

# spec/support/run.sh builds and runs these:
#   build/asan   the module under ASan and UBSan
#   build/poll   the module over poll(2), in one piece
#   build/tiny   the module with the smallest buffers, likewise
#   build/test   the C unit tests, with HN_TEST, under ASan and UBSan
#   build/fuzz   the fuzzers behind their own small driver, likewise
#   build/host   programs that embed Lua and the amalgamation
test: deps-test
	@LUA=$(LUA) MAKE='$(MAKE)' bash spec/support/run.sh

asan: deps-test
	@LUA=$(LUA) MAKE='$(MAKE)' bash spec/support/run.sh specs-asan c-tests

lint: deps-test
	@LUA=$(LUA) MAKE='$(MAKE)' bash spec/support/run.sh lint luacheck one-file

build/asan/%.o: csrc/%.c build/flags
	@mkdir -p $(@D)
	$(compile) $(sanitize) $(werror) $(lua_cflags) -DHN_PART=HN_API $(depfiles) \
	  -c -o $@ $<

build/poll/hinternet/core.so: $(call objects,obj,$(common)) \
    build/obj/net/reactor_poll.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(link) -o $@ $^ $(dep_libs)

# With the smallest buffers, so that every refill and every split happens.
build/tiny/%.o: csrc/%.c build/flags
	@mkdir -p $(@D)
	$(compile) $(werror) $(lua_cflags) -DHN_TEST_TINY $(depfiles) -c -o $@ $<

build/tiny/hinternet/core.so: $(call objects,tiny,$(sources))
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(link) -o $@ $^ $(dep_libs)

# C unit tests. A module's test is linked with its own floor and those below.
under_base  := csrc/base/%
under_proto := $(under_base) csrc/proto/%
under_net   := $(under_proto) csrc/net/%
under_http  := $(under_net) csrc/http/%
under_core  := $(under_http) csrc/core/% csrc/handles/%
under_handles := $(under_core)

test_link = $(CC) $(sanitize) -o $@ $(filter %.o,$^) $(dep_libs)

# $(call test_rules,floor): the rules of the tests of that floor's modules
# (of one in net/openssl, tls_NAME_test).
names_of = $(sort $(basename $(notdir $(wildcard csrc/$(1)/*.[ch]))) \
  $(patsubst %,tls_%,$(basename $(notdir $(wildcard csrc/$(1)/openssl/*.c)))))
tests_of = $(foreach n,$(call names_of,$(1)),$(if \
  $(wildcard spec/c/$(n)_test.c),build/test/$(n)_test))
define test_rules
c_tests += $(call tests_of,$(1))
$(call tests_of,$(1)): build/test/%: build/test/spec/%.o \
    build/test/spec/test.o $(call objects,test,$(filter $(under_$(1)),$(sources)))
	$$(test_link)
endef
$(foreach floor,base proto net http core handles,$(eval $(call test_rules,$(floor))))

ifneq ($(wildcard spec/c/reactor_test.c),)
c_tests += build/test/reactor_test_poll
endif
build/test/reactor_test_poll: build/test/spec/reactor_test.o \
    build/test/spec/test.o build/test/net/reactor_poll.o \
    $(call objects,test,$(filter $(under_net),$(common)))
	$(test_link)

build/test/%.o: csrc/%.c build/flags
	@mkdir -p $(@D)
	$(compile) $(sanitize) $(werror) -DHN_TEST $(depfiles) -c -o $@ $<

build/test/spec/%.o: spec/c/%.c build/flags
	@mkdir -p $(@D)
	$(CC) $(sanitize) $(language) -Wall -Wextra $(werror) $(dep_cflags) \
	  -DHN_TEST $(depfiles) -c -o $@ $<

# Fuzzers.
fuzzers  := $(basename $(notdir $(wildcard spec/fuzz/*_fuzz.c)))
fuzz_low := $(filter $(under_proto),$(common))

$(addprefix build/fuzz/,$(fuzzers)): build/fuzz/%: spec/fuzz/%.c \
    spec/fuzz/driver.c $(call objects,test,$(fuzz_low))
	@mkdir -p $(@D)
	$(CC) $(sanitize) $(language) -Wall -Wextra $(werror) -DHN_TEST -o $@ $^ \
	  $(dep_libs)

fuzz: deps-fuzz
	@$(MAKE) --no-print-directory -s $(addprefix build/libfuzzer/,$(fuzzers))
	@for f in $(fuzzers); do \
	  mkdir -p build/corpus/$$f; \
	  build/libfuzzer/$$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
	    -artifact_prefix=build/corpus/ build/corpus/$$f \
	    spec/fuzz/corpus/$${f%_fuzz} || exit 1; \
	done

build/libfuzzer/%: spec/fuzz/%.c $(fuzz_low)
	@mkdir -p $(@D)
	clang -O1 -g $(language) $(dep_cflags) \
	  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DHN_TEST \
	  -o $@ $^ $(dep_libs)

# Programs that embed Lua and the amalgamation, which is compiled with no more
# than its users need: as it is, and under sanitizers.
host_names := $(basename $(notdir $(wildcard spec/host/*.c)))
host_variants := plain asan tsan
host_plain := -O2 -g
host_asan  := $(sanitize)
host_tsan  := -O1 -g -fsanitize=thread
hosts := $(addprefix build/host/plain/,$(host_names)) \
  $(addprefix build/host/asan/,run given closing forked policed freed yielding) build/host/tsan/threads
lua_libs = $(or $(shell pkg-config --libs $(lua_pkg) 2>/dev/null),\
  -llua$(lua_version))

# $(call host_rules,variant)
define host_rules
build/host/$(1)/hinternet.a: build/amalgamation/hinternet.c build/flags
	@mkdir -p $$(@D)
	$$(CC) $$(host_$(1)) -std=c11 $$(WARNINGS) $$(werror) $$(lua_cflags) \
	  $$(dep_cflags) -c -o $$(@:.a=.o) $$<
	@ar rcs $$@ $$(@:.a=.o)

build/host/$(1)/%: spec/host/%.c spec/host/host.h build/host/$(1)/hinternet.a
	$$(CC) $$(host_$(1)) -std=c11 -D_GNU_SOURCE -Wall -Wextra $$(werror) \
	  $$(lua_cflags) -Ibuild/amalgamation -o $$@ $$(filter %.c %.a,$$^) \
	  $$(lua_libs) $$(dep_libs)
endef
$(foreach variant,$(host_variants),$(eval $(call host_rules,$(variant))))

build/host/frames: examples/host/frames.c build/host/plain/hinternet.a
	$(CC) $(CFLAGS) -std=c11 $(WARNINGS) $(werror) $(lua_cflags) \
	  -Ibuild/amalgamation -o $@ $^ $(lua_libs) $(dep_libs) -lm

hosts: $(hosts) build/host/frames

# -------------------------------------------------------------- benchmarks

bench_programs := $(addprefix build/bench/,server floor curl api measure)
bench_common   := spec/bench/bench.c spec/bench/bench.h

build/bench/server build/bench/floor: bench_libs = -lssl -lcrypto -lz
build/bench/curl: bench_libs = $(shell pkg-config --libs libcurl)
build/bench/api: build/hinternet/core.so
build/bench/api: bench_libs = build/hinternet/core.so \
  -Wl,-rpath,'$$ORIGIN/../hinternet' $(lua_libs)

$(bench_programs): build/bench/%: spec/bench/%.c $(bench_common) build/flags
	@mkdir -p $(@D)
	$(CC) -O2 -g $(language) $(WARNINGS) $(werror) $(dep_cflags) -o $@ \
	  $(filter %.c,$^) $(bench_libs)

bench: deps-bench
	@$(MAKE) --no-print-directory -s all $(bench_programs)
	@ulimit -n $$(ulimit -H -n) && \
	  LUA_PATH='lua/?.lua;lua/?/init.lua;./?.lua;;' LUA_CPATH='build/?.so;;' \
	  $(LUA) spec/bench/run.lua

# What the runner builds; it adds what its other jobs need.
list-c-tests:
	@printf '%s\n' $(c_tests)
list-fuzz:
	@printf '%s\n' $(addprefix build/fuzz/,$(fuzzers))

-include $(shell find build -name '*.d' 2>/dev/null)
