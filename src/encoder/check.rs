//! Is a model what it claims to be? Parity with its golden file, and the health of its spaces.
//!
//! ```text
//!   audio.b2.joint        largest difference 2.4e-7   allowed 1e-4
//!   text joint            64 probes   mean cosine 0.21   first component 0.18   norm 1.00
//! ```
//!
//! Convention: a difference is absolute. A space is *collapsed* when almost all of its probes point the same way; the probes
//! are fixed texts and synthetic signals, so that a check needs no data and always gives the same numbers.

use super::golden::Golden;
use super::rows::{Rows, TowerOutput};
use super::text_tower::Tokens;
use super::{AudioTower, Error, Model, TextTower, Tower};
use crate::audio::window::Short;
use crate::embedding::{Modality, Space, Stage};
use crate::progress::Progress;

/// Probes whose mean cosine in a joint space is above this say nothing about their inputs.
const COLLAPSED_JOINT: f64 = 0.98;
/// Healthy text encoders keep their pre-joint vectors in a narrow cone (RoBERTa's pooler above 0.99): only a point is wrong.
const COLLAPSED_PRE_JOINT: f64 = 0.9995;

/// One comparison with the golden file.
#[derive(Debug, Clone, PartialEq)]
pub struct Parity {
    /// The tensor, as `audio.b2.joint`; `alone` is added where each row was embedded by itself.
    pub what: String,
    pub largest_difference: f64,
    pub allowed: f64,
}

impl Parity {
    /// Whether the difference is within what the manifest allows.
    pub fn passed(&self) -> bool {
        self.largest_difference <= self.allowed
    }
}

/// How the vectors of a space lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    pub space: Space,
    /// Number of probes.
    pub n: usize,
    /// Shortest, mean and longest vector.
    pub norm: [f64; 3],
    /// Mean cosine of all pairs of different probes; near 1 is collapsed, near 0 uses all directions.
    pub mean_cosine: f64,
    /// Part of the variance around the mean that lies in one direction, 0–1.
    pub first_component: f64,
}

impl Health {
    /// Whether all probes point nearly the same way.
    pub fn collapsed(&self) -> bool {
        self.mean_cosine
            > match self.space.stage {
                Stage::Joint => COLLAPSED_JOINT,
                Stage::PreJoint => COLLAPSED_PRE_JOINT,
            }
    }
}

/// Compares every tensor of the golden file with what the towers give. Batches above `max_batch` are compared one row at a
/// time only. Nothing comes back when the manifest has no `[check]`, and not all of it when `progress` is cancelled.
///
/// # Errors
/// When the golden file is malformed or a tower fails.
pub fn parity(model: &Model, progress: &dyn Progress) -> Result<Vec<Parity>, Error> {
    let (Some(check), Some(dir)) = (&model.manifest.check, &model.dir) else {
        return Ok(Vec::new());
    };
    let golden = Golden::read(&dir.join(&check.golden))?;
    let mut all = Vec::new();
    if let Some(tower) = &model.audio {
        for b in golden.batches("audio")? {
            audio_parity(tower, &golden, b, check.atol, &mut all, progress)?;
        }
    }
    if let Some(tower) = &model.text {
        for b in golden.batches("text")? {
            if progress.cancelled() {
                break;
            }
            text_parity(tower, &golden, b, check.atol, &mut all)?;
        }
    }
    Ok(all)
}

fn audio_parity(
    tower: &AudioTower,
    golden: &Golden,
    b: usize,
    atol: f64,
    all: &mut Vec<Parity>,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let name = format!("audio.b{b}");
    let samples = golden.floats(&format!("{name}.waveform"), b)?;
    let (length, spec) = (samples.len() / b.max(1), tower.spec());
    // Under `repeat-floor` a window may be shorter than the model's.
    if length != spec.samples && !(spec.short == Short::RepeatFloor && length < spec.samples) {
        return Err(
            golden.failed(format!("`{name}.waveform` has {length} samples a row: expected {}, `audio.samples`", spec.samples))
        );
    }
    let mut alone = TowerOutput::empty(tower.dims());
    for row in samples.chunks_exact(samples.len().max(b) / b) {
        if progress.cancelled() {
            return Ok(());
        }
        alone.append(tower.run(1, row)?);
    }
    compare(golden, b, &name, " alone", &alone, atol, all)?;
    if b > 1 && b <= tower.spec().max_batch {
        compare(golden, b, &name, "", &tower.run(b, &samples)?, atol, all)?;
    }
    Ok(())
}

