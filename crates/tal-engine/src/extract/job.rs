//! From windows to files.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

use tal_backbone::{BackboneError, InputLayout};
use tal_data::features::{RowPrecision, RowWriter};
use tal_video::{FeaturesRecord, Sidecar, Window};
use tch::Tensor;

use super::producer::{Content, Ended, Message, Producer};
use super::{
    ExtractError, ExtractEvent, ExtractOptions, ExtractSummary, Extractor, FailedFilm, Film,
    FilmError, FilmPaths, FilmReader, OnFailure,
};

/// The side of the network: batches, features, files.
pub(super) struct Job<'a> {
    extractor: &'a Extractor,
    films: &'a [(Film, FilmPaths)],
    options: &'a ExtractOptions,
    observer: &'a mut dyn FnMut(ExtractEvent<'_>),
    /// Values of the windows that wait for a full batch.
    batch: Vec<f32>,
    /// Film and times of each.
    waiting: Vec<(usize, [f64; 3])>,
    /// Films that have begun.
    open: BTreeMap<usize, Output>,
    summary: ExtractSummary,
}

/// The features of a film under way.
struct Output {
    writer: RowWriter,
    precision: RowPrecision,
    /// Start, middle and end of every window, in seconds.
    times: Vec<[f64; 3]>,
    /// Windows that were sent.
    num_windows: usize,
    ended: Option<Box<Ended>>,
}

/// Deviation of a window from the grid that is no rounding, in seconds.
const OFF_GRID: f64 = 1e-6;

impl<'a> Job<'a> {
    pub(super) fn new(
        extractor: &'a Extractor,
        films: &'a [(Film, FilmPaths)],
        options: &'a ExtractOptions,
        observer: &'a mut dyn FnMut(ExtractEvent<'_>),
    ) -> Self {
        assert!(options.batch_size > 0, "a batch holds at least one window");
        Self {
            extractor,
            films,
            options,
            observer,
            batch: Vec::new(),
            waiting: Vec::new(),
            open: BTreeMap::new(),
            summary: ExtractSummary::default(),
        }
    }

    pub(super) fn take(
        &mut self,
        Message {
            film: index,
            content,
        }: Message,
    ) -> Result<(), ExtractError> {
        let (film, paths) = &self.films[index];
        match content {
            Content::Kept => {
                self.summary.kept += 1;
                (self.observer)(ExtractEvent::Kept { film });
            }
            Content::Started {
                again,
                seconds,
                precision,
            } => {
                paths.prepare()?;
                let output = Output {
                    writer: RowWriter::create(
                        &paths.partial,
                        self.extractor.num_channels(),
                        precision,
                    )?,
                    precision,
                    times: Vec::new(),
                    num_windows: 0,
                    ended: None,
                };
                self.open.insert(index, output);
                let again = again.as_deref();
                (self.observer)(ExtractEvent::Started {
                    film,
                    again,
                    seconds,
                });
            }
            Content::Window(window, values) => {
                if let Some(output) = self.open.get_mut(&index) {
                    let Window {
                        start, centre, end, ..
                    } = window;
                    output.num_windows += 1;
                    self.waiting.push((index, [start, centre, end]));
                    self.batch.extend_from_slice(&values);
                }
                if self.waiting.len() == self.options.batch_size {
                    self.compute()?;
                }
            }
            Content::Ended(ended) => {
                if let Some(output) = self.open.get_mut(&index) {
                    output.ended = Some(ended);
                    self.finish_if_complete(index)?;
                }
            }
            Content::Failed(error) => self.fail(index, error)?,
        }
        Ok(())
    }

    /// Computes what waits, and closes the account.
    pub(super) fn end(mut self, interrupted: bool) -> Result<ExtractSummary, ExtractError> {
        if !interrupted && !self.waiting.is_empty() {
            self.compute()?;
        }
        self.summary.interrupted = interrupted;
        Ok(self.summary)
    }

    /// Features of the windows that wait. A batch that is not full is filled up: networks may round differently in batches
    /// of another size.
    fn compute(&mut self) -> Result<(), ExtractError> {
        let waiting = std::mem::take(&mut self.waiting);
        let per_window = self.batch.len() / waiting.len();
        self.batch.resize(per_window * self.options.batch_size, 0.0);
        let network = &self.extractor.network;
        let shape = self.extractor.input_shape(self.options.batch_size);
        let input = Tensor::f_from_slice(&self.batch).and_then(|input| input.f_reshape(shape));
        let input = input.map_err(BackboneError::from)?;
        let features = network.forward(&input)?;
        let num_channels = self.extractor.num_channels();
        let mut values = vec![0.0_f32; num_channels * self.options.batch_size];
        let num_values = values.len();
        let features = features.to_device(tch::Device::Cpu).contiguous();
        features
            .f_copy_data(&mut values, num_values)
            .map_err(BackboneError::from)?;
        self.batch.clear();
        for (row, (index, times)) in values.chunks_exact(num_channels).zip(waiting) {
            // A film that failed meanwhile is no longer open.
            let Some(output) = self.open.get_mut(&index) else {
                continue;
            };
            if row.iter().any(|value| !value.is_finite()) {
                let error = FilmError::NotFinite {
                    path: self.films[index].0.path.clone(),
                    row: output.writer.num_rows(),
                };
                self.fail(index, error)?;
                continue;
            }
            let most = output.precision.largest();
            if let Some(&value) = row.iter().find(|value| value.abs() > most) {
                let error = FilmError::BeyondHalf {
                    path: self.films[index].0.path.clone(),
                    row: output.writer.num_rows(),
                    value,
                };
                self.fail(index, error)?;
                continue;
            }
            output.writer.push(row)?;
            output.times.push(times);
            let event = ExtractEvent::Advanced {
                film: &self.films[index].0,
                windows: output.writer.num_rows(),
                seconds: times[2],
            };
            (self.observer)(event);
            self.finish_if_complete(index)?;
        }
        Ok(())
    }

    fn finish_if_complete(&mut self, index: usize) -> Result<(), ExtractError> {
        let complete = |output: &Output| {
            output.ended.is_some() && output.writer.num_rows() == output.num_windows
        };
        if !self.open.get(&index).is_some_and(complete) {
            return Ok(());
        }
        let Some(Output {
            writer,
            precision,
            times,
            ended: Some(ended),
            ..
        }) = self.open.remove(&index)
        else {
            return Ok(());
        };
        let (film, paths) = &self.films[index];
        writer.finish()?;
        let sidecar = self.extractor.sidecar(*ended, times, precision);
        paths.finish(&sidecar)?;
        self.summary.made += 1;
        (self.observer)(ExtractEvent::Finished {
            film,
            windows: sidecar.features.length,
            complaints: sidecar.report.damage.complaints,
        });
        Ok(())
    }

    fn fail(&mut self, index: usize, error: FilmError) -> Result<(), ExtractError> {
        let (film, paths) = &self.films[index];
        self.open.remove(&index);
        paths.fail(film, &error)?;
        (self.observer)(ExtractEvent::Failed {
            film,
            error: &error,
        });
        if self.options.on_failure == OnFailure::Stop {
            return Err(error.into());
        }
        let film = film.clone();
        self.summary.failed.push(FailedFilm { film, error });
        Ok(())
    }
}

