//! The `ironsky` executable: chooses the allocator and hands over to the command line.

#[cfg(not(feature = "nojemalloc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {}
