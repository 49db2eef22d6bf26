//! Area under the precision envelope.

/// Average precision of a ranked list: the area under precision over recall, with precision made non-increasing from the
/// right.
///
/// `AP = Σ_i (r_i − r_{i−1}) · max_{j ≥ i} p_j` with precision `p_i` and recall `r_i` after the first `i` detections and
/// `r_0 = 0`. `true_positives` says for each detection, highest score first, whether it is a true positive. A list without
/// true positives has AP 0, even if there is nothing to find.
///
/// # Source
/// The area of PASCAL VOC since 2010, used by ActivityNet, ActionFormer and TriDet.
pub fn average_precision(true_positives: &[bool], num_ground_truth: usize) -> f64 {
    // Recall changes only at true positives: the k-th of them, at rank i, has precision k/i and raises recall by 1/N.
    let mut num_found = 0;
    let at_hits: Vec<f64> = true_positives
        .iter()
        .enumerate()
        .filter(|(_, hit)| **hit)
        .map(|(index, _)| {
            num_found += 1;
            f64::from(num_found) / (index + 1) as f64
        })
        .collect();
    let mut envelope = 0.0f64;
    let mut area = 0.0;
    for precision in at_hits.iter().rev() {
        envelope = envelope.max(*precision);
        area += envelope;
    }
    if at_hits.is_empty() {
        0.0
    } else {
        area / num_ground_truth as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn area_of_known_lists() {
        // Precision 1, 1/2, 2/3 at recall 1/4, 1/4, 2/4; envelope 1, 2/3: 1/4·1 + 1/4·2/3 = 5/12.
        assert_relative_eq!(average_precision(&[true, false, true], 4), 5.0 / 12.0);
        // Precision 0, 1/2, 2/3, 3/4 at recall 0, 1/3, 2/3, 1: the envelope is 3/4 all the way.
        assert_relative_eq!(average_precision(&[false, true, true, true], 3), 0.75);
        assert_eq!(average_precision(&[true, true], 2), 1.0);
        assert_eq!(average_precision(&[true, true, false, false], 2), 1.0);
    }

    #[test]
    fn nothing_found_is_zero() {
        assert_eq!(average_precision(&[], 3), 0.0);
        assert_eq!(average_precision(&[false, false], 3), 0.0);
        assert_eq!(average_precision(&[false], 0), 0.0);
    }
}