/// Most memory for windows that wait for the network, in bytes; one window may always wait.
const QUEUE_BYTES: usize = 32 << 20;

impl Extractor {
    /// Makes the features of all films that are not there yet. A film is done when its two files are in place; an
    /// interrupted or killed extraction loses the films under way and goes on with the next call.
    ///
    /// # Errors
    /// If something cannot be written, the network fails, or a film fails and that is to end the extraction.
    ///
    /// # Panics
    /// If the batch size is 0.
    pub fn run(
        &self,
        films: &[Film],
        reader: &dyn FilmReader,
        options: &ExtractOptions,
        stop: &AtomicBool,
        observer: &mut dyn FnMut(ExtractEvent<'_>),
    ) -> Result<ExtractSummary, ExtractError> {
        let with_paths = |film: &Film| (film.clone(), FilmPaths::new(&options.out, &film.id));
        let films: Vec<_> = films.iter().map(with_paths).collect();
        let bytes = 4 * self.preprocessor.num_values() * self.named.recipe.frames.window as usize;
        let (sender, receiver) = sync_channel((QUEUE_BYTES / bytes).clamp(1, 64));
        let producer = Producer {
            films: &films,
            reader,
            recipe: &self.named.recipe,
            preprocessor: self.preprocessor.clone(),
            made_by: (&self.recipe, &self.weights),
            precision: options.precision,
            layout: self.network.input(),
            stop,
            sender,
        };
        let mut job = Job::new(self, &films, options, observer);
        std::thread::scope(|scope| {
            scope.spawn(move || producer.run());
            // The receiver goes before the thread is waited for, so that it cannot wait for room in the queue.
            for message in receiver {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                job.take(message)?;
            }
            job.end(stop.load(Ordering::Relaxed))
        })
    }

    /// Shape of a batch, (B, 3, T, H, W) or that of the network's layout.
    fn input_shape(&self, batch_size: usize) -> Vec<i64> {
        let [batch, frames] = [
            batch_size as i64,
            i64::from(self.named.recipe.frames.window),
        ];
        let [height, width] = [
            self.preprocessor.height() as i64,
            self.preprocessor.width() as i64,
        ];
        match self.network.input() {
            InputLayout::Frame => vec![batch, 3, height, width],
            InputLayout::TimeFirst => vec![batch, frames, 3, height, width],
            InputLayout::Clip => vec![batch, 3, frames, height, width],
        }
    }

    /// The description of features whose windows have these times.
    fn sidecar(&self, ended: Ended, times: Vec<[f64; 3]>, precision: RowPrecision) -> Sidecar {
        let Ended {
            origin,
            format,
            rate,
            report,
        } = ended;
        let frames = &self.named.recipe.frames;
        let fps = rate.per_second();
        let [start, centre, end] = times.first().copied().unwrap_or_default();
        let stride = f64::from(frames.stride);
        let regular = times.iter().enumerate().all(|(index, [_, middle, _])| {
            (middle - centre - index as f64 * stride / fps).abs() < OFF_GRID
        });
        Sidecar {
            layout: Sidecar::LAYOUT,
            source: origin,
            format,
            start: report.timeline.start(),
            duration: report.timeline.duration(),
            rate,
            recipe: self.recipe.clone(),
            weights: Some(self.weights.clone()),
            features: FeaturesRecord {
                length: times.len(),
                channels: self.num_channels(),
                half: precision == RowPrecision::Half,
                fps,
                feat_stride: stride,
                num_frames: ((end - start) * fps).round(),
                sample_stride: f64::from(frames.interval),
                offset_frames: (2.0 * centre * fps).round() / 2.0,
                times: (!regular).then_some(times),
            },
            report,
        }
    }
}
