//! Ranks as threads of one process. Their random numbers disturb each other, so that nothing is trained here.

use std::time::Duration;

use tal_core::ClassMap;
use tal_core::config::Weights;
use tal_engine::{MeetingPoint, Pyramid, Ranks, Trainer};
use tch::{Device, Kind, no_grad};

use crate::corpus;
use crate::support::alone;

#[test]
fn ranks_with_different_weights_take_those_of_rank_0() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let classes = ClassMap::from_names(["a", "b", "c"]).unwrap();
    let meeting = MeetingPoint::open().unwrap();
    let work = |rank: usize| {
        let place = meeting.place(rank, 3);
        let ranks = Ranks::open(&place, Duration::from_secs(60), Device::Cpu).unwrap();
        let seed = format!("train.seed={rank}");
        let config = corpus::config(dir.path(), &[&seed]);
        let mut trainer = Trainer::<Pyramid>::new(&config, &classes, 4, Device::Cpu).unwrap();
        trainer.join(&ranks).unwrap();
        // All begin with the weights of rank 0.
        let mut outcomes = vec![trainer.align().unwrap()];
        for kind in [Weights::Raw, Weights::Ema] {
            if rank == 2 {
                // The last bits of one tensor.
                let tensor = trainer.weights(kind).values().next().unwrap();
                let next = tensor * (1.0 + f64::from(f32::EPSILON));
                no_grad(|| tensor.shallow_clone().copy_(&next));
            }
            outcomes.push(trainer.align().unwrap());
            outcomes.push(trainer.align().unwrap());
        }
        let sum = |kind| -> f64 {
            let values = trainer.weights(kind).values();
            values
                .map(|tensor| tensor.sum(Kind::Double).double_value(&[]))
                .sum()
        };
        (outcomes, [sum(Weights::Raw), sum(Weights::Ema)])
    };
    let found = std::thread::scope(|scope| {
        let threads = [0, 1, 2].map(|rank| {
            let work = &work;
            scope.spawn(move || work(rank))
        });
        threads.map(|thread| thread.join().unwrap())
    });
    for (outcomes, sums) in &found {
        assert_eq!(outcomes[..], [true, false, true, false, true]);
        assert_eq!(*sums, found[0].1);
    }
}
