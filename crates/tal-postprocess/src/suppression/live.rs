//! Rows that wait for selection, found by rank and by position in time.

use std::ops::Range;

use super::row::Row;

/// Rows per block: few enough that a visit is cheap, enough that the tree above stays small.
const BLOCK: usize = 16;

/// Rows that wait for selection.
///
/// Rows are sorted by start and stored in blocks. A binary tree over the blocks stores the best row and the latest end below
/// each node. So the best row is at the root, and the rows that share time with a segment are found without visiting the
/// others. Selecting a row that overlaps `k` others visits `O(k + log n)` blocks.
pub(super) struct LiveRows {
    /// Rows, block by block; live rows come first in each block, in any order.
    rows: Vec<Row>,
    blocks: Vec<Block>,
    /// Node 1 is the root, nodes `2i` and `2i + 1` are below node `i`, the last `width` nodes are the blocks.
    nodes: Vec<Node>,
    /// Number of blocks, rounded up to a power of 2.
    width: usize,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    num_live: usize,
    /// Earliest start.
    start: f32,
}

/// Summary of the live rows below a node.
#[derive(Debug, Clone, Copy)]
struct Node {
    max_end: f32,
    /// Score of the best row.
    score: f32,
    /// Index of the best row among all candidates; `usize::MAX` if no row is live.
    index: usize,
    /// Position of the best row in `rows`.
    position: usize,
}

impl Node {
    const EMPTY: Self = Self {
        max_end: f32::NEG_INFINITY,
        score: f32::NEG_INFINITY,
        index: usize::MAX,
        position: usize::MAX,
    };

    fn of(row: &Row, position: usize) -> Self {
        Self {
            max_end: row.segment.end,
            score: row.score,
            index: row.index,
            position,
        }
    }

    /// Summary of both nodes; rows are compared as by [`Row::rank`].
    fn join(self, other: Self) -> Self {
        let better =
            self.score > other.score || (self.score == other.score && self.index < other.index);
        Self {
            max_end: self.max_end.max(other.max_end),
            ..if better { self } else { other }
        }
    }
}

impl LiveRows {
    pub(super) fn new(mut rows: Vec<Row>) -> Self {
        rows.sort_unstable_by(|a, b| a.segment.start.total_cmp(&b.segment.start));
        let blocks: Vec<Block> = rows
            .chunks(BLOCK)
            .map(|rows| Block {
                num_live: rows.len(),
                start: rows[0].segment.start,
            })
            .collect();
        let width = blocks.len().next_power_of_two();
        let mut live = Self {
            rows,
            blocks,
            nodes: vec![Node::EMPTY; 2 * width],
            width,
        };
        for block in 0..live.blocks.len() {
            live.nodes[width + block] = live.filter(block, |_| true);
        }
        for node in (1..width).rev() {
            live.nodes[node] = live.nodes[2 * node].join(live.nodes[2 * node + 1]);
        }
        live
    }

    /// Removes and returns the best row, and applies `rule(best, row)` to the others; the rule may lower the score of `row`
    /// and returns whether the row stays.
    ///
    /// The rule is applied to every row whose intersection with the best one is above 0, and to some others, which it must
    /// not change.
    pub(super) fn take_best(&mut self, rule: impl Fn(&Row, &mut Row) -> bool) -> Option<Row> {
        let position = self.nodes[1].position;
        let best = *self.rows.get(position)?;
        let home = position / BLOCK;
        self.remove(position);
        let blocks = &self.blocks;
        let reach = blocks.partition_point(|block| block.start < best.segment.end);
        let visit = Visit { best, home, reach };
        self.visit(1, 0..self.width, &visit, &rule);
        Some(best)
    }

    fn remove(&mut self, position: usize) {
        let home = position / BLOCK;
        self.blocks[home].num_live -= 1;
        let last = home * BLOCK + self.blocks[home].num_live;
        self.rows.swap(position, last);
    }

    fn visit(
        &mut self,
        node: usize,
        blocks: Range<usize>,
        visit: &Visit,
        rule: &impl Fn(&Row, &mut Row) -> bool,
    ) {
        // The block from which the best row was taken is updated in any case.
        let apart =
            blocks.start >= visit.reach || self.nodes[node].max_end <= visit.best.segment.start;
        if apart && !blocks.contains(&visit.home) {
            return;
        }
        self.nodes[node] = if blocks.len() == 1 {
            self.filter(blocks.start, |row| rule(&visit.best, row))
        } else {
            let middle = blocks.start + blocks.len() / 2;
            self.visit(2 * node, blocks.start..middle, visit, rule);
            self.visit(2 * node + 1, middle..blocks.end, visit, rule);
            self.nodes[2 * node].join(self.nodes[2 * node + 1])
        };
    }

    /// Drops the rows of a block for which `keep` is false; returns the summary of the others.
    fn filter(&mut self, block: usize, keep: impl Fn(&mut Row) -> bool) -> Node {
        let mut node = Node::EMPTY;
        let mut position = block * BLOCK;
        while position < block * BLOCK + self.blocks[block].num_live {
            if keep(&mut self.rows[position]) {
                node = node.join(Node::of(&self.rows[position], position));
                position += 1;
            } else {
                self.remove(position);
            }
        }
        node
    }
}

/// A selected row and the blocks that it can change.
struct Visit {
    best: Row,
    /// Block from which the row was taken.
    home: usize,
    /// Number of blocks whose earliest start lies before the end of the row.
    reach: usize,
}