fn text_parity(tower: &TextTower, golden: &Golden, b: usize, atol: f64, all: &mut Vec<Parity>) -> Result<(), Error> {
    let name = format!("text.b{b}");
    let texts = golden.texts(b)?;
    let tokens = texts.iter().map(|text| tower.tokens(text)).collect::<Result<Vec<Tokens>, _>>()?;
    // Padding is not a token: only as many ids as the mask counts are compared.
    let ids = golden.integers(&format!("{name}.input_ids"), b)?;
    let mask = golden.integers(&format!("{name}.attention_mask"), b)?;
    let length = ids.len().max(b) / b;
    let rows = ids.chunks_exact(length).zip(mask.chunks_exact(length));
    let golden_ids = rows.map(|(ids, mask)| ids.iter().zip(mask).filter(|(_, m)| **m != 0).map(|(id, _)| *id));
    let wrong = golden_ids.zip(&tokens).filter(|(golden, own)| !golden.clone().eq(own.ids.iter().copied())).count();
    all.push(Parity { what: format!("{name}.input_ids"), largest_difference: wrong as f64, allowed: 0.0 });
    let mut alone = TowerOutput::empty(tower.dims());
    for row in &tokens {
        alone.append(tower.run(&[row])?);
    }
    compare(golden, b, &name, " alone", &alone, atol, all)?;
    if b > 1 && tower.spec().max_batch.is_none_or(|max| b <= max) {
        compare(golden, b, &name, "", &tower.run(&tokens.iter().collect::<Vec<_>>())?, atol, all)?;
    }
    Ok(())
}

fn compare(
    golden: &Golden,
    b: usize,
    name: &str,
    how: &str,
    own: &TowerOutput,
    allowed: f64,
    all: &mut Vec<Parity>,
) -> Result<(), Error> {
    for (stage, output) in [(Stage::PreJoint, "pre_joint"), (Stage::Joint, "joint")] {
        let expected = golden.floats(&format!("{name}.{output}"), b)?;
        let own = own.stage(stage).values();
        let differences = expected.iter().zip(own).map(|(a, b)| f64::from((a - b).abs()));
        // A NaN or a missing number counts as infinitely wrong.
        let worst = |worst: f64, d: f64| if d.is_nan() { f64::INFINITY } else { worst.max(d) };
        let largest = if expected.len() == own.len() { differences.fold(0.0, worst) } else { f64::INFINITY };
        all.push(Parity { what: format!("{name}.{output}{how}"), largest_difference: largest, allowed });
    }
    Ok(())
}

/// Embeds the fixed probes with every tower that the model has and measures how their vectors lie; not all of it when
/// `progress` is cancelled.
///
/// # Errors
/// When a tower fails; NaN is such a failure.
pub fn health(model: &Model, progress: &dyn Progress) -> Result<Vec<Health>, Error> {
    let mut all = Vec::new();
    if let Some(tower) = model.audio.as_ref().filter(|_| !progress.cancelled()) {
        // A graph that cannot be loaded is told before signals of whatever length its manifest says are made.
        tower.backend()?;
        let mut output = TowerOutput::empty(tower.dims());
        for i in 0..SIGNALS {
            if progress.cancelled() {
                return Ok(all);
            }
            output.append(tower.embed(&[&signal(i, tower.spec().sample_rate, tower.spec().samples)])?);
        }
        for stage in [Stage::PreJoint, Stage::Joint] {
            all.push(measure(Space::new(&model.id, Modality::Audio, stage), output.stage(stage)));
        }
    }
    if let Some(tower) = model.text.as_ref().filter(|_| !progress.cancelled()) {
        let output = tower.embed(&TEXTS)?;
        for stage in [Stage::PreJoint, Stage::Joint] {
            all.push(measure(Space::new(&model.id, Modality::Text, stage), output.stage(stage)));
        }
    }
    Ok(all)
}

/// Measures how `rows` lie. A row of zeros has cosine 0 with every other.
pub fn measure(space: Space, rows: &Rows) -> Health {
    let n = rows.len();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    let norms: Vec<f64> = rows.iter().map(|row| dot(row, row).sqrt()).collect();
    let mut gram = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            gram[i * n + j] = dot(rows.row(i), rows.row(j));
        }
    }
    let mut cosines = 0.0;
    for i in 0..n {
        for j in 0..n {
            let length = norms[i] * norms[j];
            if i != j && length > 0.0 {
                cosines += gram[i * n + j] / length;
            }
        }
    }
    let pairs = (n * n.saturating_sub(1)).max(1) as f64;
    let mean = norms.iter().sum::<f64>() / n.max(1) as f64;
    let shortest = norms.iter().copied().fold(f64::INFINITY, f64::min).min(mean);
    let longest = norms.iter().copied().fold(0.0, f64::max);
    Health {
        space,
        n,
        norm: [shortest, mean, longest],
        mean_cosine: cosines / pairs,
        first_component: first_component(&mut gram, n),
    }
}

