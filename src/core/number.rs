//! Whole numbers of JavaScript's, all of which are floating-point numbers.

/// A number without its fraction; out of range it is the nearest there is, and NaN is zero.
///
/// ```
/// use custom_identity_provider::core::whole;
///
/// assert_eq!([1.9, -1.9, f64::NAN, 1e300].map(whole), [1, -1, 0, i64::MAX]);
/// ```
// Where no instruction does this, as in the core's JavaScript form, it takes a dozen lines: they stand there once.
#[inline(never)]
pub fn whole(number: f64) -> i64 {
    number as i64
}
