//! How long the same thing took, again and again.

use std::time::Duration;

/// Times in milliseconds.
#[derive(Default)]
pub(crate) struct Times(Vec<f64>);

impl Times {
    pub(crate) fn note(&mut self, time: Duration) {
        self.note_ms(time.as_secs_f64() * 1000.0);
    }

    pub(crate) fn note_ms(&mut self, time: f64) {
        self.0.push(time);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// What so many per cent of them took at most.
    pub(crate) fn at(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(50)
    }
}
