//! Plans of real Fourier transforms, kept from call to call.

use std::sync::{Arc, Mutex, PoisonError};

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// Both directions at one length.
#[derive(Clone)]
pub(crate) struct Plan {
    /// Time to frequency, unnormalised.
    pub(crate) forward: Arc<dyn RealToComplex<f32>>,
    /// Back, unnormalised: forwards and back multiplies by the length.
    pub(crate) inverse: Arc<dyn ComplexToReal<f32>>,
}

impl Plan {
    /// A signal's spectrum; the signal is overwritten.
    pub(crate) fn transform(
        &self,
        signal: &mut [f32],
        spectrum: &mut [Complex32],
        scratch: &mut [Complex32],
    ) {
        self.forward
            .process_with_scratch(signal, spectrum, scratch)
            .expect("buffers made for this length");
    }

    /// The signal of a spectrum; the spectrum is overwritten.
    pub(crate) fn transform_back(
        &self,
        spectrum: &mut [Complex32],
        signal: &mut [f32],
        scratch: &mut [Complex32],
    ) {
        // A real signal has no imaginary part in its mean and, if the length is even, its highest frequency.
        spectrum[0].im = 0.0;
        if signal.len().is_multiple_of(2) {
            spectrum[signal.len() / 2].im = 0.0;
        }
        self.inverse
            .process_with_scratch(spectrum, signal, scratch)
            .expect("buffers made for this length");
    }
}

/// Plans that are kept: the levels of a few pyramids. Recordings whose lengths keep changing must not fill the memory.
const MAX_PLANS: usize = 32;

/// By length, the latest last.
static PLANS: Mutex<Vec<(usize, Plan)>> = Mutex::new(Vec::new());

/// The plan for signals of `len` values.
pub(crate) fn plan(len: usize) -> Plan {
    let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = plans.iter().position(|(known, _)| *known == len);
    let plan = match known {
        Some(index) => plans.remove(index).1,
        None => {
            // A planner of its own: a shared one keeps every length that it ever saw.
            let mut planner = RealFftPlanner::new();
            Plan {
                forward: planner.plan_fft_forward(len),
                inverse: planner.plan_fft_inverse(len),
            }
        }
    };
    if plans.len() == MAX_PLANS {
        plans.remove(0);
    }
    plans.push((len, plan.clone()));
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_plans_are_kept() {
        let most = if cfg!(miri) { 34 } else { 100 };
        for len in (1..=most).chain([3, 3]) {
            let plan = plan(len);
            assert_eq!((plan.forward.len(), plan.inverse.len()), (len, len));
        }
        assert!(PLANS.lock().unwrap().len() <= MAX_PLANS);
        let first = plan(3);
        assert!(Arc::ptr_eq(&first.forward, &plan(3).forward));
    }
}
