//! Poses of the figure, and the motions that lead through them.

use std::f64::consts::TAU;

/// A motion; its number is its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Motion {
    Wave,
    Squat,
    JumpingJack,
    Bow,
    Kick,
    Lunge,
}

/// Angles of the joints, in degrees. Limbs that hang or stand straight have 0; a limb turned towards the right has more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pose {
    /// Turn of the trunk to the right.
    pub(super) trunk: f64,
    /// Upper arms and forearms of the left and the right side.
    pub(super) arms: [[f64; 2]; 2],
    /// Thighs and shanks of the left and the right side.
    pub(super) legs: [[f64; 2]; 2],
}

impl Motion {
    pub(super) const ALL: [Self; 6] = [
        Self::Wave,
        Self::Squat,
        Self::JumpingJack,
        Self::Bow,
        Self::Kick,
        Self::Lunge,
    ];

    /// Name of the class.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Wave => "wave",
            Self::Squat => "squat",
            Self::JumpingJack => "jumping_jack",
            Self::Bow => "bow",
            Self::Kick => "kick",
            Self::Lunge => "lunge",
        }
    }

    /// Length of one repetition, in seconds.
    pub(super) fn period(self) -> f64 {
        match self {
            Self::Wave => 0.8,
            Self::JumpingJack => 1.1,
            Self::Kick => 1.3,
            Self::Squat => 1.6,
            Self::Lunge => 1.8,
            Self::Bow => 2.0,
        }
    }

    /// The pose after a number of repetitions. A motion never comes back to rest between two of them, so that each frame shows
    /// it.
    pub(super) fn pose(self, repetitions: f64) -> Pose {
        // From 0.35 to 1, and from -1 to 1.
        let swing = (TAU * repetitions).sin();
        let strength = 0.675 + 0.325 * swing;
        match self {
            Self::Wave => Pose {
                arms: [[-8.0, -4.0], [150.0, 180.0 + 35.0 * swing]],
                ..STRAIGHT
            },
            Self::Squat => Pose {
                trunk: 14.0 * strength,
                arms: [[85.0 * strength; 2]; 2],
                legs: [
                    [-62.0 * strength, 40.0 * strength],
                    [62.0 * strength, -40.0 * strength],
                ],
            },
            Self::JumpingJack => Pose {
                arms: [
                    [-160.0 * strength, -170.0 * strength],
                    [160.0 * strength, 170.0 * strength],
                ],
                legs: [[-32.0 * strength; 2], [32.0 * strength; 2]],
                ..STRAIGHT
            },
            Self::Bow => Pose {
                trunk: 95.0 * strength,
                arms: [[20.0; 2], [30.0; 2]],
                ..STRAIGHT
            },
            Self::Kick => Pose {
                trunk: -12.0 * strength,
                arms: [[-50.0 * strength; 2], [35.0 * strength; 2]],
                legs: [[0.0; 2], [95.0 * strength; 2]],
            },
            Self::Lunge => Pose {
                trunk: 8.0,
                arms: [[-70.0, -10.0], [70.0, 10.0]],
                legs: [[-70.0 * strength, -75.0 * strength], [75.0 * strength, 0.0]],
            },
        }
    }
}

const STRAIGHT: Pose = Pose {
    trunk: 0.0,
    arms: [[-10.0, -5.0], [10.0, 5.0]],
    legs: [[-5.0; 2], [5.0; 2]],
};

/// The pose of the figure between motions: it walks, `steps` steps so far.
pub(super) fn rest(steps: f64) -> Pose {
    let swing = (TAU * steps).sin();
    let bend = (TAU * steps).cos().abs();
    Pose {
        trunk: 2.0,
        arms: [[18.0 * swing, 24.0 * swing], [-18.0 * swing, -12.0 * swing]],
        legs: [
            [-20.0 * swing, -20.0 * swing - 12.0 * bend],
            [20.0 * swing, 20.0 * swing - 12.0 * bend],
        ],
    }
}

impl Pose {
    /// The pose between this and another one.
    pub(super) fn towards(self, other: Self, share: f64) -> Self {
        let mix = |a: f64, b: f64| a + share * (b - a);
        let limbs = |a: [[f64; 2]; 2], b: [[f64; 2]; 2]| {
            std::array::from_fn(|side| {
                std::array::from_fn(|part| mix(a[side][part], b[side][part]))
            })
        };
        Self {
            trunk: mix(self.trunk, other.trunk),
            arms: limbs(self.arms, other.arms),
            legs: limbs(self.legs, other.legs),
        }
    }
}
