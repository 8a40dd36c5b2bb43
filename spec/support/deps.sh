#!/bin/sh
# Installs what a group of make targets needs and this machine lacks, from
# Debian's packages. Looking costs a few file tests; nothing is fetched when
# everything is there.
#
#   deps.sh build|demo|test|fuzz|bench

set -eu
LUA=${LUA:-lua5.4}
missing=''

need() { # need <package> <test command...>
  package=$1
  shift
  "$@" >/dev/null 2>&1 || missing="$missing $package"
}
program() { command -v "$1"; }
lua_module() { "$LUA" -e "require '$1'"; }
first_file() { for f in "$@"; do [ -e "$f" ] && return 0; done; return 1; }

build_needs() {
  need gcc program cc
  need libc6-dev first_file /usr/include/stdio.h
  need pkg-config program pkg-config
  need lua5.4 program "$LUA"
  need liblua5.4-dev first_file /usr/include/lua5.4/lua.h \
    /usr/local/include/lua.h /usr/include/lua.h
  need libssl-dev first_file /usr/include/openssl/ssl.h \
    /usr/local/include/openssl/ssl.h
  need zlib1g-dev first_file /usr/include/zlib.h /usr/local/include/zlib.h
}
coding_needs() { # optional in a build, but tested
  need libbrotli-dev first_file /usr/include/brotli/decode.h \
    /usr/local/include/brotli/decode.h
  need libzstd-dev first_file /usr/include/zstd.h /usr/local/include/zstd.h
}
demo_needs() { # the peer and its certificates
  build_needs
  need python3 program python3
  need openssl program openssl
  need lua-socket lua_module socket
}
test_needs() {
  demo_needs
  coding_needs
  need lua-busted lua_module busted
  need lua-check program luacheck
  need clang-format program clang-format
  need luarocks program luarocks
  need nginx-light first_file /usr/sbin/nginx /usr/local/sbin/nginx
  need apache2-bin first_file /usr/sbin/apache2
  need strace program strace
  need locales first_file /usr/share/i18n/locales/de_DE
  need valgrind program valgrind
  need lua-luv lua_module luv
  need lua-cqueues lua_module cqueues
  need lua-copas first_file /usr/share/lua/5.1/copas.lua
  need lighttpd-modules-lua first_file /usr/lib/lighttpd/mod_magnet.so
  need prosody program prosody
}
fuzz_needs() {
  build_needs
  coding_needs
  need clang program clang
  need libclang-rt-dev first_file /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a \
    /usr/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a
}
bench_needs() { # the peers, and what counts instructions and system calls
  demo_needs
  need lua-sec lua_module ssl
  need libcurl4-openssl-dev first_file /usr/include/*/curl/curl.h \
    /usr/include/curl/curl.h /usr/local/include/curl/curl.h
  need nginx-light first_file /usr/sbin/nginx /usr/local/sbin/nginx
  need valgrind program valgrind
  need strace program strace
}

"${1:-build}_needs"
[ -n "$missing" ] || exit 0

sudo=''
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null 2>&1; then
    sudo='sudo'
  else
    echo "missing packages:$missing" >&2
    echo "run as root, with sudo installed, or install them by hand" >&2
    exit 1
  fi
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "missing (Debian's names):$missing" >&2
  echo "there is no apt-get here: install them by hand" >&2
  exit 1
fi

echo "installing:$missing"
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
our_policy=''
clean_up() {
  rm -f "$log"
  [ -z "$our_policy" ] || $sudo rm -f $policy
}
trap clean_up EXIT

# The servers are wanted as programs. None is to run as a service, neither now
# nor after the next start of this machine.
forbid_services() {
  [ ! -e $policy ] || return 0
  our_policy=yes
  printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy &&
    $sudo chmod 755 $policy
}
disable_services() {
  [ -d /run/systemd/system ] || return 0
  for service in nginx lighttpd prosody; do
    case $missing in
      *" $service"*) $sudo systemctl disable --quiet $service ;;
    esac
  done
}
install_packages() {
  # shellcheck disable=SC2086
  $sudo apt-get update && forbid_services &&
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y \
      --no-install-recommends $missing && disable_services
}
if ! install_packages >"$log" 2>&1 </dev/null; then
  cat "$log" >&2
  echo "could not install:$missing" >&2
  exit 1
fi
