//! Examples in the help of every command.

use clap::{Command, CommandFactory};

use super::Arguments;

/// Commands with their examples, one a line. A test runs each through the parser.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "tal",
        &[
            "tal demo",
            "tal train configs/mine.yaml",
            "tal predict runs/mine film.mp4",
        ],
    ),
    (
        "tal train",
        &[
            "tal train configs/mine.yaml --out runs/mine",
            "tal train configs/mine.yaml --set train.epochs=40 --set train.log=[tensorboard]",
            "tal train configs/mine.yaml --out runs/mine --resume",
        ],
    ),
    (
        "tal test",
        &["tal test runs/mine --subset test --json figures.json --detections found.json"],
    ),
    (
        "tal predict",
        &[
            "tal predict runs/mine new/*.npy --out found.json",
            "tal predict runs/mine film.mp4 --min-score 0.3",
            "tal predict runs/mine new --timeline --thresholds runs/mine/thresholds.yaml",
            "tal predict runs/mine new --format boris --media films --out drafts.boris",
            "tal predict runs/mine --list list.txt --shard 3/16 --resume --out found",
        ],
    ),
    (
        "tal merge",
        &["tal merge found --list list.txt --out found.jsonl"],
    ),
    (
        "tal tune",
        &[
            "tal tune runs/mine --subset validation --measure segment",
            "tal tune found.json --ground-truth truth.json --subset dev --measure event --out rules.yaml",
        ],
    ),
    (
        "tal evaluate",
        &[
            "tal evaluate annotations.json found.json --subset test --per-class",
            "tal evaluate annotations.json found.json --diagnose --bootstrap 1000 --json figures.json",
        ],
    ),
    (
        "tal ablate",
        &[
            "tal ablate compare.yaml --out runs/compared --jobs 2 --threads 4",
            "tal ablate compare.yaml --out runs/compared --collect",
        ],
    ),
    (
        "tal ensemble",
        &["tal ensemble runs/seed_1 runs/seed_2 runs/seed_3 --out fused.json"],
    ),
    (
        "tal report",
        &[
            "tal report runs/mine --out report.html",
            "tal report new=runs/mine old=found.json --media films --out report.html",
            "tal report found.json --ground-truth annotations.json --subset test --out report.html",
        ],
    ),
    (
        "tal config suggest",
        &["tal config suggest annotations.json features --out configs/mine.yaml"],
    ),
    (
        "tal data convert detections",
        &["tal data convert detections found.json --to boris --min-score 0.3 --out drafts.boris"],
    ),
    (
        "tal runs",
        &[
            "tal runs runs --sort map",
            "tal runs runs --filter state=finished --filter name~gtea --compare",
            "tal runs runs --show train.epochs --json",
        ],
    ),
    (
        "tal inspect",
        &[
            "tal inspect runs/mine",
            "tal inspect runs/mine/best.safetensors --depth 5",
            "tal inspect features/a.npy --json",
            "tal inspect --action-sensitivity runs/mine --out sensitivity.svg",
        ],
    ),
    (
        "tal import",
        &["tal import epoch_030.pth.tar --config configs/thumos14.yaml --out released.safetensors"],
    ),
    (
        "tal config",
        &["tal config show configs/mine.yaml --changed"],
    ),
    (
        "tal config show",
        &[
            "tal config show configs/mine.yaml",
            "tal config show configs/mine.yaml --overlay configs/baselines/tridet.yaml --changed",
        ],
    ),
    (
        "tal config import",
        &["tal config import thumos_i3d.yaml --root data/thumos --out configs/thumos14.yaml"],
    ),
    (
        "tal features",
        &["tal features extract efficientnet_lite0_frames films --out features"],
    ),
    (
        "tal features extract",
        &[
            "tal features extract efficientnet_lite0_frames films --out features",
            "tal features extract mine.yaml --list films.txt --weights weights.pth --out features --shard 0/4",
        ],
    ),
    (
        "tal features probe",
        &["tal features probe film.mp4 --json"],
    ),
    (
        "tal features recipes",
        &[
            "tal features recipes",
            "tal features recipes efficientnet_lite0_frames",
        ],
    ),
    (
        "tal features weights",
        &[
            "tal features weights",
            "tal features weights downloads/weights.pth",
            "tal features weights --download r2plus1d_18-91a641e6.pth --out weights",
        ],
    ),
    (
        "tal features check",
        &["tal features check configs/mine.yaml"],
    ),
    ("tal data", &["tal data check configs/mine.yaml"]),
    (
        "tal data check",
        &[
            "tal data check configs/mine.yaml --json findings.json",
            "tal data check configs/mine.yaml --write",
        ],
    ),
    (
        "tal data stats",
        &["tal data stats configs/mine.yaml --plots plots"],
    ),
    (
        "tal data synth",
        &[
            "tal data synth --out data --num-train 80 --num-test 30",
            "tal data synth --like configs/mine.yaml --out data",
        ],
    ),
    (
        "tal data prepare",
        &["tal data prepare gtea --from downloads/gtea --out data/gtea --split 1"],
    ),
    (
        "tal data convert",
        &["tal data convert annotations table.csv --from csv --fps 30 --out annotations.json"],
    ),
    (
        "tal data convert annotations",
        &["tal data convert annotations table.csv --from csv --fps 30 --out annotations.json"],
    ),
    (
        "tal data convert features",
        &["tal data convert features configs/mine.yaml --to npy --out features"],
    ),
    (
        "tal data split",
        &[
            "tal data split annotations.json --test-share 0.2 --out split.json",
            "tal data split annotations.json --folds 5 --out folds",
        ],
    ),
    (
        "tal data clicks",
        &["tal data clicks annotations.json --out clicks.json"],
    ),
    (
        "tal data clips",
        &["tal data clips configs/mine.yaml --length 60 --out clips"],
    ),
    (
        "tal demo",
        &["tal demo", "tal demo --video", "tal demo --resume"],
    ),
    (
        "tal doctor",
        &["tal doctor", "tal doctor --video --device cuda --json"],
    ),
    (
        "tal completions",
        &[
            "tal completions bash > ~/.local/share/bash-completion/completions/tal",
            "tal completions zsh > ~/.zfunc/_tal",
            "tal completions fish > ~/.config/fish/completions/tal.fish",
        ],
    ),
    ("tal man", &["tal man ~/.local/share/man/man1"]),
];

