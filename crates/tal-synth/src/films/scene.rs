//! Drawing.

use tiny_skia::{Color, FillRule, LineCap, Paint, PathBuilder, Pixmap, Rect, Stroke, Transform};

use super::super::random::Random;
use super::pose::Pose;

/// A figure in front of a background that moves.
pub(super) struct Scene {
    pixels: Pixmap,
    rgb: Vec<u8>,
    sky: Color,
    ground: Color,
    figure: Color,
    shapes: Vec<Shape>,
    /// Height of the figure, in heights of the picture.
    height: f64,
}

/// A disc or a box that drifts.
struct Shape {
    colour: Color,
    centre: (f64, f64),
    speed: f64,
    radius: f64,
    round: bool,
}

/// Lengths of trunk, upper arm, forearm, thigh and shank, and the radius of the head, in heights of the figure.
const TRUNK: f64 = 0.34;
const ARM: [f64; 2] = [0.17, 0.16];
const LEG: [f64; 2] = [0.23, 0.23];
const HEAD: f64 = 0.075;

impl Scene {
    pub(super) fn new((width, height): (usize, usize), random: &mut Random) -> Self {
        let mut colour = |low: f64, high: f64| {
            let mut part = || random.between((low, high)) as f32;
            let [red, green, blue] = [part(), part(), part()];
            Color::from_rgba(red, green, blue, 1.0).unwrap_or(Color::WHITE)
        };
        let (sky, ground, figure) = (colour(0.55, 0.95), colour(0.35, 0.6), colour(0.0, 0.25));
        let colours: Vec<Color> = (0..7).map(|_| colour(0.3, 0.9)).collect();
        let shapes = colours.into_iter().map(|colour| Shape {
            colour,
            centre: (random.unit(), random.between((0.1, 0.7))),
            speed: random.between((-0.06, 0.06)),
            radius: random.between((0.03, 0.12)),
            round: random.chance(0.5),
        });
        let shapes = shapes.collect();
        Self {
            pixels: Pixmap::new(width as u32, height as u32).expect("a picture has a size"),
            rgb: vec![0; width * height * 3],
            sky,
            ground,
            figure,
            shapes,
            height: random.between((0.62, 0.8)),
        }
    }

    /// A frame: rows from top to bottom, three bytes for each pixel.
    pub(super) fn draw(&mut self, pose: &Pose, position: f64, time: f64) -> &[u8] {
        let (width, height) = (
            f64::from(self.pixels.width()),
            f64::from(self.pixels.height()),
        );
        self.pixels.fill(self.sky);
        let horizon = 0.78 * height;
        if let Some(ground) = Rect::from_xywh(0.0, horizon as f32, width as f32, height as f32) {
            self.pixels
                .fill_rect(ground, &paint(self.ground), Transform::identity(), None);
        }
        for shape in &self.shapes {
            let margin = 0.15;
            let x = (shape.centre.0 + shape.speed * time + margin).rem_euclid(1.0 + 2.0 * margin)
                - margin;
            let (x, y, radius) = (x * width, shape.centre.1 * height, shape.radius * height);
            let mut outline = PathBuilder::new();
            if shape.round {
                outline.push_circle(x as f32, y as f32, radius as f32);
            } else if let Some(square) = Rect::from_xywh(
                (x - radius) as f32,
                (y - radius) as f32,
                2.0 * radius as f32,
                2.0 * radius as f32,
            ) {
                outline.push_rect(square);
            }
            if let Some(path) = outline.finish() {
                self.pixels.fill_path(
                    &path,
                    &paint(shape.colour),
                    FillRule::Winding,
                    Transform::identity(),
                    None,
                );
            }
        }
        self.figure(pose, position * width, 0.92 * height, self.height * height);
        for (rgb, pixel) in self.rgb.chunks_exact_mut(3).zip(self.pixels.pixels()) {
            rgb.copy_from_slice(&[pixel.red(), pixel.green(), pixel.blue()]);
        }
        &self.rgb
    }

    /// The figure; its lower foot stands on `floor`.
    fn figure(&mut self, pose: &Pose, x: f64, floor: f64, height: f64) {
        let end = |(x, y): (f64, f64), degrees: f64, length: f64| {
            let angle = degrees.to_radians();
            (
                x + length * height * angle.sin(),
                y + length * height * angle.cos(),
            )
        };
        let reach = |limb: &[f64; 2]| {
            let down = |part: usize| LEG[part] * limb[part].to_radians().cos();
            (down(0) + down(1)) * height
        };
        let hip = (x, floor - pose.legs.iter().map(reach).fold(0.0, f64::max));
        // The trunk points upwards.
        let neck = end(hip, 180.0 - pose.trunk, TRUNK);
        let head = end(neck, 180.0 - pose.trunk, HEAD * 1.2);
        let mut lines = PathBuilder::new();
        let mut limb = |from: (f64, f64), angles: &[f64; 2], lengths: [f64; 2]| {
            let joint = end(from, angles[0], lengths[0]);
            let tip = end(joint, angles[1], lengths[1]);
            lines.move_to(from.0 as f32, from.1 as f32);
            lines.line_to(joint.0 as f32, joint.1 as f32);
            lines.line_to(tip.0 as f32, tip.1 as f32);
        };
        for (arm, leg) in pose.arms.iter().zip(&pose.legs) {
            limb(neck, arm, ARM);
            limb(hip, leg, LEG);
        }
        lines.move_to(hip.0 as f32, hip.1 as f32);
        lines.line_to(neck.0 as f32, neck.1 as f32);
        let stroke = Stroke {
            width: (0.045 * height) as f32,
            line_cap: LineCap::Round,
            ..Stroke::default()
        };
        let paint = paint(self.figure);
        if let Some(path) = lines.finish() {
            self.pixels
                .stroke_path(&path, &paint, &stroke, Transform::identity(), None);
        }
        if let Some(path) =
            PathBuilder::from_circle(head.0 as f32, head.1 as f32, (HEAD * height) as f32)
        {
            self.pixels.fill_path(
                &path,
                &paint,
                FillRule::Winding,
                Transform::identity(),
                None,
            );
        }
    }
}

fn paint(colour: Color) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(colour);
    paint.anti_alias = true;
    paint
}
