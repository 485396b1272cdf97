//! Room for many numbers in large pages: a scan of small ones waits for the tables of pages, one in ten of its time.

/// From so many bytes on large pages pay.
#[cfg(target_os = "linux")]
pub(super) const LARGE: usize = 4 << 20;
/// Where a large page may begin: 2 MiB on x86-64; a multiple of every small page.
#[cfg(target_os = "linux")]
const STEP: usize = 2 << 20;

/// Makes room for `more` numbers behind those that are there, in large pages where that pays. What can't be had is left for the
/// place that fills it to say: this only spares moving numbers.
pub fn reserve(values: &mut Vec<f32>, more: usize) {
    if values.try_reserve_exact(more).is_err() {
        return;
    }
    #[cfg(target_os = "linux")]
    {
        let spare = values.spare_capacity_mut();
        let skipped = spare.as_ptr().align_offset(STEP).saturating_mul(size_of::<f32>());
        let length = size_of_val(spare);
        if length >= LARGE && skipped < length {
            // SAFETY: advice only; the range lies in a buffer that this vector owns and begins at a page's start.
            unsafe {
                let start = spare.as_mut_ptr().cast::<u8>().add(skipped);
                libc::madvise(start.cast(), length - skipped, libc::MADV_HUGEPAGE);
            }
        }
    }
}
