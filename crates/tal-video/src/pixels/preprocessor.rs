//! Preprocessing of frames by a recipe.

use crate::{PixelError, PixelRecipe, ResizeFilter, ResizeStep, TargetSize};

use super::bytes::ByteResize;
use super::floats::FloatResize;
use super::size::{MOST, Size, cropped, resized};

/// Plans for frames of different sizes that are kept.
const MOST_PLANS: usize = 8;

/// The way from the frames of a video to a network's input: resizing, cropping, normalising.
///
/// It keeps the weights of the sizes that it saw, so use one for all frames of a thread.
#[derive(Clone, Debug)]
pub struct Preprocessor {
    recipe: PixelRecipe,
    height: usize,
    width: usize,
    plans: Vec<Plan>,
    /// The value of each byte, for each colour.
    values: Box<[[f32; 256]; 3]>,
}

/// The steps for frames of one size.
#[derive(Clone, Debug)]
struct Plan {
    size: Size,
    /// Steps that give whole frames, with the size after each.
    steps: Vec<(ByteResize, Size)>,
    last: Last,
    /// The frame between two steps.
    frame: [Vec<u8>; 2],
}

/// The step that gives the network's input.
#[derive(Clone, Debug)]
enum Last {
    Bytes(ByteResize),
    Floats(FloatResize),
}

impl Preprocessor {
    /// The preprocessing of a recipe.
    ///
    /// # Errors
    ///
    /// If the recipe fixes no output size.
    pub fn new(recipe: &PixelRecipe) -> Result<Self, PixelError> {
        let last = recipe.resize.last().map(|step| step.to);
        let [height, width] = match (recipe.crop, last) {
            (Some(crop), _) => crop.size,
            (None, Some(TargetSize::Exact(size))) => size,
            _ => return Err(PixelError::NoFixedSize),
        };
        let values = std::array::from_fn(|colour| {
            std::array::from_fn(|byte| {
                let mut value = [byte as f32 / recipe.scale as f32];
                normalise(recipe, colour, &mut value);
                value[0]
            })
        });
        Ok(Self {
            recipe: recipe.clone(),
            height: height as usize,
            width: width as usize,
            plans: Vec::new(),
            values: Box::new(values),
        })
    }

    /// Rows of the output.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of the output.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of values of the output.
    pub fn num_values(&self) -> usize {
        3 * self.height * self.width
    }

    /// Preprocesses a frame of `width` x `height` pixels.
    ///
    /// # Shapes
    ///
    /// `rgb` (height, width, 3) bytes; `output` (3, H, W) with [`height`](Self::height) and [`width`](Self::width).
    ///
    /// # Errors
    ///
    /// If the frame's size is too small for the crop, or has no rows or columns.
    ///
    /// # Panics
    ///
    /// If `rgb` or `output` has another length.
    pub fn run(
        &mut self,
        rgb: &[u8],
        width: usize,
        height: usize,
        output: &mut [f32],
    ) -> Result<(), PixelError> {
        assert_eq!(
            rgb.len(),
            width * height * 3,
            "a frame of {width} x {height} pixels"
        );
        assert_eq!(output.len(), self.num_values(), "the network's input");
        let index = self.plan(Size { height, width })?;
        let Plan {
            steps, last, frame, ..
        } = &mut self.plans[index];
        let [before, after] = frame;
        let mut input = rgb;
        for (step, size) in steps {
            after.resize(size.height * size.width * 3, 0);
            step.run(input, |row, colour, bytes| {
                let pixels = after[row * size.width * 3..].as_chunks_mut::<3>().0;
                for (pixel, &byte) in pixels.iter_mut().zip(bytes) {
                    pixel[colour] = byte;
                }
            });
            std::mem::swap(before, after);
            input = before;
        }
        match last {
            Last::Bytes(step) => {
                let plane = self.height * self.width;
                let (row_len, values) = (self.width, &self.values);
                step.run(input, |row, colour, bytes| {
                    let output = &mut output[colour * plane + row * row_len..][..row_len];
                    for (output, &byte) in output.iter_mut().zip(bytes) {
                        *output = values[colour][usize::from(byte)];
                    }
                });
            }
            Last::Floats(step) => {
                let recipe = &self.recipe;
                step.run(input, output, |colour, row| normalise(recipe, colour, row));
            }
        }
        Ok(())
    }

    /// The place of the plan for frames of this size, made if there is none.
    fn plan(&mut self, size: Size) -> Result<usize, PixelError> {
        if let Some(index) = self.plans.iter().position(|plan| plan.size == size) {
            return Ok(index);
        }
        let plan = Plan::new(&self.recipe, size)?;
        if self.plans.len() == MOST_PLANS {
            self.plans.remove(0);
        }
        self.plans.push(plan);
        Ok(self.plans.len() - 1)
    }
}

impl Plan {
    fn new(recipe: &PixelRecipe, size: Size) -> Result<Self, PixelError> {
        let Size { width, height } = size;
        if width.min(height) == 0 || width.max(height) > MOST {
            return Err(PixelError::FrameSize {
                width,
                height,
                most: MOST,
            });
        }
        // Without a resizing, a filter of the same size copies what the crop keeps.
        let copy = ResizeStep {
            to: TargetSize::Exact([height as u32, width as u32]),
            filter: ResizeFilter::PillowBox,
        };
        let (last, before) = recipe.resize.split_last().unwrap_or((&copy, &[]));
        let mut steps = Vec::new();
        let mut from = size;
        for step in before {
            let (to, _) = resized(from, step.to)?;
            let whole = ByteResize::new(step.filter, from, to, 0..to.height, 0..to.width);
            steps.push((whole, to));
            from = to;
        }
        let to = resized(from, last.to)?;
        let (rows, columns) = cropped(to.0, recipe.crop)?;
        let last = match last.filter.keeps_bytes() {
            true => Last::Bytes(ByteResize::new(last.filter, from, to.0, rows, columns)),
            false => {
                let scale = recipe.scale as f32;
                Last::Floats(FloatResize::new(
                    last.filter,
                    from,
                    to,
                    rows,
                    columns,
                    scale,
                ))
            }
        };
        Ok(Self {
            size,
            steps,
            last,
            frame: [Vec::new(), Vec::new()],
        })
    }
}

/// Subtracts the mean of a colour and divides by its deviation.
#[inline(always)]
fn normalise(recipe: &PixelRecipe, colour: usize, values: &mut [f32]) {
    if let Some(mean) = recipe.mean {
        let mean = mean[colour] as f32;
        values.iter_mut().for_each(|value| *value -= mean);
    }
    if let Some(std) = recipe.std {
        let std = std[colour] as f32;
        values.iter_mut().for_each(|value| *value /= std);
    }
}
