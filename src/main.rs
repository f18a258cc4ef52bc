//! The command `portcullis`.

/// A request makes and drops a hundred thousand bytes in a few thousand pieces (docs/measurements.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    portcullis::cli::main()
}
