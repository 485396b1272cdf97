#!/bin/sh
# The kernels' tests where mistakes of unsafe code show: tools/kernels/run.sh
#   1. under AddressSanitizer with overflow checks, on this processor's paths (x86-64; the stable toolchain has its runtime);
#   2. on aarch64, if there are qemu-aarch64, aarch64-linux-gnu-gcc and that target's library (`rustup target add
#      aarch64-unknown-linux-gnu`, or a compiler that has it, named by RUSTC_AARCH64); on Debian gcc-aarch64-linux-gnu,
#      libc6-dev-arm64-cross, qemu-user. The test of large pages is left out: qemu does not pass that wish on;
#   3. under Miri, every path of x86-64, whatever this processor has, at fewer lengths (some 15 minutes), if the nightly toolchain
#      has it: rustup component add miri rust-src --toolchain nightly.
set -eu
cd "$(dirname "$0")"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" cargo test --lib --target "$host"
arm=aarch64-unknown-linux-gnu
if [ -d "$("${RUSTC_AARCH64:-rustc}" --print target-libdir --target $arm)" ] && command -v qemu-aarch64 aarch64-linux-gnu-gcc >/dev/null; then
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
    RUSTC="${RUSTC_AARCH64:-rustc}" cargo test --release --lib --target $arm -- --skip room_is_as_large
else
    echo "not run on aarch64: its library, qemu-aarch64 or aarch64-linux-gnu-gcc is missing"
fi
if cargo +nightly miri --version >/dev/null 2>&1; then
    RUSTFLAGS="-Ctarget-feature=+avx2,+fma,+avx512f,+avx512bw,+avx512vl,+avx512vnni" MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --lib
else
    echo "not run under Miri: the nightly toolchain lacks it"
fi
