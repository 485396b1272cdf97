#!/bin/sh
# The kernels' tests where mistakes of unsafe code show: tools/kernels/run.sh
#   1. under AddressSanitizer with overflow checks, on this processor's paths (x86-64; the stable toolchain has its runtime);
#   2. on aarch64, if there are qemu-aarch64, aarch64-linux-gnu-gcc and a compiler with that target's library: RUSTC_AARCH64
#      (on Debian rustc-web, libstd-rust-web-dev:arm64, gcc-aarch64-linux-gnu, qemu-user);
#   3. under Miri, the portable path and AVX2's, at fewer lengths (some 15 minutes), if the nightly toolchain has it:
#      rustup component add miri rust-src --toolchain nightly.
set -eu
cd "$(dirname "$0")"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" cargo test --lib --target "$host"
if [ -n "${RUSTC_AARCH64:-}" ]; then
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
    RUSTC="$RUSTC_AARCH64" cargo test --release --lib --target aarch64-unknown-linux-gnu
else
    echo "not run on aarch64: RUSTC_AARCH64 names no compiler"
fi
if cargo +nightly miri --version >/dev/null 2>&1; then
    RUSTFLAGS="-Ctarget-feature=+avx2,+fma" MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --lib
else
    echo "not run under Miri: the nightly toolchain lacks it"
fi
