//! Splitting an amount without losing a cent.

use crate::MoneyError;

/// Splits `total` in proportion to `weights`, by largest remainder; among equal remainders the earlier
/// part gets the unit. The parts sum to `total` and each is within one unit of its exact share.
///
/// # Errors
/// When there are no weights, one is negative, all are zero, or a product does not fit.
pub fn allocate(total: i64, weights: &[i64]) -> Result<Vec<i64>, MoneyError> {
    if weights.iter().any(|&weight| weight < 0) {
        return Err(MoneyError::Weights);
    }
    let whole = weights.iter().try_fold(0_i128, |sum, &weight| sum.checked_add(i128::from(weight)));
    let whole = whole.filter(|&whole| whole > 0).ok_or(MoneyError::Weights)?;
    // Split the size and put the sign back, so that a credit mirrors its original.
    let size = i128::from(total).checked_abs().ok_or(MoneyError::Overflow)?;
    let mut parts = Vec::with_capacity(weights.len());
    let mut left = size;
    for (at, &weight) in weights.iter().enumerate() {
        let exact = size.checked_mul(i128::from(weight)).ok_or(MoneyError::Overflow)?;
        let part = exact.checked_div(whole).ok_or(MoneyError::Weights)?;
        let remainder = exact.checked_rem(whole).ok_or(MoneyError::Weights)?;
        left = left.checked_sub(part).ok_or(MoneyError::Overflow)?;
        parts.push((at, part, remainder));
    }
    parts.sort_by_key(|&(at, _, remainder)| (std::cmp::Reverse(remainder), at));
    for (_, part, _) in &mut parts {
        if left == 0 {
            break;
        }
        *part = part.checked_add(1).ok_or(MoneyError::Overflow)?;
        left = left.checked_sub(1).ok_or(MoneyError::Overflow)?;
    }
    parts.sort_by_key(|&(at, _, _)| at);
    let signed = |part: i128| if total < 0 { part.checked_neg() } else { Some(part) };
    let parts = parts.into_iter().map(|(_, part, _)| signed(part).and_then(|part| i64::try_from(part).ok()));
    parts.collect::<Option<Vec<i64>>>().ok_or(MoneyError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::allocate;
    use proptest::prelude::*;

    #[test]
    fn a_partial_refund_is_spread_over_provider_and_commission() {
        assert_eq!(allocate(3333, &[12_750, 2250]), Ok(vec![2833, 500]));
    }

    #[test]
    fn the_earlier_part_gets_the_odd_cent() {
        assert_eq!(allocate(100, &[1, 1, 1]), Ok(vec![34, 33, 33]));
        assert_eq!(allocate(-100, &[1, 1, 1]), Ok(vec![-34, -33, -33]));
    }

    #[test]
    fn impossible_weights_are_refused() {
        assert!(allocate(100, &[]).is_err());
        assert!(allocate(100, &[0, 0]).is_err());
        assert!(allocate(100, &[1, -1]).is_err());
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole_and_stay_within_one_unit(
            total in -1_000_000_000_i64..1_000_000_000, weights in prop::collection::vec(0_i64..1_000_000, 1..8),
        ) {
            prop_assume!(weights.iter().any(|&weight| weight > 0));
            let whole: i64 = weights.iter().sum();
            let parts = allocate(total, &weights).unwrap();
            prop_assert_eq!(parts.iter().sum::<i64>(), total);
            for (part, weight) in parts.iter().zip(&weights) {
                let error = i128::from(*part) * i128::from(whole) - i128::from(total) * i128::from(*weight);
                prop_assert!(error.abs() < i128::from(whole) || error == 0);
            }
        }
    }
}