/// The command line with examples in the long help.
pub(crate) fn command() -> Command {
    with_examples(Arguments::command(), "tal")
}

fn with_examples(command: Command, path: &str) -> Command {
    let found = EXAMPLES.iter().find(|(name, _)| *name == path);
    let text = found.map(|(_, lines)| {
        let lines: String = lines.iter().map(|line| format!("\n  {line}")).collect();
        format!("Examples:{lines}")
    });
    let command = match (text, command.get_after_long_help()) {
        (Some(text), Some(before)) => {
            let both = format!("{before}\n\n{text}");
            command.after_long_help(both)
        }
        (Some(text), None) => command.after_long_help(text),
        (None, _) => command,
    };
    command.mut_subcommands(|sub| {
        let path = format!("{path} {}", sub.get_name());
        with_examples(sub, &path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A command with its path and all below it.
    fn walk<'a>(command: &'a Command, path: &str, found: &mut Vec<(String, &'a Command)>) {
        found.push((path.to_owned(), command));
        for sub in command.get_subcommands() {
            walk(sub, &format!("{path} {}", sub.get_name()), found);
        }
    }

    #[test]
    fn every_command_has_examples_that_parse() {
        let root = command();
        let mut all = Vec::new();
        walk(&root, "tal", &mut all);
        assert!(all.len() > 25, "{}", all.len());
        for (path, command) in &all {
            let help = Command::clone(command).render_long_help().to_string();
            let (_, examples) = help
                .split_once("Examples:\n")
                .unwrap_or_else(|| panic!("`{path} --help` has no example"));
            let lines: Vec<&str> = examples
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect();
            assert!(!lines.is_empty(), "{path}");
            for line in lines {
                // Of the command itself; a group shows one of its commands.
                assert!(line.starts_with(path.as_str()), "{path}: {line}");
                let words = line.split_whitespace().take_while(|word| *word != ">");
                let parsed = super::command().try_get_matches_from(words);
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            }
        }
        // No example is of a command that is gone.
        for (path, _) in EXAMPLES {
            assert!(all.iter().any(|(name, _)| name == path), "{path}");
        }
    }
}
