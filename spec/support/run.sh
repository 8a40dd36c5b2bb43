#!/usr/bin/env bash
# Builds and runs everything that proves hinternet, two jobs at a time, and
# ends with one line: "N passed, N failed", and ", N skipped" where something
# could not be tried, which a line of its own has named.
#
#   run.sh [job...]             all jobs when none is named
#   run.sh [job] spec/x_spec.lua...     the job "specs", or another, with these
#                               files alone
#
# A job is a function job_NAME below. It prints what it likes into its log and
# calls `count PASSED FAILED [SKIPPED]`; a job that dies before has failed once.
# Logs of failed jobs are shown; all of them stay in build/log.
#
# Nothing may fail for being slow. Limits are there for what hangs: ten times
# what a job, a program or a test takes on two idle cores. HN_EACH, in seconds,
# is another limit of a test.

set -u
cd "$(dirname "$0")/../.."
LUA=${LUA:-lua5.4}
MAKE=${MAKE:-make}
export LC_ALL=C.UTF-8
export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;$PWD/?.lua;;"
sanitizers='abort_on_error=0:allocator_may_return_null=1'
export ASAN_OPTIONS="$sanitizers:detect_leaks=1:detect_stack_use_after_return=1"
export UBSAN_OPTIONS='print_stacktrace=1:halt_on_error=1'
ulimit -n 4096 2>/dev/null || true

all_jobs='c-tests fuzz one-file luacheck lint specs specs-asan specs-gc
  specs-poll specs-tiny specs-valgrind'
jobs= only=
for word; do
  case $word in *.lua) only+=" $word" ;; *) jobs+=" $word" ;; esac
done
[ -n "$jobs" ] || jobs=${only:+specs}
jobs=${jobs:-$all_jobs}
log=build/log
rm -rf $log
mkdir -p $log

count() { echo "$1 $2 ${3:-0}" >"$log/$name.count"; }

# ---------------------------------------------------------------- C programs

