//! The windows of one film, preprocessed.

use std::collections::VecDeque;
use std::path::Path;

use tal_backbone::InputLayout;
use tal_video::{
    Decision, Frame, FrameSource, FrameStamp, Preprocessor, Report, Window, WindowStream,
};

use super::FilmError;

/// The windows of a film in their order. Holds the frames that coming windows need and no others.
pub(super) struct FilmWindows<'a> {
    path: &'a Path,
    source: Box<dyn FrameSource>,
    plan: WindowStream,
    preprocessor: &'a mut Preprocessor,
    size: (usize, usize),
    layout: InputLayout,
    /// The last frame that arrived; the next one decides whether it is needed.
    held: Frame,
    next: Frame,
    /// Preprocessed frames by number, oldest first.
    ring: VecDeque<(u64, Vec<f32>)>,
    spare: Vec<Vec<f32>>,
    ended: bool,
}

impl<'a> FilmWindows<'a> {
    pub(super) fn new(
        path: &'a Path,
        source: Box<dyn FrameSource>,
        plan: WindowStream,
        preprocessor: &'a mut Preprocessor,
        layout: InputLayout,
    ) -> Self {
        let format = source.format();
        Self {
            path,
            plan,
            preprocessor,
            size: (format.width, format.height),
            layout,
            held: Frame::new(),
            next: Frame::new(),
            source,
            ring: VecDeque::new(),
            spare: Vec::new(),
            ended: false,
        }
    }

    /// The next window and its values.
    ///
    /// # Shapes
    /// That of one window in the layout.
    pub(super) fn next(&mut self) -> Result<Option<(Window, Vec<f32>)>, FilmError> {
        loop {
            if let Some(window) = self.plan.next_window() {
                let values = self.clip(&window);
                self.forget();
                return Ok(Some((window, values)));
            }
            if self.ended {
                return Ok(None);
            }
            self.advance()?;
        }
    }

    /// The account of the film, complete after the last window.
    pub(super) fn report(&self) -> Report {
        self.source.report()
    }

    fn advance(&mut self) -> Result<(), FilmError> {
        let plan_error = |source| FilmError::Plan {
            path: self.path.to_owned(),
            source,
        };
        let decision = match self.source.read(&mut self.next)? {
            Some(FrameStamp { pts, .. }) => self.plan.push(pts).map_err(plan_error)?,
            None => {
                self.ended = true;
                self.plan.finish().map_err(plan_error)?
            }
        };
        if let Some(Decision {
            frame,
            needed: true,
        }) = decision
        {
            self.keep(frame)?;
        }
        std::mem::swap(&mut self.held, &mut self.next);
        self.forget();
        Ok(())
    }

    /// Preprocesses the held frame and keeps the result.
    fn keep(&mut self, frame: u64) -> Result<(), FilmError> {
        let mut values = self.spare.pop().unwrap_or_default();
        values.resize(self.preprocessor.num_values(), 0.0);
        let (width, height) = self.size;
        self.preprocessor
            .run(self.held.rgb(), width, height, &mut values)
            .map_err(|source| FilmError::Pixels {
                path: self.path.to_owned(),
                source,
            })?;
        self.ring.push_back((frame, values));
        Ok(())
    }

    fn forget(&mut self) {
        let oldest = self.plan.oldest_frame();
        while self.ring.front().is_some_and(|(frame, _)| *frame < oldest) {
            self.spare
                .extend(self.ring.pop_front().map(|(_, values)| values));
        }
    }

    /// The values of a window in the network's order.
    fn clip(&self, window: &Window) -> Vec<f32> {
        let plane = self.preprocessor.height() * self.preprocessor.width();
        let num_frames = window.frames.len();
        let mut clip = vec![0.0; 3 * num_frames * plane];
        for (place, frame) in window.frames.iter().enumerate() {
            let Some(frame) = frame else { continue };
            let index = self.ring.partition_point(|(number, _)| number < frame);
            let (_, values) = &self.ring[index];
            for (colour, values) in values.chunks_exact(plane).enumerate() {
                let at = match self.layout {
                    InputLayout::Clip => colour * num_frames + place,
                    InputLayout::TimeFirst | InputLayout::Frame => place * 3 + colour,
                };
                clip[at * plane..][..plane].copy_from_slice(values);
            }
        }
        clip
    }
}
