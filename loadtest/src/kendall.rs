//! Kendall's rank correlation: how far one order agrees with another.
//!
//! Owns the coefficient the report prints for (arrival, number) and (number, admission). It is
//! tau-b (Kendall 1945), which corrects for ties, in O(n log n) by Knight's method (JASA 61,
//! 1966): sort by one variable, count the exchanges a merge sort by the other needs.

/// Tau-b of the pairs: 1 for the same order, −1 for the reverse, `None` when there are fewer
/// than two pairs or one variable is constant.
pub(crate) fn tau(pairs: &mut [(u64, u64)]) -> Option<f64> {
    pairs.sort_unstable();
    let all = choose_two(pairs.len());
    let tied_first = tied(pairs, |a, b| a.0 == b.0);
    let tied_both = tied(pairs, |a, b| a == b);

    let mut seconds: Vec<u64> = pairs.iter().map(|pair| pair.1).collect();
    let mut spare = seconds.clone();
    let exchanges = count_exchanges(&mut seconds, &mut spare);
    let tied_second = tied(&seconds, |a, b| a == b);

    // Pairs in agreement minus pairs in conflict; the exchanges are exactly those in conflict.
    let agreeing = all + tied_both - tied_first - tied_second;
    let balance = float(agreeing) - 2.0 * float(exchanges);
    let scale = (float(all - tied_first) * float(all - tied_second)).sqrt();
    (scale > 0.0).then(|| balance / scale)
}

fn choose_two(n: usize) -> u64 {
    let n = n as u64;
    n * n.saturating_sub(1) / 2
}

/// Pairs inside runs of equal neighbours.
fn tied<T>(sorted: &[T], same: impl Fn(&T, &T) -> bool) -> u64 {
    sorted.chunk_by(same).map(|run| choose_two(run.len())).sum()
}

/// Merge-sorts `values` and counts the pairs that stood in the wrong order.
fn count_exchanges(values: &mut [u64], spare: &mut [u64]) -> u64 {
    let n = values.len();
    if n < 2 {
        return 0;
    }
    let (left, right) = values.split_at_mut(n / 2);
    let (spare_left, spare_right) = spare.split_at_mut(n / 2);
    let mut exchanges = count_exchanges(left, spare_left) + count_exchanges(right, spare_right);

    let (mut i, mut j) = (0, 0);
    for slot in spare.iter_mut() {
        if j == right.len() || (i < left.len() && left[i] <= right[j]) {
            *slot = left[i];
            i += 1;
        } else {
            exchanges += (left.len() - i) as u64;
            *slot = right[j];
            j += 1;
        }
    }
    values.copy_from_slice(spare);
    exchanges
}

/// A count as a float; exact up to 2^53, which a crowd's pairs stay below.
#[expect(clippy::cast_precision_loss, reason = "a correlation is printed with four digits")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(pairs: &[(u64, u64)]) -> f64 {
        let (mut balance, mut first, mut second) = (0.0, 0.0, 0.0);
        for (i, a) in pairs.iter().enumerate() {
            for b in &pairs[i + 1..] {
                let x = f64::from(a.0.cmp(&b.0) as i8);
                let y = f64::from(a.1.cmp(&b.1) as i8);
                balance += x * y;
                first += x * x;
                second += y * y;
            }
        }
        balance / f64::sqrt(first * second)
    }

    #[test]
    fn same_order_is_one_and_reverse_is_minus_one() {
        let mut same: Vec<_> = (0..50).map(|i| (i, i * 3)).collect();
        let mut reverse: Vec<_> = (0..50).map(|i| (i, 100 - i)).collect();
        assert_eq!(tau(&mut same), Some(1.0));
        assert_eq!(tau(&mut reverse), Some(-1.0));
        assert_eq!(tau(&mut [(1, 1)]), None);
        assert_eq!(tau(&mut [(1, 1), (1, 2)]), None);
    }

    #[test]
    fn agrees_with_the_definition_on_random_pairs_with_ties() {
        let mut rng = crate::rng::Rng::new(11);
        for round in 0..50 {
            let mut pairs: Vec<_> = (0..40).map(|_| (rng.below(12), rng.below(12))).collect();
            let expected = naive(&pairs);
            let found = tau(&mut pairs).unwrap();
            assert!((found - expected).abs() < 1e-12, "round {round}: {found} {expected}");
        }
    }
}
