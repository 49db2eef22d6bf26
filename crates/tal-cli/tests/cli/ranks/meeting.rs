//! How ranks find each other, and what they refuse.

use super::{LONG, end, errors, free_port, interrupt, one_error, rank, train, wait_for_steps};
use crate::support::Place;

#[test]
fn ranks_with_other_settings_are_refused() {
    let place = Place::new();
    let port = free_port();
    let first = rank(&place, "0", &port, &train(&["--out", "run"]))
        .spawn()
        .unwrap();
    let other = train(&["--out", "run", "--set", "train.epochs=3"]);
    let second = rank(&place, "1", &port, &other).spawn().unwrap();
    for output in [end(first, 60), end(second, 60)] {
        let error = one_error(&output);
        let told = "rank 1 differs from rank 0 in the configuration: train.epochs = 3 (was 2)";
        assert!(error.contains(told), "{error}");
        assert!(!error.contains("failed"), "{error}");
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn a_rank_alone_gives_up() {
    let place = Place::new();
    let args = train(&["--out", "run", "--rank-timeout", "2"]);
    let output = rank(&place, "1", &free_port(), &args).spawn().unwrap();
    let output = end(output, 30);
    let error = one_error(&output);
    assert!(
        error.contains("did not find the others at localhost"),
        "{error}"
    );
}

#[test]
fn what_several_ranks_cannot_do_is_refused() {
    let place = Place::new();
    let output = place.tal(&train(&["--out", "run", "--ranks", "5"]));
    let errors = errors(&output);
    assert!(
        errors[0].contains("5 ranks cannot share a batch of 4"),
        "{errors:?}"
    );
    assert_eq!(output.status.code(), Some(2));
    // The batch script of Slurm is one process.
    let mut script = place.command(&train(&["--out", "script"]));
    script.envs([
        ("SLURM_PROCID", "0"),
        ("SLURM_NTASKS", "2"),
        ("SLURM_JOB_ID", "7"),
    ]);
    assert!(script.output().unwrap().status.success());
}

#[test]
fn another_job_at_the_same_port_is_refused() {
    let place = Place::new();
    let port = free_port();
    let rank_of = |job: &str, number: &str, args: &[&str]| {
        let mut command = rank(&place, number, &port, &train(args));
        for name in ["RANK", "WORLD_SIZE"] {
            command.env_remove(name);
        }
        command.envs([
            ("OMPI_COMM_WORLD_RANK", number),
            ("OMPI_COMM_WORLD_SIZE", "2"),
            ("OMPI_COMM_WORLD_LOCAL_SIZE", "2"),
            ("OMPI_MCA_ess_base_jobid", job),
        ]);
        command.spawn().unwrap()
    };
    let first = [&LONG[..], &["--out", "first"]].concat();
    let ranks = ["0", "1"].map(|number| rank_of("1", number, &first));
    wait_for_steps(&place, "first", 1);
    for number in ["1", "0"] {
        let output = end(rank_of("2", number, &["--out", "second"]), 60);
        let error = one_error(&output);
        assert!(error.contains("set MASTER_PORT to a free port"), "{error}");
        assert_eq!(output.status.code(), Some(2));
    }
    interrupt(ranks[0].id());
    for child in ranks {
        let errors = errors(&end(child, 60));
        assert!(errors[0].contains("the run is saved"), "{errors:?}");
    }
}
