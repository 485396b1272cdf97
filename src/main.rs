//! The program `dyad`; see [`dyad::cli`].

fn main() -> std::process::ExitCode {
    dyad::cli::main()
}