/// The largest eigenvalue of the centred Gram matrix over its trace, by power iteration.
fn first_component(gram: &mut [f64], n: usize) -> f64 {
    if n < 2 {
        return 0.0;
    }
    let means: Vec<f64> = gram.chunks_exact(n).map(|row| row.iter().sum::<f64>() / n as f64).collect();
    let all = means.iter().sum::<f64>() / n as f64;
    for i in 0..n {
        for j in 0..n {
            gram[i * n + j] += all - means[i] - means[j];
        }
    }
    let trace: f64 = (0..n).map(|i| gram[i * n + i]).sum();
    if trace <= 0.0 {
        return 0.0;
    }
    let mut v: Vec<f64> = (0..n).map(|i| 1.0 + 0.618 * (i as f64 * 2.4).sin()).collect();
    let mut eigenvalue = 0.0;
    for _ in 0..100 {
        let next: Vec<f64> = gram.chunks_exact(n).map(|row| row.iter().zip(&v).map(|(a, b)| a * b).sum()).collect();
        eigenvalue = next.iter().map(|x| x * x).sum::<f64>().sqrt();
        if eigenvalue <= 0.0 {
            return 0.0;
        }
        v = next.into_iter().map(|x| x / eigenvalue).collect();
    }
    (eigenvalue / trace).min(1.0)
}

const SIGNALS: usize = 16;

/// Probe signals: four pitches of four kinds (a sine, a plucked saw, clicks, noise through a gate), half full scale.
fn signal(i: usize, rate: u32, samples: usize) -> Vec<f32> {
    let hz = [82.4, 220.0, 587.3, 1567.98][i % 4];
    let mut state = 0x9E37_79B9_u32.wrapping_mul(i as u32 + 1);
    let at = |n: usize| {
        let phase = (n as f64 * hz / f64::from(rate)).fract();
        let t = n as f64 / f64::from(rate);
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(state >> 8) / f64::from(1u32 << 23) - 1.0;
        (0.5 * match i / 4 {
            0 => (phase * std::f64::consts::TAU).sin(),
            1 => (2.0 * phase - 1.0) * (-3.0 * t).exp(),
            2 => f64::from(u8::from((t * hz / 55.0).fract() < 0.002)),
            _ => noise * f64::from(u8::from((t * hz / 220.0).fract() < 0.5)),
        }) as f32
    };
    (0..samples).map(at).collect()
}

/// Probe texts: things that have little in common.
const TEXTS: [&str; 32] = [
    "violin",
    "a flute plays a long note",
    "drums",
    "electric guitar solo",
    "a church organ",
    "a man speaks",
    "a dog barks twice",
    "rain on a tin roof",
    "the engine of a car",
    "a choir of children",
    "applause",
    "a telephone rings",
    "slow piano music in a minor key",
    "fast techno with heavy bass",
    "birds in the morning",
    "a door slams",
    "brass band",
    "whispering",
    "glass breaks",
    "an orchestra tunes",
    "thunder",
    "a baby cries",
    "harp",
    "footsteps on gravel",
    "a saxophone in a jazz club",
    "silence",
    "a steam train",
    "sea waves",
    "a harpsichord",
    "laughter",
    "a bicycle bell",
    "contrabassoon",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> Space {
        Space::new("m", Modality::Audio, Stage::Joint)
    }

    #[test]
    fn known_arrangements() {
        let same = measure(space(), &Rows::new(2, vec![3.0, 4.0, 6.0, 8.0, 3.0, 4.0]));
        assert!(same.collapsed() && (same.mean_cosine - 1.0).abs() < 1e-12);
        assert_eq!(same.norm, [5.0, 20.0 / 3.0, 10.0]);
        assert!((same.first_component - 1.0).abs() < 1e-12);
        let cross = measure(space(), &Rows::new(2, vec![1.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, -1.0]));
        assert!((cross.mean_cosine + 1.0 / 3.0).abs() < 1e-12 && !cross.collapsed());
        assert!((cross.first_component - 0.5).abs() < 1e-9, "{cross:?}");
    }

    #[test]
    fn few_or_zero_rows_are_measured_too() {
        for rows in [Rows::empty(3), Rows::new(2, vec![1.0, 1.0]), Rows::new(2, vec![0.0; 4])] {
            let health = measure(space(), &rows);
            assert!(health.mean_cosine == 0.0 && health.first_component == 0.0 && !health.collapsed());
            assert!(health.norm.iter().all(|n| n.is_finite()), "{health:?}");
        }
    }

    #[test]
    fn probe_signals_differ_and_are_bounded() {
        let all: Vec<Vec<f32>> = (0..SIGNALS).map(|i| signal(i, 16_000, 48_000)).collect();
        for (i, a) in all.iter().enumerate() {
            assert!(a.iter().all(|x| x.abs() <= 0.5) && a.iter().any(|x| x.abs() > 0.1), "{i}");
            assert!(all.iter().skip(i + 1).all(|b| a != b), "{i}");
        }
    }
}
