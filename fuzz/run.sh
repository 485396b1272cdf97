#!/bin/sh
# Fuzzes the parser and the binder: fuzz/run.sh [SECONDS]. Needs a C++ compiler, and neither a nightly toolchain nor
# cargo-fuzz (with which `cargo fuzz run statements` does the same). The corpus starts from tests/language and examples.
set -eu
cd "$(dirname "$0")"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
# Coverage that libFuzzer reads, as cargo-fuzz asks for it; of the program's own code, since build scripts run without it.
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1" \
    cargo build --release --target "$host"
corpus="$CARGO_TARGET_DIR/corpus"
mkdir -p "$corpus"
cp ../tests/language/errors/*.dyad ../examples/*.dyad "$corpus"
exec "$CARGO_TARGET_DIR/$host/release/statements" "$corpus" -max_total_time="${1:-300}" -timeout=5 -max_len=2000