# Runs the programs listed on stdin, one a line with its arguments, two at a
# time, and sums up the "N passed, N failed" each may end with. Without such a
# line a program counts as one.
run_programs() { # seconds each
  local seconds=$1 passed=0 failed=0 number=0 line status lines=()
  while read -r line; do
    while [ "$(jobs -pr | wc -l)" -ge 2 ]; do sleep 0.02; done
    # shellcheck disable=SC2086
    {
      timeout "$seconds" $line >$log/$name.$number.out 2>&1 </dev/null
      echo $? >$log/$name.$number.status
    } &
    lines+=("$line")
    number=$((number + 1))
  done
  wait
  for number in "${!lines[@]}"; do
    echo "== ${lines[$number]}"
    cat $log/$name.$number.out
    read -r status <$log/$name.$number.status
    # shellcheck disable=SC2046
    set -- $(grep -E '^[0-9]+ passed, [0-9]+ failed' $log/$name.$number.out |
      tail -1)
    if [ $status -ne 0 ] && [ "${3:-0}" -eq 0 ]; then
      echo "FAILED: status $status"
      failed=$((failed + 1))
    elif [ $status -eq 0 ] && [ $# -eq 0 ]; then
      passed=$((passed + 1))
    fi
    passed=$((passed + ${1:-0}))
    failed=$((failed + ${3:-0}))
    rm -f $log/$name.$number.out $log/$name.$number.status
  done
  count $passed $failed
}

job_c-tests() {
  local test
  $MAKE -s --no-print-directory list-c-tests >$log/$name.list
  for test in spec/c/*_test.c; do
    grep -q "/$(basename "$test" .c)\$" $log/$name.list ||
      echo "$test belongs to no module of csrc" >>$log/$name.lost
  done
  run_programs 300 <$log/$name.list
  [ ! -e $log/$name.lost ] || { cat $log/$name.lost; rm $log/$name.count; }
}

# The corpus and a fixed run of mutations through every fuzzer.
job_fuzz() {
  local fuzzer stem
  export HN_FUZZ_CRASH=$log/fuzz-crash
  for fuzzer in spec/fuzz/*_fuzz.c; do
    [ -e "$fuzzer" ] || continue
    stem=$(basename "$fuzzer" .c)
    echo "build/fuzz/$stem --mutate 20000 --seed 1" \
      "spec/fuzz/corpus/${stem%_fuzz}"
  done >$log/$name.list
  run_programs 300 <$log/$name.list
}

job_one-file() {
  if [ -e build/one/all.o ]; then count 1 0; else
    echo 'the concatenation of all C files does not compile: see build.log'
    count 0 1
  fi
}

# ----------------------------------------------------------------------- Lua

job_luacheck() {
  if luacheck -q --no-color lua spec examples ./*.rockspec; then
    count 1 0
  else
    count 0 1
  fi
}

# Spec files with the module of one build folder: each file in a busted of its
# own, several at a time (specs.py). HN_SLOW tells specs that count to a million
# to be content with less.
busted() { # build folder, seconds each and in all, files
  local folder=$1 each=${HN_EACH:-$2} all=$3
  shift 3
  # shellcheck disable=SC2086
  set -- ${only:-$*}
  case $* in *_spec.lua*) ;; *) count 0 0; return ;; esac
  # shellcheck disable=SC2086
  HN_BUILD=$folder LUA_CPATH="$PWD/$folder/?.so;;" python3 spec/support/specs.py \
    --log "$log/$name" --each "$each" --all "$all" --first "$slow_specs" "$@" -- \
    env ${preload:+LD_PRELOAD="$preload"} ${under:-} "$LUA" "$busted_script" \
    -o plainTerminal --helper=spec/support/record.lua ${options:-}
  # shellcheck disable=SC2046
  set -- $(tail -n 1 "$log/$name.log" | grep -E '^[0-9]+ passed, [0-9]+ failed')
  [ $# -eq 0 ] || count "$1" "$3" "$5"
}

# They take longest, and are begun first.
slow_specs=embed,rock,schedule,async,many,upload

# All spec files but those named.
spec_files() {
  local file
  for file in spec/*_spec.lua; do
    case " $* " in *" $(basename "$file" _spec.lua) "*) ;; *) echo "$file" ;;
    esac
  done
}

job_lint() { busted build 120 300 spec/lint_spec.lua spec/style_spec.lua; }

job_specs() {
  # shellcheck disable=SC2046
  busted build 180 900 $(spec_files lint style)
}

job_specs-asan() {
  local preload
  preload=$(${CC:-cc} -print-file-name=libasan.so)
  # shellcheck disable=SC2046
  HN_SLOW=1 busted build/asan 120 1200 $(spec_files lint style rock embed)
}

# The helper is in busted's process only: not in hosts and examples.
job_specs-gc() {
  # shellcheck disable=SC2046
  HN_SLOW=1 HN_HELPER=spec.support.gc_pressure busted build 180 1200 \
    $(spec_files lint style rock support embed examples host_lighttpd host_prosody)
}

# Built in one piece: there are no parts to open.
# Without a descriptor to watch there is nothing for foreign loops.
job_specs-poll() {
  local options=--exclude-tags=parts,watched
  # shellcheck disable=SC2046
  HN_SCHEDULES=1000 busted build/poll 120 600 $(spec_files lint style part rock support embed \
    luv cqueues copas host_prosody)
}

# Buffers of a few bytes: every refill and every split happens. Left out is what
# says what a single read brings (#whole).
job_specs-tiny() {
  local options=--exclude-tags=whole
  HN_SLOW=1 busted build/tiny 120 600 \
    spec/{content,fault,http,http_body,redirect,request,request_body}_spec.lua \
    spec/{response,reuse,server,tls,tls_session,upload}_spec.lua
}

# Memory that was never set, which no sanitizer of GCC's sees, and what is
# definitely lost. Only a loss of the C library's is suppressed; programs that
# specs start run as they are.
job_specs-valgrind() {
  local under='valgrind -q --error-exitcode=9 --leak-check=full
    --suppressions=spec/support/valgrind.supp
    --errors-for-leak-kinds=definite --show-leak-kinds=definite'
  HN_SLOW=1 busted build 300 1200 spec/{async*,task,waiter,pollable,all,schedule}_spec.lua
}

# -------------------------------------------------------------------- runner

# What a job needs built.
targets() {
  case $1 in
    c-tests | fuzz) $MAKE -s --no-print-directory "list-$1" ;;
    one-file) echo build/one/all.o ;;
    specs-asan) echo build/asan/hinternet/core.so ;;
    specs-poll) echo build/poll/hinternet/core.so ;;
    specs-tiny) echo build/tiny/hinternet/core.so ;;
    luacheck) ;;
    specs) case ${only:-embed} in *embed*) echo all hosts ;; *) echo all ;; esac ;;
    *) echo all ;;
  esac
}

# A target that cannot be built is removed, so that no old one is tested.
build() {
  local list job target
  list=$(for job in $jobs; do targets "$job"; done | sort -u)
  [ -n "$list" ] || return 0
  # shellcheck disable=SC2086
  $MAKE -s --no-print-directory -k -j"$(nproc)" WERROR=1 $list && return 0
  for target in $list; do
    $MAKE -s -q WERROR=1 "$target" >/dev/null 2>&1 || rm -f "$target"
  done
  return 1
}

say() { # seconds
  local passed=0 failed=1 skipped=0
  [ -e $log/"$name".count ] &&
    read -r passed failed skipped <$log/"$name".count
  total_passed=$((total_passed + passed))
  total_failed=$((total_failed + failed))
  total_skipped=$((total_skipped + skipped))
  local word=ok
  [ "$failed" -eq 0 ] || word=FAILED
  if [ $word = FAILED ]; then
    echo "---- $name"
    tail -n 200 $log/"$name".log
    echo '----'
  elif [ "$skipped" -gt 0 ]; then
    grep '^SKIPPED ' $log/"$name".log
  fi
  printf '%-6s %-14s %6d passed %4d failed %5d s\n' \
    $word "$name" "$passed" "$failed" "$1"
}

run_job() {
  local began=$SECONDS
  "job_$name" >$log/"$name".log 2>&1
  echo $((SECONDS - began)) >$log/"$name".seconds
}

total_passed=0
total_failed=0
total_skipped=0
busted_script=$(type -P busted)

name=build
began=$SECONDS
if build >$log/build.log 2>&1; then count 1 0; else count 0 1; fi
say $((SECONDS - began))

# Two at a time; each is told about as soon as it and those before it ended.
running=()
started=()
for name in $jobs; do
  while [ "$(jobs -pr | wc -l)" -ge 2 ]; do sleep 0.05; done
  run_job &
  running+=("$!")
  started+=("$name")
done
for i in "${!started[@]}"; do
  name=${started[$i]}
  wait "${running[$i]}" 2>/dev/null # long ended, its id may be another's by now
  say "$(cat $log/"$name".seconds 2>/dev/null || echo 0)"
done

[ $total_skipped -eq 0 ] || skipped=", $total_skipped skipped"
echo "$total_passed passed, $total_failed failed${skipped:-}"
[ $total_failed -eq 0 ]
